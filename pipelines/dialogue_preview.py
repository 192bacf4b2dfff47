"""A look at dialogues before a run: designed and held against the rules, not rendered, nothing written."""

from __future__ import annotations

import time
from collections.abc import Iterator

from copilot.designers.contract import AsyncDesigner
from copilot.designers.llm.service import LlmService
from pipelines.backends import create_working_designer
from pipelines.config import RunConfig
from pipelines.execution.design_ahead import DesignAhead
from pipelines.seeds import read_seeds
from pipelines.stages.design import DesignStage
from pipelines.stages.record import Record, new_record
from pipelines.stages.validate import ValidateStage

_SECONDS_BETWEEN_LOOKS = 0.05


def preview(config: RunConfig, num: int, service: LlmService | None) -> Iterator[Record]:
    """The records of `num` seeds, each with a valid dialogue or a reject, as soon as it is there.

    Raises what `generate` raises before its work begins, and what ends designing.
    """
    designer = create_working_designer(config, service)
    seeds = read_seeds(config.seeds, num, config.run_seed).seeds
    validate = ValidateStage(config.limits)
    if isinstance(designer, AsyncDesigner):
        with DesignAhead(designer, seeds, config.run_seed, n_workers=1) as ahead:
            while not ahead.exhausted:
                yield from validate(ahead.pop_ready())
                time.sleep(_SECONDS_BETWEEN_LOOKS)
            ahead.check()
        return
    design = DesignStage(designer, config.run_seed)
    for seed in seeds:
        yield from validate(design([new_record(seed, config.run_seed)]))
