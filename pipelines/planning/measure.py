"""Costs for a forecast, measured on a run that was made for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from copilot.arrow import AUDIO_COLUMNS
from copilot.errors import CopilotError
from copilot.units import Seconds
from pipelines.planning.costs import MeasuredCosts, SampleBytes, Tokens
from pipelines.run.reader import RunReader
from pipelines.run.totals import Outcome


def measure_costs(folder: Path, outcome: Outcome) -> MeasuredCosts:
    """Return the costs of a finished run on a local disk, which kept `both`, with a stem store of its own.

    Raises CopilotError if no seed became a sample.
    """
    totals = outcome.totals
    n_seeds = totals.accepted + totals.rejected
    if not totals.accepted:
        reasons = ", ".join(f"{n} {reason}" for reason, n in totals.reasons.items()) or "no seeds"
        raise CopilotError(f"nothing to measure: {n_seeds} seeds gave no sample ({reasons})")
    reader = RunReader(folder)
    sample_bytes = _measure_samples([folder / file.path for file in reader.files("samples")], totals.accepted)
    reject_bytes = sum(file.n_bytes for file in reader.files("rejects"))
    store_bytes = sum(path.stat().st_size for path in (folder / "stems").rglob("*") if path.is_file())
    usage = totals.usage
    return MeasuredCosts(
        n_seeds=n_seeds,
        accepted_share=totals.accepted / n_seeds,
        stage_s=_divide(outcome.times.stage_s, n_seeds),
        stage_cpu_s=_divide(outcome.times.stage_cpu_s, n_seeds),
        design_wait_s=usage.seconds / n_seeds,
        tokens=Tokens(
            prompt=usage.prompt_tokens / n_seeds,
            cached=usage.cached_tokens / n_seeds,
            generated=usage.generated_tokens / n_seeds,
        ),
        sample_bytes=sample_bytes,
        reject_bytes=reject_bytes / totals.rejected if totals.rejected else 0.0,
        store_bytes=store_bytes / totals.accepted,
    )


def _divide(seconds: Mapping[str, Seconds], n_seeds: int) -> dict[str, Seconds]:
    return {name: total_s / n_seeds for name, total_s in seconds.items()}


def _measure_samples(shards: list[Path], n_samples: int) -> SampleBytes:
    """Return the mean bytes of a sample by its column chunks; the shards' footers are not counted."""
    n_bytes = dict.fromkeys(("other", *AUDIO_COLUMNS), 0)
    for path in shards:
        metadata = pq.read_metadata(path)
        for group in range(metadata.num_row_groups):
            for index in range(metadata.num_columns):
                column = metadata.row_group(group).column(index)
                name = column.path_in_schema if column.path_in_schema in n_bytes else "other"
                n_bytes[name] += column.total_compressed_size
    mixes, stems = (n_bytes[name] / n_samples for name in AUDIO_COLUMNS)
    return SampleBytes(mixes=mixes, stems=stems, other=n_bytes["other"] / n_samples)
