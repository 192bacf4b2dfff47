"""Continue a sample: further turns on a dialogue that exists, as a new run that shares its sounds.

    from pipelines import continue_dialogue

    continue_dialogue("runs/small", sample_id, "runs/more", ["Make the rain louder."])

The new sample holds the whole dialogue, its old turns unchanged. Nothing that they sound with is rendered
again: their stems are put into the new run's store.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from copilot.designers import registry as designers
from copilot.designers.llm.service import LlmService
from copilot.dialogue import Dialogue
from copilot.edit import Operation
from copilot.errors import UserError
from copilot.hashing import content_hash
from copilot.sample import Sample, StoredStem
from copilot.seed import Continued, Given, Seed
from copilot.stem import Stem, load_stem
from copilot.validation import first_fault
from pipelines.config import GIVEN, Continuation, RunConfig
from pipelines.execution.job import Executor
from pipelines.execution.local import LocalExecutor
from pipelines.main_job import GenerateRequest, generate
from pipelines.run.open import open_run
from pipelines.run.totals import Outcome
from pipelines.stages.worker_spec import ExecutionSettings
from pipelines.stem_store import StemStore

Edits = Sequence[Sequence[Operation]]
"""The operations of each new turn."""


def continue_dialogue(
    run: str | Path,
    sample_id: str,
    out: str | Path,
    requests: Sequence[str] = (),
    *,
    n_turns: int | None = None,
    operations: Edits = (),
    config: RunConfig | None = None,
    service: LlmService | None = None,
    settings: ExecutionSettings | None = None,
    executor: Executor | None = None,
) -> Outcome:
    """Continue a sample of a run, by its id or its seed's, as the new run `out`.

    Each of the `requests` is a new turn, word for word. The designer writes what fulfils it, unless
    `operations` are given. Without requests the designer invents `n_turns` (default: 1). `config` is the new
    run's (default: that of the old one), of which the designer and the renderers of new sounds count.

    Raises UserError, such as for an unknown sample, a sample whose stems are gone, and a designer that
    cannot continue; otherwise as `generate`.
    """
    return generate(
        create_continuation(
            run,
            sample_id,
            out,
            requests,
            n_turns=n_turns,
            operations=operations,
            config=config,
            service=service,
            settings=settings,
            executor=executor,
        )
    )


def create_continuation(
    run: str | Path,
    sample_id: str,
    out: str | Path,
    requests: Sequence[str] = (),
    *,
    n_turns: int | None = None,
    operations: Edits = (),
    config: RunConfig | None = None,
    service: LlmService | None = None,
    settings: ExecutionSettings | None = None,
    executor: Executor | None = None,
) -> GenerateRequest:
    """Return the request for the new run of `continue_dialogue`."""
    opened = open_run(run)
    sample = opened[sample_id]
    requests = tuple(request.strip() for request in requests)
    n_new = _count_new_turns(requests, n_turns, operations)
    continuation = Continuation(
        sample=sample.id,
        content=content_hash(
            [
                sample.dialogue.model_dump(mode="json"),
                {str(stem.element_id): stem.info.key for stem in sample.stems},
                [asdict(voice) for voice in sample.provenance.voices],
            ]
        ),
        requests=requests,
        operations=tuple(map(tuple, operations)),
    )
    new_config = _create_config(config or opened.config, continuation, len(sample.dialogue.turns) + n_new)
    settings = settings or ExecutionSettings()
    store = StemStore(settings.store or f"{opened.place}/stems")
    return GenerateRequest(
        config=new_config,
        out=out,
        seeds=[_create_seed(sample, new_config, requests, operations)],
        stems=[_find_stem(stored, store) for stored in sample.stems],
        service=service,
        settings=settings,
        executor=executor or LocalExecutor(),
    )


def _count_new_turns(requests: Sequence[str], n_turns: int | None, operations: Edits) -> int:
    if "" in requests:
        raise UserError("one of them is empty; write what the user asks for", field="requests")
    if operations and len(operations) != len(requests):
        raise UserError(
            f"operations of {len(operations)} turns, but {len(requests)} `requests`; give one for each",
            field="operations",
        )
    if requests and n_turns is not None:
        raise UserError("leave it out: each of the `requests` is a turn", field="n_turns")
    if n_turns is not None and n_turns < 1:
        raise UserError(f"{n_turns}; give at least 1", field="n_turns")
    return len(requests) or n_turns or 1


def _create_config(base: RunConfig, continuation: Continuation, n_turns: int) -> RunConfig:
    """Return the configuration of the new run. Raises UserError for a designer that cannot continue."""
    limits = base.limits.model_copy(update={"n_turns": max(base.limits.n_turns, n_turns)})
    changes: dict[str, Any] = {
        "seeds": f"sample:{continuation.sample}",
        "n_turns": n_turns,
        "limits": limits,
        "continues": continuation,
    }
    if continuation.operations:
        # Nothing that decides how a designer writes.
        undecided = ("designer_settings", "task_mix", "speech_share", "llm")
        changes |= {name: _get_default(name) for name in undecided} | {"designer": GIVEN}
    elif not designers.find_info(base.designer).continues:
        raise UserError(
            f"the designer {base.designer_name!r} cannot continue a dialogue; give another, or `operations`",
            field="designer",
        )
    fields = {name: getattr(base, name) for name in RunConfig.model_fields}
    try:
        return RunConfig(**fields | changes)
    except ValidationError as error:
        raise UserError(str(first_fault(error))) from error


def _get_default(field: str) -> Any:  # noqa: ANN401 - of any field
    return RunConfig.model_fields[field].get_default(call_default_factory=True)


def _create_seed(sample: Sample, config: RunConfig, requests: tuple[str, ...], operations: Edits) -> Seed:
    dialogue = sample.dialogue
    given = None
    if operations:
        text = json.dumps(_add_turns(dialogue, requests, operations))
        given = Given(f"turns after {sample.id}", text)
    return Seed(
        # New sounds differ from those of another continuation of the same sample.
        id=f"{sample.seed.id}/{content_hash([_dump(config.continues), config.n_turns])[:8]}",
        text=sample.seed.text,
        given=given,
        requests=requests,
        continued=Continued(
            dialogue, {stem.element_id: stem.info.key for stem in sample.stems}, sample.provenance.voices
        ),
    )


def _dump(model: BaseModel | None) -> Any:  # noqa: ANN401 - JSON
    return model.model_dump(mode="json", exclude_none=True) if model is not None else None


def _add_turns(dialogue: Dialogue, requests: Iterable[str], operations: Edits) -> Mapping[str, Any]:
    """Return a dialogue as JSON, with new turns."""
    content: dict[str, Any] = _dump(dialogue)
    for request, edit in zip(requests, operations, strict=True):
        steps = [_dump(operation) for operation in edit]
        content["turns"].append({"user": request, "operations": steps})
    return content


def _find_stem(stored: StoredStem, store: StemStore) -> Stem:
    if stored.flac is not None:
        return load_stem(stored.info, stored.flac)
    stem = store.get(stored.info.key)
    if stem is None:
        raise UserError(
            f"the sample keeps no audio of its stem {stored.element_id}, and the store has none; give the "
            "store that its run used; if that is deleted, the sample cannot be continued",
            field="store",
        )
    return stem
