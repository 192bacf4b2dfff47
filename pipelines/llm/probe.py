"""Finds out what a language model's server can do, by asking it once, without retries.

Only a server that cannot be reached, or does not serve the model, raises; any other failure is a finding.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, TypeVar, get_args

from copilot.designers.account import Usage
from copilot.designers.contract import DesignerContext, DesignFault
from copilot.designers.llm.exchange import Reply
from copilot.designers.llm.service import LlmService
from copilot.designers.llm.settings import LlmSettings, Structured
from copilot.errors import CopilotError
from copilot.seed import Seed
from copilot.units import Seconds
from pipelines.llm.answers import ServedModel
from pipelines.llm.designer import LlmDesigner
from pipelines.llm.endpoints import Endpoint
from pipelines.llm.findings import (
    DialogueFinding,
    Finding,
    FormFinding,
    KeywordFinding,
    NotTried,
    ServerFinding,
)
from pipelines.llm.keys import get_model_key
from pipelines.llm.keywords import KeywordTrial, keyword_trials
from pipelines.llm.metrics import ServerLoad
from pipelines.llm.refusals import (
    ModelRefusalError,
    ServerRole,
    explain_refusal,
    list_ids,
    make_unserved_error,
)
from pipelines.llm.served import look_for_model, needs_no_list
from pipelines.llm.wire import Wire
from renderers.openai_protocol import FaultError, RefusedError

N_TRIES = 2
"""Tries for each keyword, until a reply breaks it."""

_SEED = Seed("check/0", "The last ferry had left when she reached the pier, and the lamps went out.")
_MAX_TOKENS = 256
_FORM = KeywordTrial(
    "form",
    {
        "type": "object",
        "properties": {"answer": {"enum": ["yes", "no"]}},
        "required": ["answer"],
        "additionalProperties": False,
    },
    "",
    "",
)
_QUESTION = 'Is rain wet? Reply with {"answer":"yes"} or with {"answer":"no"}, JSON and nothing else.'

_Served = tuple[ServedModel, ...]
T = TypeVar("T")


async def probe(
    url: str,
    model: str | None,
    *,
    timeout_s: Seconds,
    limit_s: Seconds,
    report: Callable[[str], None] = lambda _: None,
) -> AsyncGenerator[Finding, None]:
    """Yield what a server can do, finding by finding, with a model or the only one that it serves.

    `report` gets each trial before it begins. After `limit_s` the trial in hand is given up, and those that
    are left are named in a last finding. Raises UserError if no model is served, or not this one, or if it
    has to be named; CopilotError if no server answers.
    """
    deadline = asyncio.get_running_loop().time() + limit_s
    endpoint = Endpoint.parse(url)
    wire = Wire((endpoint,), get_model_key(), timeout_s)
    wire.open(n_kept=1)
    left: list[str] = []
    forms: list[FormFinding] = []
    keywords: list[KeywordFinding] = []
    try:
        report("models")
        server = await _find_server(wire, endpoint, model, deadline)
        yield server
        prober = _Prober(wire, endpoint, server.model)
        for structured in get_args(Structured):
            name = f"replies as {structured}"
            report(name)
            if form := await _try_until(deadline, prober.try_form(structured), name, left):
                forms.append(form)
                yield form
        # If forms were left for want of time, no time is left for these either.
        works = any(form.works and form.structured == "json_schema" for form in forms)
        for trial in keyword_trials() if works else ():
            name = f"grammar: {trial.keyword}"
            report(name)
            if keyword := await _try_until(deadline, prober.try_keyword(trial), name, left):
                keywords.append(keyword)
                yield keyword
    finally:
        await wire.close()
    service = LlmService(urls=(url,), timeout_s=timeout_s, patience_s=timeout_s)
    for structured in _rank_forms(forms, keywords):
        name = f"a dialogue with {structured}"
        report(name)
        dialogue = await _try_until(deadline, _try_dialogue(server.model, structured, service), name, left)
        if dialogue is None:
            break
        yield dialogue
        if dialogue.reason is None:
            break
    if left:
        yield NotTried(tuple(left))


async def _try_until(deadline: Seconds, trial: Awaitable[T], name: str, left: list[str]) -> T | None:
    """Return the finding of a trial; None, and its name among those left, if there is no time for it."""
    try:
        async with asyncio.timeout_at(deadline):
            return await trial
    except TimeoutError:
        left.append(name)
        return None


async def _find_server(wire: Wire, endpoint: Endpoint, model: str | None, deadline: Seconds) -> ServerFinding:
    try:
        async with asyncio.timeout_at(deadline):
            served, chosen = await _find_model(wire, endpoint, model)
    except TimeoutError:
        raise CopilotError(f"{endpoint.url}: no list of models within the time limit") from None
    paths = ("/version", "/props", "/metrics")
    version, props, metrics = await asyncio.gather(*(wire.look(endpoint, path) for path in paths))
    # Those of llama.cpp.
    told = _read_object(props)
    slots, settings = told.get("total_slots"), told.get("default_generation_settings")
    context = settings.get("n_ctx") if isinstance(settings, dict) else None
    return ServerFinding(
        endpoint.url,
        _read_text(_read_object(version).get("version")) or _read_text(told.get("build_info")),
        served,
        chosen.id,
        chosen.max_model_len or (context if isinstance(context, int) else None),
        slots if isinstance(slots, int) else None,
        ServerLoad.parse(metrics or ""),
    )


def _read_object(said: str | None) -> dict[str, Any]:
    try:
        found = json.loads(said or "null")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _read_text(value: object) -> str | None:
    return value if isinstance(value, str) else None


async def _find_model(wire: Wire, endpoint: Endpoint, model: str | None) -> tuple[_Served, ServedModel]:
    """Return the models that a server lists, and the one to try."""
    role = ServerRole(get_model_key())
    try:
        served = await _list_models(wire, endpoint, model, role)
        if model is not None:
            return served, await look_for_model(wire, endpoint, model, role)
    except FaultError as fault:
        raise CopilotError(f"{endpoint.url}: {fault}; is the server running, with its API there?") from None
    if len(served) == 1:
        return served, served[0]
    if not served:
        raise make_unserved_error(endpoint.url, served, "", role)
    raise ModelRefusalError(
        f"{endpoint.url} serves several models; choose one; available: {list_ids(served)}", field=role.model
    )


async def _list_models(wire: Wire, endpoint: Endpoint, model: str | None, role: ServerRole) -> _Served:
    try:
        return tuple(await wire.list_models(endpoint))
    except RefusedError as refused:
        if model is not None and needs_no_list(refused):
            return ()
        raise await explain_refusal(wire, endpoint, refused, model or "", role) from None


def _rank_forms(forms: list[FormFinding], keywords: list[KeywordFinding]) -> list[Structured]:
    """Return the forms that work, best first. A grammar that is mostly ignored is the last resort."""
    working = [form.structured for form in forms if form.works]
    n_kept = sum(found.outcome == "kept" for found in keywords)
    if "json_schema" in working and 2 * n_kept < len(keywords):
        return [*(one for one in working if one != "json_schema"), "json_schema"]
    return working


class _Prober:
    """Asks one model at one server; every answer is a finding."""

    def __init__(self, wire: Wire, endpoint: Endpoint, model: str) -> None:
        self._wire, self._endpoint, self._model = wire, endpoint, model

    async def try_form(self, structured: Structured) -> FormFinding:
        reply = await self._ask(_QUESTION, _response_format(structured, "check-form", _FORM.schema))
        if isinstance(reply, str):
            return FormFinding(structured, works=False, said=reply)
        works = {
            "json_schema": _FORM.is_kept(reply.text),
            "json_object": _is_object(reply.text),
            # Words alone may be answered by anything; a dialogue shows if JSON comes of it.
            "none": True,
        }[structured]
        return FormFinding(structured, works, "" if works else _describe_reply(reply))

    async def try_keyword(self, trial: KeywordTrial) -> KeywordFinding:
        name = f"check-{trial.keyword.replace(' ', '-')}"
        form = _response_format("json_schema", name, trial.schema)
        for _ in range(N_TRIES):
            reply = await self._ask(trial.request, form)
            if isinstance(reply, str):
                return KeywordFinding(trial.keyword, "no-reply", reply, trial.consequence)
            if not trial.is_kept(reply.text):
                return KeywordFinding(trial.keyword, "broken", _describe_reply(reply), trial.consequence)
        return KeywordFinding(trial.keyword, "kept", "", trial.consequence)

    async def _ask(self, request: str, form: Mapping[str, Any]) -> Reply | str:
        """Return the reply, or the reason for none."""
        messages = [{"role": "user", "content": request}]
        body: dict[str, Any] = {"model": self._model, "messages": messages, "max_tokens": _MAX_TOKENS, **form}
        try:
            return await self._wire.complete(self._endpoint, body)
        except RefusedError as refused:
            return str(refused)
        except FaultError as fault:
            return str(fault)


def _response_format(structured: Structured, name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if structured == "none":
        return {}
    form: dict[str, Any] = {"type": structured}
    if structured == "json_schema":
        form["json_schema"] = {"name": name, "schema": schema, "strict": True}
    return {"response_format": form}


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _describe_reply(reply: Reply) -> str:
    return f"it said {reply.text[:80]!r} (ended by {reply.finish_reason})"


async def _try_dialogue(model: str, structured: Structured, service: LlmService) -> DialogueFinding:
    settings = LlmSettings(model=model, structured=structured)
    designer = LlmDesigner(DesignerContext(llm=settings, service=service))
    try:
        async with designer:
            design = await designer.design_async(_SEED, 0)
    except DesignFault as fault:
        return DialogueFinding(structured, fault.reason, fault.detail, fault.account.usage)
    except CopilotError as error:
        return DialogueFinding(structured, "not-answered", str(error), Usage())
    return DialogueFinding(structured, None, "", design.account.usage)
