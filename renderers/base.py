"""The contract between the pipeline and a backend that makes sound.

A renderer is constructed once per worker with plain settings, prepared once, and then asked for batches.
It answers every request of a batch, in the order asked, with sound or with a failure that has a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from copilot.stem import Word
from copilot.units import Audio, Seconds

__all__ = ["RenderFailure", "RenderRequest", "RenderedSound", "Renderer", "Tool", "Voice", "Word"]

Tool = Literal["sfx", "tts"]


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What a renderer hears of an element: its tool parameters, and a random seed of its own.

    `text` is a caption, or the words to speak. `duration_s` is the longest duration that the sound has in
    any turn: exact for `sfx`, the room that speech has for `tts`. `voice` is a voice of the backend's bank.
    """

    text: str
    duration_s: Seconds
    seed: int
    voice: str | None = None
    gender: str | None = None
    emotion: str | None = None


@dataclass(frozen=True, slots=True)
class RenderedSound:
    """Sound as the backend gives it: float32, (channels, samples), 1 or 2 channels, at `rate_hz`.

    `matched` is false where the backend had nothing that fits the text. `detail` says what was used
    (a recipe, a file and its licence) and goes into the stem's provenance.
    """

    audio: Audio
    rate_hz: int
    matched: bool = True
    words: tuple[Word, ...] = ()
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RenderFailure:
    """Why one request has no sound: a kebab-case reason, and a detail for people."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice of a bank."""

    name: str
    gender: str
    emotions: tuple[str, ...] = ()


@runtime_checkable
class Renderer(Protocol):
    """A backend which turns requests into sound. Registered as an entry point in `copilot.renderers`."""

    name: str
    tool: Tool

    def fingerprint(self) -> dict[str, str]:
        """Backend, version, model, revision, settings: whatever changes the sound. Part of the stem's key."""
        ...

    def prepare(self) -> None:
        """Load what is needed, once per worker. Raises CopilotError when the backend cannot work here."""
        ...

    def voices(self) -> Sequence[Voice]:
        """The bank of voices that requests may name; empty for `sfx`."""
        ...

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Answers in the order asked, one for each request; never raises for one bad request."""
        ...

    def close(self) -> None:
        """Let go of processes, memory and files."""
        ...
