"""`copilot check-llm`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from copilot.units import Seconds
from pipelines.llm.probe import DialogueFinding, Findings, probe


def run_check_llm(url: str, model: str | None, timeout_s: Seconds, *, as_json: bool) -> int:
    """Print what a server can do; return 0 if it can make a dialogue. Raises as `probe`."""
    with Console(file=sys.stderr).status("") as status:
        try:
            found = asyncio.run(probe(url, model, timeout_s=timeout_s, report=status.update))
        except KeyboardInterrupt:
            print("copilot: interrupted", file=sys.stderr)
            return 130
    if as_json:
        print(json.dumps({**asdict(found), "recommended": found.recommended}))
    else:
        _print(found, Console(highlight=False))
    return 0 if found.recommended else 1


def _print(found: Findings, console: Console) -> None:
    for line, style in _describe_findings(found):
        console.print(Text(line, style=style), soft_wrap=True)


def _describe_findings(found: Findings) -> Iterator[tuple[str, str]]:
    server = f"version {found.version}" if found.version else "version unknown"
    yield f"{found.url}: {server}", "bold"
    context = f"context of {found.max_model_len:,} tokens" if found.max_model_len else "context unknown"
    yield f"model    {found.model}, {context}", ""
    others = [one.id for one in found.served if one.id != found.model]
    if others:
        yield f"         also served: {', '.join(others)}", "dim"
    for form in found.forms:
        yield _describe_trial(f"replies  {form.structured}", "works", "does not work", form.works, form.said)
    for one in found.keywords:
        yield _describe_trial(f"grammar  {one.keyword}", "enforced", "not enforced", one.enforced, one.said)
    for dialogue in found.dialogues:
        yield _describe_dialogue(dialogue)
    if found.recommended:
        yield f"use      --llm-structured {found.recommended}", "bold green"
    else:
        yield "this server and model cannot make a dialogue", "bold red"


def _describe_trial(what: str, good: str, bad: str, passed: bool, reason: str) -> tuple[str, str]:
    return (f"{what}: {good}", "green") if passed else (f"{what}: {bad}; {reason}", "yellow")


def _describe_dialogue(dialogue: DialogueFinding) -> tuple[str, str]:
    usage = dialogue.usage
    cost = (
        f"{usage.seconds:.1f} s, {usage.requests} requests, {usage.corrections} corrections, "
        f"{usage.prompt_tokens:,} prompt tokens ({usage.cached_tokens:,} cached), "
        f"{usage.generated_tokens:,} generated"
    )
    what = f"dialogue with {dialogue.structured}"
    if dialogue.reason is None:
        return f"{what}: valid; {cost}", "green"
    return f"{what}: {dialogue.reason}: {dialogue.detail}; {cost}", "yellow"
