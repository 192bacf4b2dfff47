"""A listener at work: sounds in, answers out, and no sound heard twice."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from copilot.errors import RowFault
from copilot.units import SAMPLE_RATE_HZ
from listeners import registry
from listeners.contract import Clip, HearingFailure, Kind, Listener, get_info
from listeners.preparation import prepare_audio
from pipelines.heard.answers import Answer, Content
from pipelines.heard.store import ListenerRecord
from pipelines.hearing.sounds import Sound
from renderers.batches import cut_batches
from renderers.contract import BatchTooLargeError, RenderSettings

MOST_REMEMBERED = 20_000
"""Answers kept in memory; one takes a few kilobytes, a vector of an embedder up to 40."""

_Key = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ListenerSpec:
    """A listener as a user names it: its kind, `NAME` or `NAME:TARGET`, and its settings by name."""

    kind: Kind
    spec: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def describe(self) -> ListenerRecord:
        """Return what the listener's answers depend on. Raises as `listeners.registry.create`."""
        listener = registry.create(self.spec, self.kind, self.settings)
        try:
            return ListenerRecord(self.kind, listener.name, registry.get_fingerprint(listener))
        finally:
            listener.close()


class Ear:
    """One listener, in a process of its own, with what it has answered before."""

    def __init__(self, listener: Listener, record: ListenerRecord) -> None:
        self.record = record
        self._listener = listener
        self._known: OrderedDict[_Key, Content] = OrderedDict()
        self.n_heard = self.n_known = 0

    @classmethod
    def create(cls, spec: ListenerSpec, record: ListenerRecord, settings: RenderSettings) -> Self:
        """Return an ear whose listener is loaded when it first hears. Raises as the registry does."""
        return cls(registry.create_for_hearing(spec.spec, spec.kind, spec.settings, settings), record)

    def prepare(self) -> None:
        """Let the listener load. Raises CopilotError if it cannot work here."""
        self._listener.prepare()

    def remember(self, answers: Iterable[Answer]) -> None:
        """Take answers of this listener as known, the last ones if there are too many.

        Failures are not known: they may have had other causes.
        """
        for answer in answers:
            if answer.audio_sha256 and answer.content.reason is None:
                self._known[answer.key] = answer.content
                if len(self._known) > MOST_REMEMBERED:
                    self._known.popitem(last=False)

    def hear(self, sounds: Sequence[Sound]) -> list[Answer]:
        """Return an answer for each sound, in the same order; one that cannot be heard has a reason.

        Raises CopilotError if the listener cannot go on working.
        """
        contents: dict[_Key, Content] = {}
        clips: dict[_Key, Clip] = {}
        failures: dict[int, Content] = {}
        for index, sound in enumerate(sounds):
            key = (sound.sha256, sound.captions)
            if isinstance(sound.audio, HearingFailure):
                failures[index] = Content.of(sound.audio)
            elif key in self._known:
                contents[key] = self._known[key]
                self.n_known += 1
            elif key not in clips:
                try:
                    audio = prepare_audio(sound.audio, SAMPLE_RATE_HZ, self._listener.rate_hz)
                except RowFault as fault:
                    failures[index] = Content(reason=fault.reason, detail=fault.detail)
                else:
                    clips[key] = Clip(audio, sound.captions)
        contents |= self._hear_clips(clips)
        answers = [
            Answer(
                sound.sample_id,
                sound.element_id,
                sound.turn,
                sound.sha256,
                sound.captions,
                failures[index] if index in failures else contents[sound.sha256, sound.captions],
            )
            for index, sound in enumerate(sounds)
        ]
        self.remember(answers)
        return answers

    def _hear_clips(self, clips: Mapping[_Key, Clip]) -> dict[_Key, Content]:
        keys = list(clips)
        durations_s = [clips[key].audio.size / self._listener.rate_hz for key in keys]
        heard: dict[_Key, Content] = {}
        for batch in cut_batches(durations_s, get_info(self._listener).batch_s):
            answers = self._hear_batch([clips[keys[index]] for index in batch])
            heard |= {keys[index]: answer for index, answer in zip(batch, answers, strict=True)}
        self.n_heard += len(heard)
        return heard

    def _hear_batch(self, clips: Sequence[Clip]) -> list[Content]:
        """Return the contents of the answers; a batch that is too large for the memory is halved."""
        try:
            return [Content.of(answer) for answer in self._listener.hear(clips)]
        except BatchTooLargeError as error:
            if len(clips) == 1:
                return [Content(reason="out-of-memory", detail=str(error))]
            middle = len(clips) // 2
            return self._hear_batch(clips[:middle]) + self._hear_batch(clips[middle:])

    def close(self) -> None:
        """End the listener."""
        self._listener.close()
