"""The contract between the pipeline and a backend that makes sound.

A renderer is constructed once per worker, prepared once, and then asked for batches. It answers every request
of a batch, in the order asked, with sound or with a failure that has a reason. What it is, needs and takes
stands in its class attribute `info_of`; one without it is a backend with nothing to tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from copilot.errors import CopilotError
from copilot.frozen_model import FrozenModel
from copilot.hashing import content_hash
from copilot.units import Audio, Seconds
from copilot.vocabulary import Word

__all__ = [
    "BatchTooLargeError",
    "Reference",
    "RenderFailure",
    "RenderRequest",
    "RenderSettings",
    "RenderedSound",
    "Renderer",
    "RendererInfo",
    "Tool",
    "Voice",
    "info_of",
]

Tool = Literal["sfx", "tts"]


class BatchTooLargeError(CopilotError):
    """A batch does not fit into the device's memory. Raised by `render`; a smaller batch may fit."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A recording that shows a voice: what a backend that clones voices listens to.

    `path` is absolute, `sha256` the hash of the file's content, `transcript` the words that it holds.
    """

    path: Path
    transcript: str
    sha256: str
    emotion: str = "neutral"
    licence: str = ""

    @property
    def content(self) -> str:
        """Hash of all that a backend may go by; neither of the path nor of the licence."""
        return content_hash([self.sha256, self.transcript, self.emotion])


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice of a bank. One without references is known to its backend by its name."""

    name: str
    gender: str
    emotions: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What a renderer hears of an element: its tool parameters, and a random seed of its own.

    `text` is a caption, or the words to speak. `duration_s` is the longest duration that the sound has in
    any turn: exact for `sfx`, the room that speech has for `tts`. `voice` is the name of a voice;
    `reference` is there where the backend clones, and shows that voice.
    """

    text: str
    duration_s: Seconds
    random_seed: int
    voice: str | None = None
    gender: str | None = None
    emotion: str | None = None
    reference: Reference | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RendererInfo:
    """What is known of a backend without loading it.

    `extra` is the extra of this distribution that brings `modules`, the import names which the backend
    needs. `licence` is that of its code, `model_licence` that of its weights.

    `settings` is the model of its settings, all with defaults, that change the sound; an instance of it is
    all that the class is then constructed with, else nothing. `--sfx NAME:TARGET` fills the setting that
    `target` names. `clones` says that requests need a `reference`. A backend that is `isolated` runs in a
    child process of each worker: one that hangs, or crashes, is replaced.

    A batch is cut so that its number of requests times its longest duration, or `least_s` where that is
    longer, stays within `batch_s`. A batch that takes longer than `deadline_s` has hung.
    """

    summary: str = ""
    extra: str | None = None
    modules: tuple[str, ...] = ()
    licence: str = "not given"
    model: str | None = None
    model_licence: str | None = None
    settings: type[FrozenModel] | None = None
    target: str | None = None
    clones: bool = False
    isolated: bool = False
    batch_s: Seconds = math.inf
    least_s: Seconds = 0.0
    deadline_s: Seconds = 600.0


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """How a backend is set to work here; nothing of it changes a sound. None: as the backend says.

    `device` is torch's name of one: `cuda:1`, `cpu`; without it, workers share out what there is by their
    number, `worker`.
    """

    batch_s: Seconds | None = None
    deadline_s: Seconds | None = None
    device: str | None = None
    worker: int = 0


@runtime_checkable
class Renderer(Protocol):
    """A backend which turns requests into sound. Registered as an entry point in `copilot.renderers`."""

    name: str
    tool: Tool

    def fingerprint(self) -> dict[str, str]:
        """Backend, version, model, revision, settings: whatever changes the sound. Part of the stem's key.

        Loads no weights.
        """
        ...

    def prepare(self) -> None:
        """Load what is needed, once per worker. Raises CopilotError when the backend cannot work here."""
        ...

    def voices(self) -> Sequence[Voice]:
        """The voices that it has itself; empty for `sfx`, and where only references show it voices."""
        ...

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Answers in the order asked, one for each request; never raises for one bad request.

        Raises BatchTooLargeError for want of memory.
        """
        ...

    def close(self) -> None:
        """Let go of processes, memory and files."""
        ...


def info_of(backend: Any) -> RendererInfo:  # noqa: ANN401 - a class or an instance of anybody's
    """What a backend, or its class, tells of itself."""
    told = getattr(backend, "info", None)
    return told if isinstance(told, RendererInfo) else RendererInfo()
