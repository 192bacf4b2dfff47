"""What a worker has to know: plain values that travel to any process."""

from __future__ import annotations

import platform
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

from copilot.hashing import content_hash
from pipelines.fingerprint import Fingerprint
from pipelines.storage import is_uri
from renderers.contract import RenderSettings
from renderers.voice_bank import VoiceBank

RECORDS_AT_ONCE = 4
"""How many records are in the stages together: what bounds a worker's memory."""


@dataclass(frozen=True, slots=True)
class ExecutionSettings:
    """What the work is done with. Nothing of it changes a sample.

    `store` is the folder or URI of the stem store; RUN/stems without it. `at_once` records go through the
    stages together, `RECORDS_AT_ONCE` without it: with more of them, a model's batches are fuller. `render`
    sets the backends to work.
    """

    store: str | None = None
    at_once: int | None = None
    render: RenderSettings = field(default_factory=RenderSettings)


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """The run, what it is to make, and with what.

    `designed` records come with their dialogues: the worker has no designer. `user` is the worker's name in
    the stem store.
    """

    run: str
    fingerprint: Fingerprint
    settings: ExecutionSettings
    bank: VoiceBank | None = None
    designed: bool = False
    user: str | None = None
    call: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    """What the workers of one call of the program share, and no others."""
    host: str = field(default_factory=platform.node)
    """The machine of the program, wherever its workers are."""

    @property
    def store(self) -> str:
        """The folder or URI of the stem store."""
        return self.settings.store or f"{self.run}/stems"

    def for_worker(self, index: int, name: str | None = None) -> WorkerSpec:
        """The order for one of several workers, counted from 0: they share the devices out.

        The `name` tells workers of one call apart; the index does without it.
        """
        render = replace(self.settings.render, worker=index)
        # Folders of one name, here or on another machine, may share a store.
        where = content_hash([self.run] if is_uri(self.run) else [self.host, str(Path(self.run).absolute())])[
            :8
        ]
        user = f"{Path(self.run).name}-{where}.{self.fingerprint.digest}.{name or index}-{self.call}"
        return replace(self, settings=replace(self.settings, render=render), user=user)
