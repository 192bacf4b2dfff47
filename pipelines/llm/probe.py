"""Finds out what a language model's server can do, by asking it once, without retries.

Only a server that cannot be reached, or does not serve the model, raises; any other failure is a finding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

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
from pipelines.llm.keys import get_model_key
from pipelines.llm.keywords import KeywordTrial, keyword_trials
from pipelines.llm.refusals import (
    ModelRefusalError,
    ServerRole,
    explain_refusal,
    list_ids,
    make_unserved_error,
)
from pipelines.llm.served import look_for_model
from pipelines.llm.wire import Wire
from renderers.openai_protocol import FaultError, RefusedError

N_TRIES = 2
"""Tries for each keyword: it is enforced if no reply breaks it."""

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
)
_QUESTION = 'Is rain wet? Reply with {"answer":"yes"} or with {"answer":"no"}, JSON and nothing else.'

_Served = tuple[ServedModel, ...]


@dataclass(frozen=True, slots=True)
class FormFinding:
    """A finding on a form of replies: `works` if they come in it; `said` holds the reply that did not."""

    structured: Structured
    works: bool
    said: str


@dataclass(frozen=True, slots=True)
class KeywordFinding:
    """A finding on a keyword: `enforced`, or `said` holds a reply that broke it, or why none came."""

    keyword: str
    enforced: bool
    said: str


@dataclass(frozen=True, slots=True)
class DialogueFinding:
    """One dialogue of three turns, written with a form of replies. It is rejected if it has a reason."""

    structured: Structured
    reason: str | None
    detail: str
    usage: Usage

    @property
    def seconds(self) -> Seconds:
        """The time it took, all corrections included."""
        return self.usage.seconds


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was found."""

    url: str
    version: str | None
    served: tuple[ServedModel, ...]
    model: str
    max_model_len: int | None
    forms: tuple[FormFinding, ...]
    keywords: tuple[KeywordFinding, ...]
    dialogues: tuple[DialogueFinding, ...]

    @property
    def recommended(self) -> Structured | None:
        """The form that a dialogue was written with; None if none was."""
        return next((found.structured for found in self.dialogues if found.reason is None), None)


async def probe(
    url: str, model: str | None, *, timeout_s: Seconds, report: Callable[[str], None]
) -> Findings:
    """Find out what a server can do, with a model or the only one that it serves; `report` gets each trial.

    Raises UserError if no model is served, or not this one, or if it has to be named; CopilotError if no
    server answers.
    """
    endpoint = Endpoint.parse(url)
    wire = Wire((endpoint,), get_model_key(), timeout_s)
    wire.open(n_kept=1)
    try:
        report("models")
        served, chosen = await _find_model(wire, endpoint, model)
        prober = _Prober(wire, endpoint, chosen.id)
        version = _read_version(await wire.look(endpoint, "/version"))
        forms = []
        for structured in get_args(Structured):
            report(f"replies as {structured}")
            forms.append(await prober.try_form(structured))
        keywords = []
        for trial in keyword_trials() if forms[0].works else ():
            report(f"grammar: {trial.keyword}")
            keywords.append(await prober.try_keyword(trial))
    finally:
        await wire.close()
    service = LlmService(urls=(url,), timeout_s=timeout_s, patience_s=timeout_s)
    dialogues: list[DialogueFinding] = []
    for structured in _rank_forms(forms, keywords):
        report(f"a dialogue with {structured}")
        dialogues.append(await _try_dialogue(chosen.id, structured, service))
        if dialogues[-1].reason is None:
            break
    found = (tuple(forms), tuple(keywords), tuple(dialogues))
    return Findings(endpoint.url, version, served, chosen.id, chosen.max_model_len, *found)


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
        if model is not None and refused.meaning == "address":
            return ()  # a server need not list its models
        raise await explain_refusal(wire, endpoint, refused, model or "", role) from None


def _read_version(said: str | None) -> str | None:
    try:
        found = json.loads(said or "null")
    except ValueError:
        return None
    return str(found["version"]) if isinstance(found, dict) and "version" in found else None


def _rank_forms(forms: list[FormFinding], keywords: list[KeywordFinding]) -> list[Structured]:
    """Return the forms that work, best first. A grammar that is mostly ignored is the last resort."""
    working = [form.structured for form in forms if form.works]
    n_enforced = sum(found.enforced for found in keywords)
    if "json_schema" in working and 2 * n_enforced < len(keywords):
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
                return KeywordFinding(trial.keyword, enforced=False, said=reply)
            if not trial.is_kept(reply.text):
                return KeywordFinding(trial.keyword, enforced=False, said=_describe_reply(reply))
        return KeywordFinding(trial.keyword, enforced=True, said="")

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
