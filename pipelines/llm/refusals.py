"""Refusals that end a run: what the server said, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from copilot.errors import UserError
from pipelines.llm.answers import ServedModel
from pipelines.llm.endpoints import Endpoint
from pipelines.llm.keys import Key
from pipelines.llm.wire import Wire
from renderers.openai_protocol import FaultError, RefusedError, list_nearest


class ModelRefusalError(UserError):
    """A server will never accept the request: another key, model or form of request is needed."""


@dataclass(frozen=True, slots=True)
class ServerRole:
    """The part that a model's servers play: its key, and the settings that hold its URLs and its name."""

    key: Key
    urls: str = "llm_url"
    model: str = "llm_model"


async def explain_refusal(
    wire: Wire, endpoint: Endpoint, refused: RefusedError, model: str, role: ServerRole
) -> ModelRefusalError:
    """Return the error that ends a run, with what the server lists if that helps."""
    said = f"{endpoint.url}: {refused}"
    match refused.meaning:
        case "key":
            return ModelRefusalError(f"{said}; {role.key.describe_remedy(endpoint.url)}")
        case "quota":
            remedy = "add credit or raise its limit, and run the same command again to resume"
            return ModelRefusalError(f"{said}; {remedy}", field=role.urls)
        case "model" | "address":
            return await _explain_place(wire, endpoint, refused, model, role)
    if refused.status == 407:
        return ModelRefusalError(f"{said}; give the proxy's user and password in HTTP_PROXY or HTTPS_PROXY")
    if refused.status == 403:
        return ModelRefusalError(f"{said}; {role.key.describe_remedy(endpoint.url)}")
    remedy = "see what it accepts with: copilot check-llm; another `llm_structured` may help"
    return ModelRefusalError(f"{said}; {remedy}")


async def _explain_place(
    wire: Wire, endpoint: Endpoint, refused: RefusedError, model: str, role: ServerRole
) -> ModelRefusalError:
    said = f"{endpoint.url}: {refused}"
    try:
        served = await wire.list_models(endpoint)
    except (FaultError, RefusedError):
        root = await wire.find_root(endpoint)
        if root is not None:
            return ModelRefusalError(f"{said}; the API's root is {root}", field=role.urls)
        if refused.meaning == "model":
            return ModelRefusalError(f"{said}; give the name of a model that it serves", field=role.model)
        return ModelRefusalError(f"{said}; give the API's root, such as http://HOST:8000/v1", field=role.urls)
    if refused.meaning == "address":
        return ModelRefusalError(
            f"{said}; it lists models, but has no chat completions there", field=role.urls
        )
    if find_model(served, model) is not None:
        return ModelRefusalError(
            f"{said}; it lists {model!r}, but not for chat completions; choose another; available: "
            f"{list_ids(served, model)}",
            field=role.model,
        )
    return ModelRefusalError(f"{said}; available: {list_ids(served, model)}", field=role.model)


def make_unserved_error(
    url: str, served: Sequence[ServedModel], model: str, role: ServerRole
) -> ModelRefusalError:
    """Return the error for a model that is not in a server's list."""
    if not served:
        return ModelRefusalError(f"{url} serves no model; load one into the server", field=role.urls)
    return ModelRefusalError(
        f"{url} does not serve {model!r}; available: {list_ids(served, model)}", field=role.model
    )


def find_model(served: Sequence[ServedModel], name: str) -> ServedModel | None:
    """Return the model that a server knows by a name: Gemini and Ollama list it with more than that."""
    known = {model.id: model for model in served}
    return next((known[one] for one in (name, f"models/{name}", f"{name}:latest") if one in known), None)


def list_ids(models: Sequence[ServedModel], wanted: str | None = None) -> str:
    """Return the names of models for a message."""
    return list_nearest([model.id for model in models], wanted)
