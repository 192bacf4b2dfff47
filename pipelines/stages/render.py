"""Render: every sound of a dialogue once, at the longest duration that it has in any turn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from copilot.dialogue import Dialogue
from copilot.errors import RowFault
from copilot.hashing import derive_random_seed
from copilot.scene import Element, SpeechElement
from copilot.stem import SoundSpec
from copilot.units import Seconds
from pipelines.accounting.render_stats import RenderStats, RenderTally
from pipelines.stages.batch_renderer import BatchRenderer, SoundJob
from pipelines.stages.record import Record, not_rejected
from pipelines.stages.stage import Stage
from pipelines.stem_store import StemStore
from renderers import registry
from renderers.contract import Renderer, get_info


class RenderStage(Stage):
    """Renders the sounds of one tool, in batches for all records. Stems that the store has are not rendered.

    Constructing it loads the renderer's weights; closing it closes the renderer. `backend` is the renderer's
    fingerprint. `variants` is the number of takes of a caption, which all dialogues of all runs share: one is
    drawn for each element, and its duration is rounded up to a whole second. `language` is that which the run
    declares for speech.
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
        language: str | None = None,
    ) -> None:
        self.name = "render-speech" if renderer.tool == "tts" else "render-sounds"
        self._renderer = renderer
        self._store = store
        self._run_seed = run_seed
        self._backend = renderer.fingerprint() if backend is None else backend
        self._variants = variants if renderer.tool == "sfx" else None
        self._language = language
        self._hits = 0
        self.voices = renderer.voices()
        self.clones = get_info(renderer).clones
        registry.prepare_renderer(renderer)
        self._batch_renderer = BatchRenderer(renderer, store.put, batch_s)

    def process_batch(self, records: Sequence[Record]) -> None:
        """Give the records their stems. A record is rejected with the first sound that fails."""
        jobs: list[SoundJob] = []
        for record in records:
            with self.reject_on_fault(record):
                jobs += self._create_jobs(record)
        missing: dict[str, list[SoundJob]] = {}
        for job in jobs:
            if not self._deliver_from_store(job):
                missing.setdefault(job.spec.key, []).append(job)
        results = self._batch_renderer.render([same[0] for same in missing.values()]) if missing else []
        for same, result in zip(missing.values(), results, strict=True):
            for job in same:
                if not_rejected([job.record]):
                    with self.reject_on_fault(job.record):
                        job.deliver(result)

    def _create_jobs(self, record: Record) -> list[SoundJob]:
        kept = record.seed.continued.stem_keys if record.seed.continued else {}
        jobs = []
        for element, first_turn, duration_s in _list_sounds(record.require_dialogue()):
            if element.tool != self._renderer.tool:
                continue
            if element.id in kept:
                self._deliver_kept(record, element, kept[element.id], duration_s)
            else:
                jobs.append(self._create_job(record, element, first_turn, duration_s))
        return jobs

    def _deliver_kept(self, record: Record, element: Element, key: str, duration_s: Seconds) -> None:
        """Give the record a stem of the sample that it continues. Raises RowFault if it cannot be kept."""
        stem = self._store.get(key)
        where = f"element {element.id} ({element.text!r})"
        if stem is None:
            raise RowFault(
                "stem-missing", f"{where}: the store has no stem {key} of the sample that is continued"
            )
        # Speech lasts as long as its words: a longer slot changes nothing.
        if element.tool != "tts" and duration_s > stem.info.asked_duration_s:
            raise RowFault(
                "longer-than-its-stem",
                f"{where}: {duration_s:g} s, but the sound of the turns before was rendered with "
                f"{stem.info.asked_duration_s:g} s; replace the sound instead",
            )
        self._hits += 1
        record.stems[element.id] = stem

    def _create_job(self, record: Record, element: Element, first_turn: int, duration_s: Seconds) -> SoundJob:
        spec = SoundSpec(
            tool=element.tool,
            text=element.text,
            duration_s=duration_s,
            random_seed=derive_random_seed("sound", self._run_seed, record.seed.id, first_turn, element.id),
            backend=self._backend,
        )
        if isinstance(element, SpeechElement):
            return _create_speech_job(replace(spec, language=self._language), element, record)
        if self._variants is not None:
            take = spec.random_seed % self._variants
            spec = replace(
                spec,
                random_seed=derive_random_seed("take", element.text, take),
                duration_s=float(math.ceil(duration_s)),
            )
        return SoundJob(spec, record, element.id)

    def _deliver_from_store(self, job: SoundJob) -> bool:
        """Give the record the stem that the store has; return whether it has one."""
        stem = self._store.get(job.spec.key)
        if stem is None:
            return False
        self._hits += 1
        job.deliver(stem)
        return True

    def pop_stats(self) -> RenderStats:
        """Return the statistics since the last call."""
        tally = self._batch_renderer.pop_tally() + RenderTally(hits=self._hits)
        self._hits = 0
        return {self._renderer.name: tally} if tally != RenderTally() else {}

    def close(self) -> None:
        """Close the backend."""
        self._batch_renderer.close()
        self._renderer.close()


def _list_sounds(dialogue: Dialogue) -> list[tuple[Element, int, Seconds]]:
    """List each sound once: its element and turn at its first appearance, and its longest duration."""
    first: dict[int, tuple[Element, int]] = {}
    longest: dict[int, Seconds] = {}
    for index, turn in enumerate(dialogue.turns):
        for element in turn.scene.elements:
            first.setdefault(element.id, (element, index))
            longest[element.id] = max(element.duration, longest.get(element.id, 0.0))
    return [(element, index, longest[element.id]) for element, index in first.values()]


def _create_speech_job(spec: SoundSpec, element: SpeechElement, record: Record) -> SoundJob:
    cast = record.voices[element.speaker_key]
    reference = cast.references.get(element.emotion)
    voiced = replace(
        spec,
        voice=cast.voice.name,
        gender=element.gender,
        emotion=element.emotion,
        reference=reference.content if reference else None,
    )
    return SoundJob(voiced, record, element.id, reference)
