"""`copilot preview`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from copilot.designers.account import Usage
from copilot.designers.llm.service import LlmService
from copilot.rules import check_dialogue
from copilot.vocabulary import Check
from pipelines.cli.commands.show import print_dialogue
from pipelines.cli.output.draw_text import describe_draw
from pipelines.config import RunConfig
from pipelines.dialogue_preview import preview
from pipelines.seeds import SeedDraw
from pipelines.stages.record import Record


def run_preview(config: RunConfig, num: int, service: LlmService | None, *, as_json: bool) -> int:
    """Print dialogues as soon as each is ready; return the exit code. Raises as `preview`."""
    console = Console(highlight=False)
    records: list[Record] = []
    draws: list[SeedDraw] = []

    def on_draw(draw: SeedDraw) -> None:
        draws.append(draw)
        for line in describe_draw(draw, num):
            print(line, file=sys.stderr)

    try:
        for record in preview(config, num, service, on_draw=on_draw):
            records.append(record)
            findings = _list_findings(record, config)
            if as_json:
                print(json.dumps(_to_json(record, findings)), flush=True)
            else:
                _print(record, findings, console)
    except KeyboardInterrupt:
        print("copilot: interrupted", file=sys.stderr)
        return 130
    if not as_json:
        _print_summary(records, draws[0].n_problems, console)
    return 0


def _list_findings(record: Record, config: RunConfig) -> list[str]:
    """Return the findings of the rules, as lines with the name of the rule."""
    if record.dialogue is None:
        return []
    own = record.seed.own_requests
    violations = check_dialogue(record.dialogue, config.limits, config.language, own_requests=own)
    return [f"{violation.rule}: {violation.message}" for violation in violations]


def _to_json(record: Record, findings: Sequence[str]) -> dict[str, Any]:
    reject = record.reject
    return {
        "id": record.id,
        "seed_id": record.seed.id,
        "seed_text": record.seed.text,
        "dialogue": record.dialogue.model_dump(mode="json", exclude_none=True) if record.dialogue else None,
        "reject": {"stage": reject.stage, "reason": reject.reason, "detail": reject.detail}
        if reject
        else None,
        "findings": list(findings),
        "checks": [asdict(check) | {"passed": check.passed} for check in _list_checks(record)],
        "normalised": list(record.normalised),
        **asdict(record.account),
    }


def _list_checks(record: Record) -> tuple[Check, ...]:
    return record.rule_checks + record.design_checks


def _print(record: Record, findings: Sequence[str], console: Console) -> None:
    title = "rejected" if record.reject else "valid"
    console.print(Text.assemble((record.id, "bold"), f"  {title}"))
    if record.dialogue is None:
        console.print(Text(f"seed {record.seed.id}: {record.seed.text}", style="dim"))
    else:
        print_dialogue(record.dialogue, console)
    console.print()
    if record.reject is not None:
        reject = record.reject
        console.print(Text(f"rejected by {reject.stage}, {reject.reason}: {reject.detail}", style="red"))
    else:
        for finding in findings:
            console.print(Text(f"not hq: {finding}", style="yellow"))
    for check in record.design_checks:
        if not check.passed:
            console.print(Text(f"not hq: {check.name} in {check.value:g} turns", style="yellow"))
    for note in record.normalised:
        console.print(Text(f"normalised: {note}", style="dim"))
    if record.account.usage.requests:
        console.print(Text(_describe_usage(record.account.usage), style="dim"))
    console.print()


def _print_summary(records: Sequence[Record], n_unreadable: int, console: Console) -> None:
    accepted = [record for record in records if record.reject is None]
    clean = sum(all(check.passed for check in _list_checks(record)) for record in accepted)
    console.print(
        Text(f"{len(records)} seeds: {len(accepted)} valid, {clean} of them without findings", style="bold")
    )
    if n_unreadable:
        console.print(Text(f"  {n_unreadable:,} lines of the source gave no seed", style="bold"))
    reasons = Counter(f"{r.reject.stage}/{r.reject.reason}" for r in records if r.reject is not None)
    for reason, n in reasons.most_common():
        console.print(Text(f"  rejected: {n} {reason}"))
    usage = sum((record.account.usage for record in records), Usage())
    if usage.requests:
        each = f", {usage.generated_tokens / len(accepted):,.0f} per valid dialogue" if accepted else ""
        console.print(Text(f"  {_describe_usage(usage)}{each}"))


def _describe_usage(usage: Usage) -> str:
    again = f"{usage.corrections:,} corrections, {usage.fresh_starts:,} fresh starts"
    tokens = f"{usage.prompt_tokens:,} prompt tokens ({usage.cached_tokens:,} cached)"
    return (
        f"{usage.requests:,} requests, {again}, {usage.repairs:,} replies repaired, "
        f"{tokens}, {usage.generated_tokens:,} generated"
    )
