"""From a configuration to the backends and the stages that it names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from copilot import plugins
from copilot.design import Designer
from copilot.errors import UserError
from pipelines.config import Fingerprint, RunConfig, versions
from pipelines.stage import Stage
from pipelines.stages.cast import CastStage
from pipelines.stages.design import DesignStage
from pipelines.stages.mix import CheckStage, FinishStage, MixStage
from pipelines.stages.render import RenderStage
from pipelines.stages.validate import ValidateStage
from pipelines.stem_store import StemStore
from renderers import registry


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """What a worker has to know: plain values that travel to any process."""

    run: Path
    store: Path
    fingerprint: Fingerprint


def create_designer(config: RunConfig) -> Designer:
    """The designer that the configuration names. Raises UserError for an unknown one."""
    make = plugins.load(plugins.DESIGNERS, config.designer, "--designer")
    designer: Designer = make(config.limits, n_turns=config.n_turns)
    return designer


def take_fingerprint(config: RunConfig) -> Fingerprint:
    """The fingerprint of a configuration with the backends that are installed here.

    Raises UserError for a backend that is not there, MissingExtraError for what it needs.
    """
    if config.n_turns > config.limits.n_turns:
        raise UserError(f"--turns {config.n_turns}: the limits allow {config.limits.n_turns}")
    fingerprints = {}
    for name, renderer in (
        (config.sfx, registry.create(config.sfx, "sfx")),
        (config.tts, registry.create(config.tts, "tts")),
    ):
        fingerprints[name] = renderer.fingerprint()
        renderer.close()
    designer = create_designer(config).fingerprint()
    return Fingerprint(config=config, designer=designer, renderers=fingerprints)


def build_stages(order: WorkOrder) -> list[Stage]:
    """The stages of the pipeline, ready to work."""
    config = order.fingerprint.config
    store = StemStore(order.store)
    speech = registry.create(config.tts, "tts")
    sounds = registry.create(config.sfx, "sfx")
    return [
        DesignStage(create_designer(config), config.run_seed),
        ValidateStage(config.limits),
        CastStage(speech.voices(), config.run_seed),
        RenderStage(speech, store, config.run_seed),
        RenderStage(sounds, store, config.run_seed),
        MixStage(config.mix_bits),
        CheckStage(),
        FinishStage(config.keep, config.run_seed, config.designer, order.fingerprint.digest, versions()),
    ]
