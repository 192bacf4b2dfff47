"""Render: every sound of a dialogue once, at the longest duration that it has in any turn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from copilot.dialogue import Dialogue
from copilot.errors import RowFault
from copilot.hashing import derive_seed
from copilot.scene import Element, SpeechElement
from copilot.stem import SoundSpec, Stem
from copilot.units import Seconds
from pipelines.accounting.render_stats import RenderStats, RenderTally
from pipelines.stages.batch_renderer import BatchRenderer, Made, Wanted
from pipelines.stages.record import Record, not_rejected
from pipelines.stages.stage import Stage
from pipelines.stem_store import StemStore
from renderers import registry
from renderers.contract import Renderer, info_of


@dataclass(frozen=True, slots=True)
class _Order:
    """One sound that a record wants."""

    record: Record
    element_id: int
    wanted: Wanted


class RenderStage(Stage):
    """Renders the sounds of one tool, in batches for all records. What the store has is not rendered.

    `backend` is the renderer's fingerprint. With `variants`, a caption has so many takes, which all dialogues
    of all runs share: one is drawn for each element, and its duration rounded up to a whole second.
    """

    def __init__(
        self,
        renderer: Renderer,
        store: StemStore,
        run_seed: int,
        *,
        backend: Mapping[str, str] | None = None,
        variants: int | None = None,
        batch_s: Seconds | None = None,
    ) -> None:
        self.name = "render-speech" if renderer.tool == "tts" else "render-sounds"
        self._renderer = renderer
        self._store = store
        self._run_seed = run_seed
        self._backend = renderer.fingerprint() if backend is None else backend
        self._variants = variants if renderer.tool == "sfx" else None
        self._hits = 0
        self.voices = renderer.voices()
        self.clones = info_of(renderer).clones
        registry.prepare_renderer(renderer)
        self._rendering = BatchRenderer(renderer, store.put, batch_s)

    def process_batch(self, records: Sequence[Record]) -> None:
        """Give the records their stems. A record is rejected with the first sound that fails."""
        orders: list[_Order] = []
        for record in records:
            with self.guarding(record):
                orders += self._orders(record)
        missing: dict[str, list[_Order]] = {}
        for order in orders:
            if not self._found(order):
                missing.setdefault(order.wanted.spec.key, []).append(order)
        made = self._rendering.stems([same[0].wanted for same in missing.values()]) if missing else []
        for same, one in zip(missing.values(), made, strict=True):
            for order in same:
                if not_rejected([order.record]):
                    with self.guarding(order.record):
                        _give(order, one)

    def _orders(self, record: Record) -> list[_Order]:
        return [
            _Order(record, element.id, self._wanted(record, element, first_turn, duration_s))
            for element, first_turn, duration_s in _sounds(record.designed())
            if element.tool == self._renderer.tool
        ]

    def _wanted(self, record: Record, element: Element, first_turn: int, duration_s: Seconds) -> Wanted:
        spec = SoundSpec(
            tool=element.tool,
            text=element.text,
            duration_s=duration_s,
            random_seed=derive_seed("sound", self._run_seed, record.seed.id, first_turn, element.id),
            backend=self._backend,
        )
        if isinstance(element, SpeechElement):
            return _spoken(spec, element, record)
        if self._variants is not None:
            take = spec.random_seed % self._variants
            shared_s = float(math.ceil(duration_s))
            return Wanted(
                replace(spec, random_seed=derive_seed("take", element.text, take), duration_s=shared_s)
            )
        return Wanted(spec)

    def _found(self, order: _Order) -> bool:
        stem = self._store.get(order.wanted.spec.key)
        if stem is not None:
            self._hits += 1
            order.record.stems[order.element_id] = stem
        return stem is not None

    def pop_stats(self) -> RenderStats:
        """Return the statistics since the last call."""
        tally = self._rendering.pop_tally() + RenderTally(hits=self._hits)
        self._hits = 0
        return {self._renderer.name: tally} if tally != RenderTally() else {}

    def close(self) -> None:
        """Close the backend."""
        self._rendering.close()
        self._renderer.close()


def _sounds(dialogue: Dialogue) -> list[tuple[Element, int, Seconds]]:
    """Each sound once: the element as it first appears, the turn in which, and its longest duration."""
    first: dict[int, tuple[Element, int]] = {}
    longest: dict[int, Seconds] = {}
    for index, turn in enumerate(dialogue.turns):
        for element in turn.scene.elements:
            first.setdefault(element.id, (element, index))
            longest[element.id] = max(element.duration, longest.get(element.id, 0.0))
    return [(element, index, longest[element.id]) for element, index in first.values()]


def _spoken(spec: SoundSpec, element: SpeechElement, record: Record) -> Wanted:
    cast = record.voices[element.speaker_key]
    reference = cast.references.get(element.emotion)
    voiced = replace(
        spec,
        voice=cast.voice.name,
        gender=element.gender,
        emotion=element.emotion,
        reference=reference.content if reference else None,
    )
    return Wanted(voiced, reference)


def _give(order: _Order, made: Made) -> None:
    """Give a record its stem. Raises RowFault with the element where there is none."""
    if isinstance(made, Stem):
        order.record.stems[order.element_id] = made
        return
    detail = f"element {order.element_id} ({order.wanted.spec.text!r}): {made.detail}"
    raise RowFault(made.reason, detail) from made
