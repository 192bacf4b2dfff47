"""Figures for a forecast, taken from a run that was made for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from copilot.arrow import AUDIO_COLUMNS
from copilot.errors import CopilotError
from copilot.units import Seconds
from pipelines.planning.costs import MeasuredCosts, Sizes, Tokens
from pipelines.run.reader import RunReader
from pipelines.run.totals import Outcome


def measure_costs(folder: Path, outcome: Outcome) -> MeasuredCosts:
    """What the seeds of a finished run took, on a local disk, with its stem store in `stems` and all kept.

    Raises CopilotError where none of them became a sample.
    """
    totals = outcome.totals
    n_seeds = totals.accepted + totals.rejected
    if not totals.accepted:
        reasons = ", ".join(f"{n} {reason}" for reason, n in totals.reasons.items()) or "there are no seeds"
        raise CopilotError(f"--calibrate: no sample came of {n_seeds} seeds ({reasons})")
    reader = RunReader(folder)
    sizes = _sizes([folder / file.path for file in reader.files("samples")], totals.accepted)
    reject_bytes = sum(file.n_bytes for file in reader.files("rejects"))
    store_bytes = sum(path.stat().st_size for path in (folder / "stems").rglob("*") if path.is_file())
    usage = totals.usage
    return MeasuredCosts(
        n_seeds=n_seeds,
        accepted_share=totals.accepted / n_seeds,
        stage_s=_per_seed(outcome.times.stage_s, n_seeds),
        stage_cpu_s=_per_seed(outcome.times.stage_cpu_s, n_seeds),
        design_wait_s=usage.seconds / n_seeds,
        tokens=Tokens(
            prompt=usage.prompt_tokens / n_seeds,
            cached=usage.cached_tokens / n_seeds,
            generated=usage.generated_tokens / n_seeds,
        ),
        sample_bytes=sizes,
        reject_bytes=reject_bytes / totals.rejected if totals.rejected else 0.0,
        store_bytes=store_bytes / totals.accepted,
    )


def _per_seed(seconds: Mapping[str, Seconds], n_seeds: int) -> dict[str, Seconds]:
    return {name: total / n_seeds for name, total in seconds.items()}


def _sizes(shards: list[Path], n_samples: int) -> Sizes:
    """Bytes of a sample, by what its column chunks hold; footers, which shards share, are left out."""
    found = dict.fromkeys(("other", *AUDIO_COLUMNS), 0)
    for path in shards:
        metadata = pq.read_metadata(path)
        for group in range(metadata.num_row_groups):
            for index in range(metadata.num_columns):
                column = metadata.row_group(group).column(index)
                name = column.path_in_schema if column.path_in_schema in found else "other"
                found[name] += column.total_compressed_size
    mixes, stems = (found[name] / n_samples for name in AUDIO_COLUMNS)
    return Sizes(mixes=mixes, stems=stems, other=found["other"] / n_samples)
