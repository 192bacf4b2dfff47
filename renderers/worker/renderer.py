"""Backends in a child process: any program that speaks the protocol, and `isolated` backends of the registry.

Both speak the protocol of docs/worker.md. The environment names the device: COPILOT_DEVICE, and
CUDA_VISIBLE_DEVICES if the child is to see one GPU alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from copilot.library_sound import LibrarySound
from renderers.contract import (
    RenderedSound,
    Renderer,
    RendererInfo,
    RenderFailure,
    RenderRequest,
    RenderSettings,
    Tool,
    Voice,
    get_info,
    list_sounds,
)
from renderers.worker.answers import Greeting, RenderTrade
from renderers.worker.client import WorkerClient
from renderers.worker.hosting import make_host_command, make_host_environment
from renderers.worker.program import ProgramBackend, ProgramSettings

SCRIPTS = {
    name: Path(__file__).parent / "scripts" / f"{name.replace('-', '_')}_worker.py"
    for name in ("f5-tts", "xtts")
}
"""The scripts that come with the project, by name."""


class WorkerSettings(ProgramSettings):
    """The program, and what is handed to it."""

    scripts = SCRIPTS

    command: str = Field(description="f5-tts, xtts, or the command that starts the program, as in a shell.")
    python: str | None = Field(
        default=None, description="The Python that runs f5-tts or xtts; default: the one that runs copilot."
    )

    @property
    def is_speech(self) -> bool:
        """True if the program is known to speak before it is started: the shipped scripts do."""
        return self.script is not None


class WorkerRenderer(ProgramBackend[Greeting, RenderRequest, RenderedSound, RenderFailure]):
    """Renders with a program that speaks the protocol. The constructor starts it and reads its greeting.

    Raises UserError if the program is not found, ChildStartError if it cannot be started or does not greet.
    """

    info = RendererInfo(
        summary="Any backend in a program of its own; f5-tts and xtts are ready scripts",
        licence="Apache-2.0; the program's own",
        model_licence="the program's own: F5-TTS CC-BY-NC-4.0, XTTS CPML (non-commercial)",
        settings=WorkerSettings,
        target="command",
        isolated=True,
        batch_s=30.0,
    )

    def __init__(self, settings: WorkerSettings) -> None:
        super().__init__(settings, RenderTrade(), type(self).info.deadline_s)
        self.tool: Tool = self._greeting.tool
        self.info = replace(type(self).info, clones=self._greeting.clones, languages=self._greeting.languages)

    def voices(self) -> Sequence[Voice]:
        """Return the program's own voices."""
        return self._greeting.list_voices()

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return answers, and raise, as `WorkerClient.work` does."""
        return self._client.work(requests)


class HostedRenderer:
    """A renderer of the registry that works in a child process: `renderers.worker.host`.

    `inner`, created from the same spec, only describes itself; it loads nothing and renders nothing.
    """

    def __init__(
        self,
        inner: Renderer,
        spec: str,
        tool: Tool,
        settings: Mapping[str, Any],
        render_settings: RenderSettings,
    ) -> None:
        self._inner = inner
        self.name = inner.name
        self.tool: Tool = inner.tool
        self.info = get_info(inner)
        self._client: WorkerClient[Greeting, RenderRequest, RenderedSound, RenderFailure] = WorkerClient(
            inner.name,
            make_host_command("renderers.worker.host", spec, tool, json.dumps(dict(settings))),
            RenderTrade(),
            deadline_s=render_settings.deadline_s or self.info.deadline_s,
            environment=make_host_environment(render_settings),
        )

    def fingerprint(self) -> dict[str, str]:
        """Return the inner renderer's."""
        return self._inner.fingerprint()

    def list_sounds(self) -> tuple[LibrarySound, ...]:
        """Return the inner renderer's."""
        return list_sounds(self._inner)

    def prepare(self) -> None:
        """Start the child and let it load. Raises CopilotError if it cannot."""
        self._client.prepare()

    def voices(self) -> Sequence[Voice]:
        """Return the inner renderer's."""
        return self._inner.voices()

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return answers, and raise, as `WorkerClient.work` does."""
        return self._client.work(requests)

    def close(self) -> None:
        """End the child at once."""
        self._client.close()
        self._inner.close()
