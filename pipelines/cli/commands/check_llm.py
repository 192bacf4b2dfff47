"""`copilot check-llm`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import asdict

from rich.console import Console
from rich.status import Status
from rich.text import Text

from copilot.designers.account import Usage
from copilot.units import Seconds
from pipelines.llm.findings import (
    DialogueFinding,
    Finding,
    Findings,
    FormFinding,
    KeywordFinding,
    NotTried,
    ServerFinding,
)
from pipelines.llm.probe import probe
from renderers.openai_protocol import list_nearest


def run_check_llm(url: str, model: str | None, timeout_s: Seconds, limit_s: Seconds, *, as_json: bool) -> int:
    """Print what a server can do, each finding as it comes; return 0 if it can make a dialogue.

    Raises as `probe`.
    """
    found: list[Finding] = []

    async def check(status: Status) -> None:
        work = probe(url, model, timeout_s=timeout_s, limit_s=limit_s, report=status.update)
        async with aclosing(work) as findings:
            async for finding in findings:
                found.append(finding)
                if not as_json:
                    # The two streams may be one terminal.
                    status.stop()
                    _print(_describe(finding))
                    status.start()

    with Console(file=sys.stderr).status("") as status:
        try:
            asyncio.run(check(status))
        except KeyboardInterrupt:
            print("copilot: interrupted", file=sys.stderr)
            return 130
    findings = Findings.of(found)
    if as_json:
        print(json.dumps(_to_json(findings)))
    else:
        _print(_describe_end(findings))
    return 0 if findings.recommended else 1


def _to_json(findings: Findings) -> dict[str, object]:
    content = asdict(findings)
    return {**content.pop("server"), **content, "recommended": findings.recommended}


def _print(lines: Iterator[tuple[str, str]]) -> None:
    console = Console(highlight=False)
    for line, style in lines:
        console.print(Text(line, style=style), soft_wrap=True)
    sys.stdout.flush()


def _describe(finding: Finding) -> Iterator[tuple[str, str]]:
    match finding:
        case ServerFinding():
            yield from _describe_server(finding)
        case FormFinding(structured, works, said):
            what = f"replies  {structured}"
            yield (f"{what}: works", "green") if works else (f"{what}: does not work; {said}", "yellow")
        case KeywordFinding():
            yield _describe_keyword(finding)
        case DialogueFinding():
            yield _describe_dialogue(finding)
        case NotTried(trials):
            yield f"no time  for {', '.join(trials)}; raise --time-limit", "yellow"


def _describe_server(server: ServerFinding) -> Iterator[tuple[str, str]]:
    version = f"version {server.version}" if server.version else "version unknown"
    yield f"{server.url}: {version}", "bold"
    context = f"context of {server.max_model_len:,} tokens" if server.max_model_len else "context unknown"
    yield f"model    {server.model}, {context}", ""
    others = [one.id for one in server.served if one.id != server.model]
    if others:
        yield f"         also served: {list_nearest(others, server.model)}", "dim"
    if server.slots:
        yield f"slots    {server.slots}: use --llm-concurrency {server.slots}", ""
    if server.load:
        yield f"load     {server.load.running} running, {server.load.waiting} waiting", ""
    else:
        yield "load     unknown: the server has no /metrics, so progress will not show it", "dim"


def _describe_keyword(found: KeywordFinding) -> tuple[str, str]:
    what = f"grammar  {found.keyword}"
    match found.outcome:
        case "kept":
            return f"{what}: not seen to break", "green"
        case "broken":
            return f"{what}: not enforced; {found.said}; {found.consequence}", "yellow"
        case "no-reply":
            return f"{what}: no reply; {found.said}", "yellow"


def _describe_dialogue(dialogue: DialogueFinding) -> tuple[str, str]:
    what, cost = f"dialogue with {dialogue.structured}", _describe_usage(dialogue.usage)
    if dialogue.reason is None:
        return f"{what}: valid; {cost}", "green"
    return f"{what}: {dialogue.reason}: {dialogue.detail}; {cost}", "yellow"


def _describe_usage(usage: Usage) -> str:
    return (
        f"{usage.seconds:.1f} s, {usage.requests} requests, {usage.corrections} corrections, "
        f"{usage.prompt_tokens:,} prompt tokens ({usage.cached_tokens:,} cached), "
        f"{usage.generated_tokens:,} generated"
    )


def _describe_end(found: Findings) -> Iterator[tuple[str, str]]:
    if found.recommended:
        yield f"use      --llm-structured {found.recommended}", "bold green"
    elif found.not_tried:
        yield "no dialogue was made within the time limit", "bold red"
    else:
        yield "this server and model cannot make a dialogue", "bold red"
