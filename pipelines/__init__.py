"""Runs: making them, reading them, looking at them; and single samples and scenes.

    from pipelines import GenerateRequest, RunConfig, generate, open_run

    generate(GenerateRequest(config=RunConfig(seeds="starter"), out="runs/small", num=4))
    for sample in open_run("runs/small"):
        print(sample)

The names below are imported when they are first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from copilot.designers.llm.service import LlmService as LlmService
    from copilot.designers.llm.settings import LlmSettings as LlmSettings
    from pipelines.config import RunConfig as RunConfig
    from pipelines.config_file import load_config as load_config
    from pipelines.continuation import continue_dialogue as continue_dialogue
    from pipelines.dialogue_preview import preview as preview
    from pipelines.execution.local import LocalExecutor as LocalExecutor
    from pipelines.execution.ray.executor import RayExecutor as RayExecutor
    from pipelines.hearing.ear import ListenerSpec as ListenerSpec
    from pipelines.hearing.hear import hear_run as hear_run
    from pipelines.hearing.local import LocalHearing as LocalHearing
    from pipelines.hearing.on_ray import RayHearing as RayHearing
    from pipelines.inspection.stats import compute_stats as compute_stats
    from pipelines.inspection.status import read_status as read_status
    from pipelines.inspection.subset.filter import filter_run as filter_run
    from pipelines.inspection.verify.run import verify as verify
    from pipelines.main_job import GenerateRequest as GenerateRequest
    from pipelines.main_job import RejectLimit as RejectLimit
    from pipelines.main_job import generate as generate
    from pipelines.planning.ray_settings import RaySettings as RaySettings
    from pipelines.run.open import open_run as open_run
    from pipelines.run.totals import Outcome as Outcome
    from pipelines.single import RenderedScene as RenderedScene
    from pipelines.single import design_dialogue as design_dialogue
    from pipelines.single import make_sample as make_sample
    from pipelines.single import render_scene as render_scene
    from pipelines.stages.worker_spec import ExecutionSettings as ExecutionSettings
else:
    from copilot.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "copilot.designers.llm.service": ("LlmService",),
            "copilot.designers.llm.settings": ("LlmSettings",),
            "pipelines.config": ("RunConfig",),
            "pipelines.config_file": ("load_config",),
            "pipelines.execution.local": ("LocalExecutor",),
            "pipelines.execution.ray.executor": ("RayExecutor",),
            "pipelines.main_job": (
                "GenerateRequest",
                "RejectLimit",
                "generate",
            ),
            "pipelines.hearing.ear": ("ListenerSpec",),
            "pipelines.hearing.hear": ("hear_run",),
            "pipelines.hearing.local": ("LocalHearing",),
            "pipelines.hearing.on_ray": ("RayHearing",),
            "pipelines.inspection.stats": ("compute_stats",),
            "pipelines.inspection.status": ("read_status",),
            "pipelines.inspection.subset.filter": ("filter_run",),
            "pipelines.inspection.verify.run": ("verify",),
            "pipelines.planning.ray_settings": ("RaySettings",),
            "pipelines.continuation": ("continue_dialogue",),
            "pipelines.dialogue_preview": ("preview",),
            "pipelines.run.open": ("open_run",),
            "pipelines.run.totals": ("Outcome",),
            "pipelines.single": (
                "RenderedScene",
                "design_dialogue",
                "make_sample",
                "render_scene",
            ),
            "pipelines.stages.worker_spec": ("ExecutionSettings",),
        },
    )
