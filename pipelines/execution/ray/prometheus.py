"""Counters of a run, exported to Prometheus by Ray's own metrics."""

from __future__ import annotations

from pipelines.accounting.progress import Progress


class PrometheusCounters:
    """Counts samples, rejects and times as they are committed, in a worker of Ray."""

    def __init__(self) -> None:
        from ray.util.metrics import Counter  # noqa: PLC0415 - an extra

        self._accepted = Counter("copilot_accepted", "Samples committed", tag_keys=("tier",))
        self._rejected = Counter("copilot_rejected", "Seeds rejected", tag_keys=("reason",))
        self._audio_s = Counter("copilot_audio_seconds", "Seconds of mixes committed")
        self._stage_s = Counter("copilot_stage_seconds", "Seconds in stages", tag_keys=("stage",))
        self._tokens = Counter("copilot_tokens", "Tokens of the language model", tag_keys=("kind",))
        self._stems = Counter("copilot_stems", "Stems", tag_keys=("backend", "source"))

    def count(self, progress: Progress) -> None:
        """Add the progress of one commit."""
        for tier, n in (("hq", progress.hq), ("valid", progress.accepted - progress.hq)):
            _add(self._accepted, n, tier=tier)
        for reason, n in progress.reasons.items():
            _add(self._rejected, n, reason=reason)
        _add(self._audio_s, progress.audio_s)
        for stage, seconds in progress.times.stage_s.items():
            _add(self._stage_s, seconds, stage=stage)
        for kind in ("prompt", "cached", "generated"):
            _add(self._tokens, getattr(progress.usage, f"{kind}_tokens"), kind=kind)
        for backend, tally in progress.times.renders.items():
            _add(self._stems, tally.stems, backend=backend, source="rendered")
            _add(self._stems, tally.hits, backend=backend, source="reused")


def _add(counter: object, n: float, **tags: str) -> None:
    """Add to a counter of Ray, which refuses zeros."""
    if n:
        counter.inc(n, tags=tags)  # type: ignore[attr-defined]
