"""Render: every sound of a dialogue once, at the longest duration that it has in any turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from copilot.content import derive_seed
from copilot.dialogue import Dialogue
from copilot.errors import CopilotError, RowFault
from copilot.scene import Element, SpeechElement
from copilot.stem import SoundSpec, Stem, make_stem
from pipelines.record import Record, living
from pipelines.stage import Stage, explained
from pipelines.stem_store import StemStore
from renderers.base import RenderedSound, Renderer, RenderFailure, RenderRequest


@dataclass(frozen=True, slots=True)
class _Order:
    """One sound that a record wants."""

    record: Record
    element_id: int
    spec: SoundSpec


class RenderStage(Stage):
    """Renders the sounds of one tool, in one batch for all records. What the store has is not rendered."""

    def __init__(self, renderer: Renderer, store: StemStore, run_seed: int) -> None:
        self.name = "render-speech" if renderer.tool == "tts" else "render-sounds"
        self._renderer = renderer
        self._store = store
        self._run_seed = run_seed
        self._backend = renderer.fingerprint()
        renderer.prepare()

    def process_batch(self, records: Sequence[Record]) -> None:
        """Give the records their stems. A record is rejected with the first sound that fails."""
        orders: list[_Order] = []
        for record in records:
            with self.guarding(record):
                orders += self._orders(record)
        missing = [order for order in orders if not self._found(order)]
        answers = self._answers([_request(order.spec) for order in missing]) if missing else []
        for order, answer in zip(missing, answers, strict=True):
            if living([order.record]):
                with self.guarding(order.record):
                    self._take(order, answer)

    def _answers(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """The backend's answers; where it breaks on a batch, each request's alone."""
        try:
            answers = self._renderer.render(requests)
        except (CopilotError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - one bad request must not stop a run of millions
            if len(requests) == 1:
                return [RenderFailure("renderer-error", explained(error))]
            return [answer for request in requests for answer in self._answers([request])]
        if len(answers) != len(requests):
            raise CopilotError(
                f"{self._renderer.name}: gave {len(answers)} answers to {len(requests)} requests; "
                "a renderer answers each request, in the order asked"
            )
        return answers

    def _orders(self, record: Record) -> list[_Order]:
        return [
            _Order(record, element.id, self._spec(record, element, first_turn, duration_s))
            for element, first_turn, duration_s in _sounds(record.designed())
            if element.tool == self._renderer.tool
        ]

    def _spec(self, record: Record, element: Element, first_turn: int, duration_s: float) -> SoundSpec:
        spoken = element if isinstance(element, SpeechElement) else None
        return SoundSpec(
            tool=element.tool,
            text=element.text,
            duration_s=duration_s,
            seed=derive_seed("sound", self._run_seed, record.seed.id, first_turn, element.id),
            backend=self._backend,
            voice=record.voices[spoken.speaker_key] if spoken else None,
            gender=spoken.gender if spoken else None,
            emotion=spoken.emotion if spoken else None,
        )

    def _found(self, order: _Order) -> bool:
        stem = self._store.get(order.spec.key)
        if stem is not None:
            order.record.stems[order.element_id] = stem
        return stem is not None

    def _take(self, order: _Order, answer: RenderedSound | RenderFailure) -> None:
        try:
            stem = _stem(order.spec, answer)
        except RowFault as fault:
            detail = f"element {order.element_id} ({order.spec.text!r}): {fault.detail}"
            raise RowFault(fault.reason, detail) from fault
        self._store.put(stem)
        order.record.stems[order.element_id] = stem

    def close(self) -> None:
        """Close the backend."""
        self._renderer.close()


def _sounds(dialogue: Dialogue) -> list[tuple[Element, int, float]]:
    """Each sound once: the element as it first appears, the turn in which, and its longest duration."""
    first: dict[int, tuple[Element, int]] = {}
    longest: dict[int, float] = {}
    for index, turn in enumerate(dialogue.turns):
        for element in turn.scene.sounds():
            first.setdefault(element.id, (element, index))
            longest[element.id] = max(element.duration, longest.get(element.id, 0.0))
    return [(element, index, longest[element.id]) for element, index in first.values()]


def _request(spec: SoundSpec) -> RenderRequest:
    return RenderRequest(
        text=spec.text,
        duration_s=spec.duration_s,
        seed=spec.seed,
        voice=spec.voice,
        gender=spec.gender,
        emotion=spec.emotion,
    )


def _stem(spec: SoundSpec, answer: RenderedSound | RenderFailure) -> Stem:
    if isinstance(answer, RenderFailure):
        raise RowFault(answer.reason, answer.detail)
    return make_stem(
        spec,
        answer.audio,
        answer.rate_hz,
        matched=answer.matched,
        words=answer.words,
        detail=answer.detail,
    )
