"""What a server of a language model can do: found by asking it, once, without trying anything again.

Only a server that cannot be reached, or does not serve the model, raises; whatever else fails is a finding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from copilot.designers.contract import AsyncDesigner, DesignFault, Usage
from copilot.designers.llm.exchange import Reply
from copilot.designers.llm.service import LlmService
from copilot.designers.llm.settings import LlmSettings, Structured
from copilot.errors import CopilotError, UserError
from copilot.seed import Seed
from copilot.units import Seconds
from pipelines.backends import create_designer
from pipelines.config import RunConfig
from pipelines.llm.endpoints import Endpoint
from pipelines.llm.keys import model_key
from pipelines.llm.keywords import KeywordTrial, keyword_trials
from pipelines.llm.wire import FaultError, RefusedError, ServedModel, Wire

N_TRIES = 2
"""How often a keyword is tried: it is enforced where no reply breaks it."""

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
_ASKED = 'Is rain wet? Reply with {"answer":"yes"} or with {"answer":"no"}, JSON and nothing else.'


@dataclass(frozen=True, slots=True)
class FormFinding:
    """Whether replies come in a form; `said` tells what came instead."""

    structured: Structured
    works: bool
    said: str


@dataclass(frozen=True, slots=True)
class KeywordFinding:
    """Whether a keyword is enforced; `said` holds a reply that broke it, or why there is none."""

    keyword: str
    enforced: bool
    said: str


@dataclass(frozen=True, slots=True)
class DialogueFinding:
    """One dialogue of three turns, made with a form of replies. Rejected if there is a reason."""

    structured: Structured
    reason: str | None
    detail: str
    usage: Usage

    @property
    def seconds(self) -> Seconds:
        """How long it took, all corrections included."""
        return self.usage.seconds


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found. `recommended` is the form that a dialogue was made with; None if none was."""

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
        """What to give as --llm-structured."""
        return next((found.structured for found in self.dialogues if found.reason is None), None)


async def probe(
    url: str, model: str | None, *, timeout_s: Seconds, report: Callable[[str], None]
) -> Findings:
    """Find out what a server can do; `report` is told what is tried. Without a model, that which is served.

    Raises UserError where the model is not served or has to be named, CopilotError where no server answers.
    """
    endpoint = Endpoint.parse(url)
    wire = Wire((endpoint,), model_key(), timeout_s)
    wire.open(n_kept=1)
    try:
        report("models")
        served = await _served(wire, endpoint)
        chosen = _chosen(served, model, endpoint.url)
        prober = _Prober(wire, endpoint, chosen.id)
        version = _version(await wire.look(endpoint, "/version"))
        forms = []
        for structured in get_args(Structured):
            report(f"replies as {structured}")
            forms.append(await prober.form(structured))
        keywords = []
        for trial in keyword_trials() if forms[0].works else ():
            report(f"grammar: {trial.keyword}")
            keywords.append(await prober.keyword(trial))
    finally:
        await wire.close()
    service = LlmService(urls=(url,), timeout_s=timeout_s, patience_s=timeout_s)
    dialogues: list[DialogueFinding] = []
    for structured in _order(forms, keywords):
        report(f"a dialogue with {structured}")
        dialogues.append(await _dialogue(chosen.id, structured, service))
        if dialogues[-1].reason is None:
            break
    found = (tuple(forms), tuple(keywords), tuple(dialogues))
    return Findings(endpoint.url, version, served, chosen.id, chosen.max_model_len, *found)


async def _served(wire: Wire, endpoint: Endpoint) -> tuple[ServedModel, ...]:
    try:
        return tuple(await wire.models(endpoint))
    except FaultError as fault:
        raise CopilotError(f"{endpoint.url}: {fault}; is the server running, and its API there?") from None
    except RefusedError as refused:
        remedy = (
            "set COPILOT_LLM_API_KEY to a key that it takes"
            if refused.status in {401, 403}
            else "check --llm-url, which ends with the API's root, such as http://HOST:8000/v1"
        )
        raise UserError(f"{endpoint.url}: {refused.status}, {refused}; {remedy}") from None


