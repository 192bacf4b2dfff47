"""The contract between the pipeline and a model that hears sound.

A listener is constructed once per worker, prepared once, and then receives batches of clips. It answers every
clip of a batch, in the order of the clips, with what it heard or with a failure that has a reason. There is
one type of answer for each kind of listener:

| kind | hears | answer |
|---|---|---|
| `recogniser` | words | `Transcript` |
| `detector` | whether and when each of a clip's captions is heard | `Detection` |
| `embedder` | a vector, for comparing sets of sounds | `Embedding` |
| `scorer` | how well each of a clip's captions fits the whole | `Scores` |
| `rater` | quality, on named scales | `Ratings` |

Equal clips get equal answers, whatever else is in the batch. `listeners.testing.check_listener` holds a
listener against this contract.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from copilot.units import Seconds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from copilot.frozen_model import FrozenModel

    Mono: TypeAlias = NDArray[np.float32]
    """The samples of one channel, shape (samples,)."""

Kind = Literal["recogniser", "detector", "embedder", "scorer", "rater"]


@dataclass(frozen=True, slots=True)
class Clip:
    """One sound to hear, in mono at the listener's rate, at least one sample long and without NaN.

    `captions` are what a detector looks for, and what a scorer compares it with; other kinds ignore them.
    """

    audio: Mono = field(repr=False)
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word that a recogniser heard, with its time in seconds from the start of the clip.

    `probability` is the recogniser's own, or None if it gives none.
    """

    text: str
    start_s: Seconds
    end_s: Seconds
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of a clip: as one text, and each with its time. Both are empty if nobody speaks."""

    text: str
    words: tuple[HeardWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Detection:
    """The probability that each caption is heard, in each frame: shape (captions, frames), 0 to 1."""

    probabilities: NDArray[np.float32] = field(repr=False)
    frame_s: Seconds

    @property
    def presence(self) -> NDArray[np.float32]:
        """The highest probability of each caption over time, shape (captions,)."""
        highest: NDArray[np.float32] = self.probabilities.max(axis=1)
        return highest


@dataclass(frozen=True, slots=True)
class Embedding:
    """A vector that stands for a clip, shape (dimensions,)."""

    vector: NDArray[np.float32] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Scores:
    """The similarity of a clip with each of its captions, -1 to 1."""

    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Ratings:
    """The quality of a clip on each of the rater's scales, by name."""

    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class HearingFailure:
    """The reason (kebab-case) why one clip was not heard, and a detail for people."""

    reason: str
    detail: str


Heard: TypeAlias = Transcript | Detection | Embedding | Scores | Ratings

ANSWERS: Mapping[Kind, type[Heard]] = {
    "recogniser": Transcript,
    "detector": Detection,
    "embedder": Embedding,
    "scorer": Scores,
    "rater": Ratings,
}
"""The type of a listener's answers, by its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerInfo:
    """A description of a listener that is available without loading it.

    `kinds` are those that it can be created for. `extra` is the extra of this distribution that brings
    `modules`, the import names that it needs. `licence` is that of its code, `model_licence` that of its
    weights. `settings` is the model of the settings that change what it hears, all with defaults but, at
    most, the `target`, the setting that a spec `NAME:TARGET` fills. The class is constructed with one
    instance of it, if there are settings, and with the keyword `kind`, if there are several kinds.

    A batch is cut so that its number of clips times its longest one stays within `batch_s`. A batch that
    takes longer than `deadline_s` has hung.
    """

    kinds: tuple[Kind, ...]
    summary: str = ""
    extra: str | None = None
    modules: tuple[str, ...] = ()
    licence: str = "not given"
    model: str | None = None
    model_licence: str | None = None
    settings: type[FrozenModel] | None = None
    target: str | None = None
    batch_s: Seconds = math.inf
    deadline_s: Seconds = 600.0


@runtime_checkable
class Listener(Protocol):
    """A backend that hears, an entry point in `copilot.listeners`; its class has an `info`.

    `rate_hz` is the sample rate of the clips that it takes.
    """

    name: str
    kind: Kind
    rate_hz: int

    def fingerprint(self) -> dict[str, str]:
        """Return backend, version, weights, settings, windows: everything that changes an answer, as texts.

        Loads no weights.
        """
        ...

    def prepare(self) -> None:
        """Load what hearing needs, once per worker. Raises CopilotError if the listener cannot work here."""
        ...

    def hear(self, clips: Sequence[Clip]) -> Sequence[Heard | HearingFailure]:
        """Return one answer per clip, in the same order; never raise for one bad clip.

        The answers are of the type that `ANSWERS` has for the listener's kind. Raises
        `renderers.contract.BatchTooLargeError` if the memory does not suffice.
        """
        ...

    def close(self) -> None:
        """Release processes, memory and files. May be called twice."""
        ...


def get_info(listener: Any) -> ListenerInfo:  # noqa: ANN401 - a class or an instance of anybody's
    """Return the description of a listener, given its class or an instance."""
    stated = getattr(listener, "info", None)
    return stated if isinstance(stated, ListenerInfo) else ListenerInfo(kinds=())
