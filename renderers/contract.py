"""The contract between the pipeline and a backend that makes sound.

A renderer is constructed once per worker, prepared once, and then receives batches. It answers every request
of a batch, in the order of the requests, with a sound or with a failure that has a reason. Three attributes
are optional: `info` (`RendererInfo`) on its class describes it without loading it, `problems` on its
instances lists what is wrong with its own data, and their method `list_sounds` returns what it has
(`LibrarySound`), if it has no more than certain sounds. `renderers.testing.check_renderer` holds a renderer
against this contract.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, runtime_checkable

from copilot.errors import CopilotError
from copilot.language import is_among
from copilot.units import Seconds
from copilot.vocabulary import Word

if TYPE_CHECKING:
    from collections.abc import Callable

    from copilot.frozen_model import FrozenModel
    from copilot.library_sound import LibrarySound
    from copilot.stem import SoundSpec
    from copilot.units import Audio

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
    "Word",
    "get_info",
    "list_problems",
    "list_sounds",
    "list_speakers",
]

Tool = Literal["sfx", "tts"]


class BatchTooLargeError(CopilotError):
    """A batch that does not fit into the device's memory. Raised by `render`; a smaller batch may fit."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A recording that shows a voice to a backend that clones voices.

    `path` is absolute, `sha256` the hash of the file's content, `transcript` the words that it holds.
    """

    path: Path
    transcript: str
    sha256: str
    emotion: str = "neutral"
    licence: str = ""

    @property
    def content(self) -> str:
        """Hash of everything that may change the sound: neither the path nor the licence is in it."""
        from copilot.hashing import content_hash  # noqa: PLC0415 - loads NumPy, which the contract does not need

        return content_hash([self.sha256, self.transcript, self.emotion])


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice. A voice without references belongs to its backend, which knows it by its name.

    `languages` are tags of those that it speaks; empty if it speaks those of its backend.
    """

    name: str
    gender: str
    emotions: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """One sound to render: an element's tool parameters, and a random seed of its own.

    `text` is a caption, or the words to speak. `duration_s` is the longest duration that the sound has in
    any turn: exact for `sfx`, an upper bound that speech should keep for `tts`. `voice` is the name of a
    voice; a backend that clones voices receives a `reference` of that voice. `language` is the tag that the
    run declares, for `tts`; None is English.
    """

    text: str
    duration_s: Seconds
    random_seed: int
    voice: str | None = None
    gender: str | None = None
    emotion: str | None = None
    reference: Reference | None = None
    language: str | None = None

    @classmethod
    def from_spec(cls, spec: SoundSpec, reference: Reference | None = None) -> RenderRequest:
        """Return the request for a sound. `reference` is the recording whose content the spec names."""
        return cls(
            text=spec.text,
            duration_s=spec.duration_s,
            random_seed=spec.random_seed,
            voice=spec.voice,
            gender=spec.gender,
            emotion=spec.emotion,
            reference=reference,
            language=spec.language,
        )


@dataclass(frozen=True, slots=True)
class RenderedSound:
    """A sound as the backend made it: float32, (channels, samples), 1 or 2 channels, at `rate_hz`.

    `matched` is false if the backend had nothing that fits the text. `detail` names what was used
    (a recipe, a file and its licence) and goes into the stem's provenance. `backend` names the one that made
    the sound, if that is not the renderer itself but one of a chain.
    """

    audio: Audio = field(repr=False)
    rate_hz: int
    matched: bool = True
    words: tuple[Word, ...] = ()
    detail: Mapping[str, str] = field(default_factory=dict)
    backend: str = ""


@dataclass(frozen=True, slots=True)
class RenderFailure:
    """The reason (kebab-case) why one request has no sound, and a detail for people."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RendererInfo:
    """A description of a backend that is available without loading it.

    `tools` are those that the backend can be created for; default: the class attribute `tool` if it has one,
    else either. `extra` is the extra of this distribution that brings `modules`, the import names that the
    backend needs. `licence` is that of its code, `model_licence` that of its weights.

    `settings` is the model of the settings that change the sound, all with defaults but, at most, the
    `target`, the setting that a spec `NAME:TARGET` fills. The class is constructed with one instance of it,
    or without arguments if there are no settings. `languages` are the tags of those that all voices speak, if
    the voices do not name theirs. `clones`: requests need a `reference`. An `isolated`
    backend runs in a child process of each worker, which is replaced if it hangs or crashes.

    A batch is cut so that its number of requests times its longest duration (at least `least_s`) stays within
    `batch_s`. A batch that takes longer than `deadline_s` has hung.
    """

    tools: tuple[Tool, ...] = ()
    summary: str = ""
    extra: str | None = None
    modules: tuple[str, ...] = ()
    licence: str = "not given"
    model: str | None = None
    model_licence: str | None = None
    settings: type[FrozenModel] | None = None
    target: str | None = None
    languages: tuple[str, ...] = ()
    clones: bool = False
    isolated: bool = False
    batch_s: Seconds = math.inf
    least_s: Seconds = 0.0
    deadline_s: Seconds = 600.0


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """Settings of the place where a backend works, which change no sound. None: the backend's default.

    `device` is a device as torch names it (`cuda:1`, `cpu`); default: workers share the GPUs by their number,
    `worker`.
    """

    batch_s: Seconds | None = None
    deadline_s: Seconds | None = None
    device: str | None = None
    worker: int = 0


@runtime_checkable
class Renderer(Protocol):
    """A backend that turns requests into sounds. Registered as an entry point in `copilot.renderers`."""

    name: str
    tool: Tool

    def fingerprint(self) -> dict[str, str]:
        """Return backend, version, model, revision, settings: everything that changes the sound, as texts.

        It is part of every stem's key. Loads no weights.
        """
        ...

    def prepare(self) -> None:
        """Load what rendering needs, once per worker. Raises CopilotError if the backend cannot work here."""
        ...

    def voices(self) -> Sequence[Voice]:
        """Return the backend's own voices; none for `sfx`, or if only references show it voices."""
        ...

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return one answer per request, in the same order; never raise for one bad request.

        Raises BatchTooLargeError if the memory does not suffice.
        """
        ...

    def close(self) -> None:
        """Release processes, memory and files. May be called twice."""
        ...


def get_info(backend: Any) -> RendererInfo:  # noqa: ANN401 - a class or an instance of anybody's
    """Return the description of a backend, given its class or an instance."""
    stated = getattr(backend, "info", None)
    info = stated if isinstance(stated, RendererInfo) else RendererInfo()
    # A backend for either tool has a property on its class, or nothing.
    tool: Any = getattr(backend if isinstance(backend, type) else type(backend), "tool", None)
    if info.tools or tool not in get_args(Tool):
        return info
    return replace(info, tools=(tool,))


def list_problems(renderer: Renderer) -> tuple[str, ...]:
    """Return what is wrong with a renderer's own data, such as rows of an index that cannot be used."""
    return tuple(getattr(renderer, "problems", ()))


def list_sounds(renderer: Renderer) -> tuple[LibrarySound, ...]:
    """Return the sounds that a renderer has; none if it does not list them."""
    listed: Callable[[], Sequence[LibrarySound]] | None = getattr(renderer, "list_sounds", None)
    return tuple(listed()) if listed else ()


def list_speakers(voices: Sequence[Voice], language: str) -> list[Voice]:
    """Return the voices that speak a language, and those that speak whatever their backend does."""
    able = [voice for voice in voices if not voice.languages or is_among(language, voice.languages)]
    of_region = [
        voice for voice in able if any(f"{tag}-".startswith(f"{language}-") for tag in voice.languages)
    ]
    return of_region or able
