"""A look at dialogues before a run: designed and validated, not rendered; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from copilot.designers.contract import AsyncDesigner
from copilot.designers.llm.service import LlmService
from pipelines.backends import create_working_designer, list_seed_languages
from pipelines.config import RunConfig
from pipelines.execution.design_ahead import DesignAhead
from pipelines.execution.job import ignore
from pipelines.seeds import SeedDraw, read_seeds
from pipelines.stages.design import DesignStage
from pipelines.stages.record import Record, new_record
from pipelines.stages.validate import ValidateStage

_POLL_S = 0.05


def preview(
    config: RunConfig,
    num: int = 5,
    service: LlmService | None = None,
    *,
    on_draw: Callable[[SeedDraw], None] = ignore,
) -> Iterator[Record]:
    """Yield the records of `num` seeds, each with a valid dialogue or a reject, as soon as it is ready.

    `on_draw` is called before with the seeds and the counts of all lines that were read.
    Raises UserError as `generate` does before its work begins, and CopilotError if the designer cannot work.
    """
    designer = create_working_designer(config, service)
    draw = read_seeds(config.seeds, num, config.run_seed, list_seed_languages(config), config.foreign_seeds)
    on_draw(draw)
    validate = ValidateStage(config.limits, config.language)
    if isinstance(designer, AsyncDesigner):
        with DesignAhead(designer, draw.seeds, config.run_seed, n_workers=1) as ahead:
            while not ahead.exhausted:
                yield from validate(ahead.pop_ready())
                ahead.wait(_POLL_S)
            ahead.check()
        return
    design = DesignStage(designer, config.run_seed)
    for seed in draw.seeds:
        yield from validate(design([new_record(seed, config.run_seed)]))
