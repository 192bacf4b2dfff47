"""Costs that were measured on a few dialogues, from which a forecast follows, and prices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from copilot.errors import UserError
from copilot.frozen_model import FrozenModel
from copilot.units import Seconds
from copilot.vocabulary import Keep
from pipelines.json_file import read_model
from pipelines.stages.table import STAGE_NAMES


def _check_stage(stage: str) -> str:
    if stage not in STAGE_NAMES:
        raise ValueError(f"unknown stage; known: {', '.join(STAGE_NAMES)}")
    return stage


StageName = Annotated[str, AfterValidator(_check_stage)]
"""A stage of the table, or the writing of shards."""


class Tokens(FrozenModel):
    """Tokens of a language model. The cached ones are part of the prompt tokens."""

    prompt: float = Field(default=0.0, ge=0)
    cached: float = Field(default=0.0, ge=0)
    generated: float = Field(default=0.0, ge=0)


class SampleBytes(FrozenModel):
    """Bytes of one sample in its shard: the audio of the mixes, the audio of the stems, and all else."""

    mixes: float = Field(ge=0)
    stems: float = Field(ge=0)
    other: float = Field(default=0.0, ge=0)

    def sum_kept(self, keep: Keep) -> float:
        """Return the bytes of a sample if `keep` is stored."""
        audio = {"mixes": self.mixes, "stems": self.stems, "both": self.mixes + self.stems}
        return audio[keep] + self.other


class MeasuredCosts(FrozenModel):
    """Mean costs of the dialogues of `n_seeds` seeds, rejected ones included.

    `stage_s` and `stage_cpu_s` are seconds of one worker per seed, on the clock and of processor time.
    `design_wait_s` is from the first request to a language model to its last reply, and `tokens` what they
    held, per seed. `sample_bytes` are of one accepted sample, `store_bytes` of its stems in the stem store,
    and `reject_bytes` of one rejected seed.
    """

    n_seeds: int = Field(ge=1)
    accepted_share: float = Field(gt=0, le=1)
    stage_s: Mapping[StageName, Seconds]
    stage_cpu_s: Mapping[StageName, Seconds] = Field(default_factory=dict)
    design_wait_s: Seconds = Field(default=0.0, ge=0)
    tokens: Tokens = Tokens()
    sample_bytes: SampleBytes
    reject_bytes: float = Field(default=0.0, ge=0)
    store_bytes: float = Field(default=0.0, ge=0)

    @field_validator("stage_s", "stage_cpu_s")
    @classmethod
    def _check_times(cls, times: Mapping[StageName, Seconds]) -> Mapping[StageName, Seconds]:
        if any(seconds < 0 for seconds in times.values()):
            raise ValueError("must not be negative")
        return times


class Prices(FrozenModel):
    """Prices in any one currency.

    They are of an hour of a GPU or a processor, of a TB (1e12 bytes) for a month, and of a million tokens.
    Without a price of their own, cached tokens cost as much as other prompt tokens.
    """

    gpu_hour: float = Field(default=0.0, ge=0)
    cpu_hour: float = Field(default=0.0, ge=0)
    storage_tb_month: float = Field(default=0.0, ge=0)
    prompt_tokens_million: float = Field(default=0.0, ge=0)
    cached_tokens_million: float | None = Field(default=None, ge=0)
    generated_tokens_million: float = Field(default=0.0, ge=0)


def read_costs(path: Path) -> MeasuredCosts:
    """Read costs from a JSON file. Raises UserError with the file and what is wrong in it."""
    hint = "`calibrate` with `save_figures` writes such a file"
    return read_model(MeasuredCosts, path, field="figures", hint=hint)


def write_costs(costs: MeasuredCosts, path: Path) -> None:
    """Write costs as `read_costs` reads them. Raises UserError if the file cannot be written."""
    try:
        path.write_text(costs.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", field="save_figures") from error
