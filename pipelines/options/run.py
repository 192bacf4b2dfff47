"""All options of a run, as `copilot generate` and `copilot plan` take them and a file sets them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from copilot.errors import UserError
from copilot.server_url import hide_secrets, hide_secrets_within
from pipelines.options.dialogue import DialogueOptions
from pipelines.options.execution import ExecutionOptions
from pipelines.options.option import Option
from pipelines.options.sound import SoundOptions
from pipelines.storage.places import require_lasting

if TYPE_CHECKING:
    from pipelines.main_job import GenerateRequest

_Stored = functools.partial(Option, group="Dialogues")


@dataclass(frozen=True, kw_only=True)
class RunOptions(ExecutionOptions, SoundOptions, DialogueOptions):
    """Everything that can be set for a run. Its methods give the objects that the run is made with."""

    out: Annotated[
        str | None,
        Option(
            "Run folder or URI, such as s3://BUCKET/RUN. An existing run is resumed.",
            metavar="PATH",
            required=True,
        ),
    ] = None
    num: Annotated[int | None, Option("Number of seeds to draw.", default="all", low=1, common=True)] = None
    keep: Annotated[
        Literal["mixes", "stems", "both"], _Stored("Audio that the samples store.", common=True)
    ] = "both"
    bits: Annotated[Literal[16, 24], _Stored("Bit depth of the mixes.")] = 16
    json: Annotated[bool, Option("Print JSON for scripts.", common=True)] = False
    server_urls: tuple[str, ...] = ()
    """The URLs of the file's servers, once they run."""

    def __repr__(self) -> str:
        """Name the options that differ from their defaults; URLs without users and passwords."""
        given = []
        for field in fields(self):
            value = getattr(self, field.name)
            default = field.default if field.default_factory is MISSING else field.default_factory()
            if value == default:
                continue
            if value and field.name.endswith(("_url", "_urls")):
                value = hide_secrets(value) if isinstance(value, str) else tuple(map(hide_secrets, value))
            elif field.name != "seeds":
                value = hide_secrets_within(value)
            given.append(f"{field.name}={value!r}")
        return f"{type(self).__name__}({', '.join(given)})"

    def create_request(self) -> GenerateRequest:
        """Return the request to make or resume the run, without callbacks.

        If the file has `servers`, take the request of what `start_servers` yields: this one has no `service`
        yet. Raises UserError for an option that is missing or wrong, MissingExtraError.
        """
        from pipelines.main_job import GenerateRequest

        if self.out is None:
            raise UserError("missing; give the folder or URI of the run", field="out")
        require_lasting(self.out, "out")
        config = self.create_run_config()
        self.create_service_limits()
        return GenerateRequest(
            config=config,
            out=self.out,
            num=self.num,
            executor=self.create_executor(config),
            settings=self.create_execution_settings(),
            service=None if self.parts.servers and not self.server_urls else self.create_service(),
            reject_limit=self.create_reject_limit(),
        )

    def _config_fields(self) -> dict[str, Any]:
        stored = {"keep": self.keep, "mix_bits": self.bits}
        return super()._config_fields() | self._sound_fields() | stored

    def list_llm_options(self) -> list[str]:
        """Return the names of the settings of a language model that are set, with those of the file."""
        return super().list_llm_options() + ["servers"] * (self.parts.servers is not None)

    def _service_urls(self) -> Sequence[str]:
        return self.server_urls or super()._service_urls()

    def _model_name(self) -> str | None:
        servers = self.parts.servers
        if servers is None:
            return self.llm_model
        if self.executor != "ray":
            raise UserError(
                "need `executor` ray, which starts them; or set `llm_url` instead", field="servers"
            )
        if self.llm_url:
            raise UserError("set either `servers`, which the run starts, or `llm_url`", field="servers")
        if self.llm_model not in {None, servers.name}:
            raise UserError(f"{self.llm_model}: the `servers` serve {servers.name}", field="llm_model")
        return servers.name

    @contextmanager
    def start_servers(self, run: str) -> Iterator[Self]:
        """Start the language model servers of the file, if it has some, for as long as the block runs.

        They replace other servers that were started under the same name, `run`. Yield the options with the
        URLs of these servers. Raises as `serve_model`.
        """
        servers = self.parts.servers
        if servers is None:
            yield self
            return
        from pipelines.execution.ray.nodes import connect
        from pipelines.execution.ray.servers import serve_model

        with connect(self.create_ray_settings()), serve_model(servers, run) as urls:
            yield replace(self, server_urls=tuple(urls))
