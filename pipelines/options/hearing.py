"""The options that decide who listens to a run, and where."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from copilot.errors import UserError
from pipelines.options.option import Option
from pipelines.options.values import parse_settings

if TYPE_CHECKING:
    from listeners.contract import Kind
    from pipelines.hearing.ear import ListenerSpec
    from pipelines.hearing.hear import HearingExecutor

_Listener = functools.partial(Option, metavar="NAME[:TARGET]", common=True)
_Setting = functools.partial(Option, metavar="NAME=VALUE")
_Place = functools.partial(Option, group="Execution")


@dataclass(frozen=True, kw_only=True)
class HearingOptions:
    """The listeners of one call, at most one of a kind, and their execution; None for what was not given."""

    asr: Annotated[
        str | None,
        _Listener("Recogniser of speech: onnx-asr[:FOLDER], faster-whisper:FOLDER, or another."),
    ] = None
    asr_set: Annotated[Sequence[str] | None, _Setting("Setting of the recogniser. Repeatable.")] = None
    detector: Annotated[
        str | None, _Listener("Detector of captions: pe-a-frame[:FOLDER], worker:openflam, or another.")
    ] = None
    detector_set: Annotated[Sequence[str] | None, _Setting("Setting of the detector. Repeatable.")] = None
    rater: Annotated[str | None, _Listener("Rater of speech: dnsmos[:FILE], worker:utmosv2, or another.")] = (
        None
    )
    rater_set: Annotated[Sequence[str] | None, _Setting("Setting of the rater. Repeatable.")] = None
    scorer: Annotated[
        str | None, _Listener("Scorer of text against audio: clap[:FOLDER], worker:glap, or another.")
    ] = None
    scorer_set: Annotated[Sequence[str] | None, _Setting("Setting of the scorer. Repeatable.")] = None
    embedder: Annotated[
        str | None, _Listener("Embedder, whose vectors are kept: clap[:FOLDER], or another.")
    ] = None
    embedder_set: Annotated[Sequence[str] | None, _Setting("Setting of the embedder. Repeatable.")] = None
    device: Annotated[
        str | None,
        _Place("Device of models: cpu, mps, cuda or cuda:N.", default="workers share all GPUs"),
    ] = None
    executor: Annotated[
        Literal["local", "ray"],
        _Place("Processes of this machine (local), or Ray on this machine or a cluster (ray).", common=True),
    ] = "local"
    workers: Annotated[int, _Place("Workers; each loads the listeners.", low=1, common=True)] = 1
    ray_address: Annotated[
        str | None,
        _Place("Ray cluster: auto or HOST:PORT.", default="Ray is started here", metavar="ADDRESS"),
    ] = None
    worker_cpus: Annotated[
        float | None, _Place("With Ray: processors of each worker.", default="0.5", low=0.01)
    ] = None
    worker_gpus: Annotated[
        float | None, _Place("With Ray: GPUs of each worker, such as 0.25.", default="0", low=0)
    ] = None

    def list_listeners(self) -> list[ListenerSpec]:
        """Return the listeners that were given. Raises UserError for settings without their listener."""
        from pipelines.hearing.ear import ListenerSpec

        given: dict[Kind, tuple[str, str | None, Sequence[str] | None]] = {
            "recogniser": ("asr", self.asr, self.asr_set),
            "detector": ("detector", self.detector, self.detector_set),
            "rater": ("rater", self.rater, self.rater_set),
            "scorer": ("scorer", self.scorer, self.scorer_set),
            "embedder": ("embedder", self.embedder, self.embedder_set),
        }
        specs = []
        for kind, (option, spec, settings) in given.items():
            if spec is not None:
                specs.append(ListenerSpec(kind, spec, parse_settings(settings or (), f"{option}_set")))
            elif settings:
                raise UserError(f"has no effect without `{option}`", field=f"{option}_set")
        return specs

    def create_executor(self) -> HearingExecutor:
        """Return what has workers listen. Raises UserError for options that have no effect with it."""
        if self.executor == "local":
            for name in ("ray_address", "worker_cpus", "worker_gpus"):
                if (given := getattr(self, name)) is not None:
                    raise UserError(f"{given}: has no effect with `executor` local; leave it out", field=name)
            from pipelines.hearing.local import LocalHearing

            return LocalHearing(self.workers)
        from pipelines.hearing.on_ray import RayHearing
        from pipelines.planning.ray_settings import RaySettings

        settings = RaySettings() if self.ray_address is None else RaySettings(address=self.ray_address)
        sizes = {"cpus": self.worker_cpus, "gpus": self.worker_gpus}
        given_sizes = {name: value for name, value in sizes.items() if value is not None}
        return RayHearing(self.workers, settings, **given_sizes)
