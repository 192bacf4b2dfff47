"""The specification of a worker: plain values that travel to any process."""

from __future__ import annotations

import platform
import uuid
from dataclasses import dataclass, field, replace

from copilot.designers.llm.service import LlmService
from copilot.library_sound import LibrarySound
from pipelines.fingerprint import Fingerprint
from pipelines.stem_store.users import build_user_name
from renderers.contract import RenderSettings
from renderers.voice_bank import VoiceBank

RECORDS_AT_ONCE = 4
"""The number of records that go through the stages together. It bounds a worker's memory."""


@dataclass(frozen=True, slots=True)
class ExecutionSettings:
    """Settings of the execution. None of them changes a sample.

    `store` is the folder or URI of the stem store (default: RUN/stems). `at_once` records go through the
    stages together (default: `RECORDS_AT_ONCE`); larger values fill a model's batches better. `render` holds
    the settings of the renderers.
    """

    store: str | None = None
    at_once: int | None = None
    render: RenderSettings = field(default_factory=RenderSettings)


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """The run, its fingerprint, and the settings of one worker.

    If the run `designs_ahead`, records come with their dialogues, and the worker has no designer. `name`
    differs between the workers of one call of the program. `service` is for a designer that asks a language
    model in a stage. `library` are the sounds that the designer writes about, if not those of its own choice.
    """

    run: str
    fingerprint: Fingerprint
    settings: ExecutionSettings
    bank: VoiceBank | None = None
    designs_ahead: bool = False
    service: LlmService | None = None
    library: tuple[LibrarySound, ...] = ()
    name: str = "0"
    call: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    """Shared by the workers of one call of the program, and by no others."""
    host: str = field(default_factory=platform.node)
    """The machine that the program runs on, wherever its workers are."""

    @property
    def store(self) -> str:
        """The folder or URI of the stem store."""
        return self.settings.store or f"{self.run}/stems"

    @property
    def user(self) -> str:
        """The worker's name as a user of the stem store."""
        return build_user_name(self.run, self.fingerprint.digest, self.name, call=self.call, host=self.host)

    def for_worker(self, index: int, name: str | None = None) -> WorkerSpec:
        """Return the spec of one of several workers, counted from 0: they share the devices.

        The `name` is the index unless one is given.
        """
        settings = replace(self.settings, render=replace(self.settings.render, worker=index))
        return replace(self, settings=settings, name=name or str(index))
