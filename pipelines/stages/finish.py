"""Finish: mixes are encoded, and a record becomes a sample."""

from __future__ import annotations

from collections.abc import Mapping

from copilot.audio.pcm import encode_flac
from copilot.heard import find_heard
from copilot.sample import Provenance, Sample, StoredStem, tier_of
from copilot.vocabulary import Keep
from pipelines.stages.record import Record
from pipelines.stages.stage import Stage


class FinishStage(Stage):
    """Encodes the mixes, decides the tier, and makes the sample. The record drops its working data."""

    name = "finish"

    def __init__(
        self, keep: Keep, run_seed: int, designer: str, fingerprint: str, versions: Mapping[str, str]
    ) -> None:
        self._keep = keep
        self._run_seed = run_seed
        self._designer = designer
        self._fingerprint = fingerprint
        self._versions = versions

    def process(self, record: Record) -> None:
        """Give the record its sample."""
        dialogue, mix = record.require_dialogue(), record.require_mix()
        keeps_mixes, keeps_stems = self._keep != "stems", self._keep != "mixes"
        record.sample = Sample(
            id=record.id,
            seed=record.seed,
            tier=tier_of(record.checks),
            dialogue=dialogue,
            mixes=tuple(encode_flac(turn.pcm, mix.bits) for turn in mix.turns) if keeps_mixes else (),
            stems=tuple(
                StoredStem(element_id, stem.info, stem.flac if keeps_stems else None)
                for element_id, stem in sorted(record.stems.items())
            ),
            headroom_db=mix.headroom_db,
            mix_bits=mix.bits,
            checks=record.checks,
            provenance=Provenance(
                designer=self._designer,
                mode=dialogue.mode,
                run_seed=self._run_seed,
                fingerprint=self._fingerprint,
                account=record.account,
                normalised=record.normalised,
                voices=tuple(cast.known for cast in record.voices.values()),
                versions=self._versions,
            ),
            heard=find_heard(dialogue, record.stems),
        )
        record.stems, record.mix = {}, None