def _chosen(served: tuple[ServedModel, ...], model: str | None, url: str) -> ServedModel:
    names = ", ".join(one.id for one in served) or "no model"
    if model is None and len(served) == 1:
        return served[0]
    found = next((one for one in served if one.id == model), None)
    if found is None:
        wanted = "which model? give" if model is None else f"does not serve {model}; give"
        raise UserError(f"{url}: {wanted} --llm-model one that it serves: {names}")
    return found


def _version(said: str | None) -> str | None:
    try:
        found = json.loads(said or "null")
    except ValueError:
        return None
    return str(found["version"]) if isinstance(found, dict) and "version" in found else None


def _order(forms: list[FormFinding], keywords: list[KeywordFinding]) -> list[Structured]:
    """The forms that work, best first. A grammar that is mostly ignored is the last resort."""
    working = [form.structured for form in forms if form.works]
    n_enforced = sum(found.enforced for found in keywords)
    if "json_schema" in working and 2 * n_enforced < len(keywords):
        return [*(one for one in working if one != "json_schema"), "json_schema"]
    return working


class _Prober:
    """Asks one model at one server, and takes whatever comes as a finding."""

    def __init__(self, wire: Wire, endpoint: Endpoint, model: str) -> None:
        self._wire, self._endpoint, self._model = wire, endpoint, model

    async def form(self, structured: Structured) -> FormFinding:
        reply = await self._asked(_ASKED, _response_format(structured, "check-form", _FORM.schema))
        if isinstance(reply, str):
            return FormFinding(structured, works=False, said=reply)
        works = {
            "json_schema": _FORM.is_kept(reply.text),
            "json_object": _is_object(reply.text),
            # Words alone may be answered by anything; whether JSON comes of it is for a dialogue to show.
            "none": True,
        }[structured]
        return FormFinding(structured, works, "" if works else _ended(reply))

    async def keyword(self, trial: KeywordTrial) -> KeywordFinding:
        name = f"check-{trial.keyword.replace(' ', '-')}"
        form = _response_format("json_schema", name, trial.schema)
        for _ in range(N_TRIES):
            reply = await self._asked(trial.request, form)
            if isinstance(reply, str):
                return KeywordFinding(trial.keyword, enforced=False, said=reply)
            if not trial.is_kept(reply.text):
                return KeywordFinding(trial.keyword, enforced=False, said=_ended(reply))
        return KeywordFinding(trial.keyword, enforced=True, said="")

    async def _asked(self, request: str, form: Mapping[str, Any]) -> Reply | str:
        """The reply, or why there is none."""
        messages = [{"role": "user", "content": request}]
        body = {"model": self._model, "messages": messages, "max_tokens": _MAX_TOKENS, **form}
        try:
            return await self._wire.complete(self._endpoint, body)
        except RefusedError as refused:
            return f"{refused.status}, {refused}"
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


def _ended(reply: Reply) -> str:
    return f"it said {reply.text[:80]!r} (ended by {reply.finish_reason})"


async def _dialogue(model: str, structured: Structured, service: LlmService) -> DialogueFinding:
    settings = LlmSettings(model=model, structured=structured)
    designer = create_designer(RunConfig(seeds="starter", designer="llm", llm=settings), service)
    if not isinstance(designer, AsyncDesigner):
        raise TypeError("the designer llm is not asynchronous")
    try:
        async with designer:
            design = await designer.design_async(_SEED, 0)
    except DesignFault as fault:
        return DialogueFinding(structured, fault.reason, fault.detail, fault.account.usage)
    except CopilotError as error:
        return DialogueFinding(structured, "not-answered", str(error), Usage())
    return DialogueFinding(structured, None, "", design.account.usage)
