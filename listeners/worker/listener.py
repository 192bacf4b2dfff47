"""Listeners in a child process: any program that speaks the protocol, and the listeners of the registry.

Both speak the protocol of docs/worker.md. A clip without samples or with NaN does not reach the child.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from copilot.errors import UserError
from listeners.contract import Clip, Heard, HearingFailure, Kind, Listener, ListenerInfo, get_info
from listeners.preparation import hear_sound_clips
from listeners.worker.answers import Greeting, HearTrade
from renderers.contract import RenderSettings
from renderers.worker.client import WorkerClient
from renderers.worker.hosting import make_host_command, make_host_environment
from renderers.worker.program import ProgramBackend, ProgramSettings

SCRIPTS = {
    name: Path(__file__).parent / "scripts" / f"{name}_worker.py" for name in ("openflam", "utmosv2", "glap")
}
"""The scripts that come with the project, by name."""


class WorkerSettings(ProgramSettings):
    """The program, and what is handed to it."""

    scripts = SCRIPTS

    command: str = Field(
        description="openflam, utmosv2, glap, or the command that starts the program, as in a shell."
    )


class WorkerListener(ProgramBackend[Greeting, Clip, Heard, HearingFailure]):
    """Hears with a program that speaks the protocol. The constructor starts it and reads its greeting.

    Raises UserError if the program is not found or of another kind, ChildStartError if it cannot be started
    or does not greet.
    """

    info = ListenerInfo(
        kinds=("recogniser", "detector", "embedder", "scorer", "rater"),
        summary="Any listener in a program of its own; openflam, utmosv2 and glap are ready scripts",
        licence="Apache-2.0; the program's own",
        model_licence=(
            "the program's own: OpenFLAM, code and weights, non-commercial research only (Adobe Research "
            "License); UTMOSv2 MIT; GLAP Apache-2.0"
        ),
        settings=WorkerSettings,
        target="command",
        batch_s=120.0,
    )

    def __init__(self, settings: WorkerSettings, *, kind: Kind) -> None:
        super().__init__(settings, HearTrade(kind), type(self).info.deadline_s)
        self.kind: Kind = kind
        self.rate_hz = self._greeting.rate_hz
        if self._greeting.kind != kind:
            self.close()
            raise UserError(f"worker {self.name} is {self._greeting.kind}, not {kind}", field=kind)

    def hear(self, clips: Sequence[Clip]) -> list[Heard | HearingFailure]:
        """Return answers, and raise, as `WorkerClient.work` does."""
        return hear_sound_clips(clips, self._client.work)


class HostedListener:
    """A listener of the registry that works in a child process: `listeners.worker.host`.

    `inner`, created from the same spec, only describes itself; it loads nothing and hears nothing.
    """

    def __init__(
        self,
        inner: Listener,
        spec: str,
        settings: Mapping[str, Any],
        render_settings: RenderSettings,
    ) -> None:
        self._inner = inner
        self.name = inner.name
        self.kind: Kind = inner.kind
        self.rate_hz = inner.rate_hz
        self.info = get_info(inner)
        self._client: WorkerClient[Greeting, Clip, Heard, HearingFailure] = WorkerClient(
            inner.name,
            make_host_command("listeners.worker.host", spec, inner.kind, json.dumps(dict(settings))),
            HearTrade(inner.kind),
            deadline_s=render_settings.deadline_s or self.info.deadline_s,
            environment=make_host_environment(render_settings),
        )

    def fingerprint(self) -> dict[str, str]:
        """Return the inner listener's."""
        return self._inner.fingerprint()

    def prepare(self) -> None:
        """Start the child and let it load. Raises CopilotError if it cannot."""
        self._client.prepare()

    def hear(self, clips: Sequence[Clip]) -> list[Heard | HearingFailure]:
        """Return answers, and raise, as `WorkerClient.work` does."""
        return hear_sound_clips(clips, self._client.work)

    def close(self) -> None:
        """End the child at once."""
        self._client.close()
        self._inner.close()
