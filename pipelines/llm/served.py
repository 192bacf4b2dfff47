"""Finds a model at a server: in the list of its models, or, if it has no such list, by a trivial request."""

from __future__ import annotations

from urllib.parse import urlsplit

from pipelines.llm.answers import ServedModel
from pipelines.llm.endpoints import Endpoint
from pipelines.llm.refusals import ServerRole, explain_refusal, find_model, make_unserved_error
from pipelines.llm.wire import Wire
from renderers.openai_protocol import RefusedError

TRIVIAL_MESSAGES = ({"role": "user", "content": "Say yes, as JSON."},)
"""The chat of a trivial request. OpenAI wants the word JSON in it for the form `json_object`."""

TRIVIAL_TOKENS = 16


async def look_for_model(wire: Wire, endpoint: Endpoint, model: str, role: ServerRole) -> ServedModel:
    """Return the model as a server serves it. Raises FaultError, ModelRefusalError."""
    try:
        served = await wire.list_models(endpoint)
    except RefusedError as refused:
        if not needs_no_list(refused) or await wire.find_root(endpoint) is not None:
            raise await explain_refusal(wire, endpoint, refused, model, role) from None
        return await _try_model(wire, endpoint, model, role)
    found = find_model(served, model)
    if found is not None:
        return found
    # Routers take names with a suffix for the provider, and list those without it.
    is_routed = find_model(served, model.rpartition(":")[0]) is not None
    if is_routed or _lists_no_deployments(endpoint.url):
        return await _try_model(wire, endpoint, model, role)
    raise make_unserved_error(endpoint.url, served, model, role)


def needs_no_list(refused: RefusedError) -> bool:
    """Return whether a server that refuses the list of its models may serve one all the same.

    It has no such list, or the key does not permit it.
    """
    return refused.meaning == "address" or refused.status == 403


def _lists_no_deployments(url: str) -> bool:
    """Return whether a server is one of Azure, whose list has base models only."""
    return (urlsplit(url).hostname or "").endswith(".azure.com")


async def _try_model(wire: Wire, endpoint: Endpoint, model: str, role: ServerRole) -> ServedModel:
    body = {"model": model, "messages": list(TRIVIAL_MESSAGES), "max_tokens": TRIVIAL_TOKENS}
    try:
        await wire.complete(endpoint, body)
    except RefusedError as refused:
        raise await explain_refusal(wire, endpoint, refused, model, role) from None
    return ServedModel(endpoint.url, model, None, None)
