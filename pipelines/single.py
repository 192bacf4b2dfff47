"""One dialogue, one sample or one scene at a time, in memory: for notebooks and programs.

Samples and sounds are those that a run of the same configuration makes, to the byte.

    from pipelines import make_sample

    sample = make_sample("The rain had stopped at last.")
    story = sample.audio(turn=0)  # float32, (2, samples), 48 kHz
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from copilot.audio.pcm import encode_flac
from copilot.designers.contract import AsyncDesigner, Design
from copilot.designers.llm.service import LlmService
from copilot.dialogue import Dialogue, Turn
from copilot.edit import Add
from copilot.errors import RejectedError, UserError
from copilot.mix import DialogueMix
from copilot.sample import Sample
from copilot.scene import Element, Scene
from copilot.seed import Seed
from copilot.stem import Stem
from copilot.units import Audio
from pipelines.backends import Backends, check_service, list_seed_languages
from pipelines.config import GIVEN, RunConfig
from pipelines.fingerprint import Fingerprint
from pipelines.seeds.languages import mark_if_foreign
from pipelines.seeds.records import BadLineError, make_seed
from pipelines.stages.design import AsyncDesignStage, DesignStage
from pipelines.stages.pipeline import build_stages
from pipelines.stages.record import Record, new_record
from pipelines.stages.stage import Stage
from pipelines.stages.table import PoolName
from pipelines.stages.worker_spec import ExecutionSettings, WorkerSpec
from pipelines.stem_store import StemStore
from renderers.contract import Tool
from renderers.voice_bank import VoiceBank, read_bank

T = TypeVar("T")

DEFAULTS = RunConfig(seeds="starter")
"""The configuration of calls that give none: the scripted designer, and renderers that need no weights."""

_SCENE = Seed("scene", "")
"""The seed of every single scene: its sounds do not depend on how they are mixed."""


@dataclass(frozen=True, slots=True)
class RenderedScene:
    """A scene with a stem for each element, and its mix. `scene` has the slots that its speech needs."""

    scene: Scene
    stems: dict[int, Stem] = field(repr=False)
    mix: DialogueMix = field(repr=False)

    def __repr__(self) -> str:
        """Count the scene's elements: all of them would fill a screen."""
        return f"RenderedScene({len(self.scene)} elements, {self.scene.duration_s:g} s)"

    @property
    def audio(self) -> Audio:
        """The mix as float32, (2, samples), full scale 1.0, 48 kHz."""
        return self.mix.turns[0].audio

    @property
    def flac(self) -> bytes:
        """The mix as a FLAC file."""
        return encode_flac(self.mix.turns[0].pcm, self.mix.bits)


def design_dialogue(
    seed: Seed | str, config: RunConfig | None = None, service: LlmService | None = None
) -> Design:
    """Have the designer of a configuration write one dialogue. A text becomes the seed `text/HASH`.

    The rules are not applied: `check_dialogue` does that. Raises RowFault if the designer has no dialogue,
    UserError for a wrong configuration, CopilotError if the designer cannot work.
    """
    config = config or DEFAULTS
    check_service(config, service)
    with Backends(config, service) as backends:
        designer = backends.designer
        if isinstance(designer, AsyncDesigner):
            write = partial(designer.design_async, _to_seed(seed), config.run_seed)
            return _run_entered(designer, write)
        return designer.design(_to_seed(seed), config.run_seed)


def make_sample(
    seed: Seed | str | Dialogue,
    config: RunConfig | None = None,
    service: LlmService | None = None,
    *,
    store: str | Path | None = None,
) -> Sample:
    """Make the sample of one seed, or of a dialogue that is given, equal to that of a run.

    A text becomes the seed `text/HASH`. `store` is a folder or URI of stems to use and to add to (default:
    none is kept). Raises RejectedError if the seed is rejected, UserError for a wrong configuration,
    CopilotError if a backend cannot work.
    """
    config = config or DEFAULTS
    if isinstance(seed, Dialogue):
        record = new_record(Seed(seed.seed_id, seed.seed_text), config.run_seed)
        record.dialogue = seed
    else:
        check_service(config, service)
        marked = mark_if_foreign(_to_seed(seed), list_seed_languages(config), config.foreign_seeds)
        record = new_record(marked, config.run_seed)
    with Backends(config, service) as backends:
        if record.dialogue is None:
            _design(record, backends, config.run_seed)
        bank = _read_bank(config)
        fingerprint = backends.compute_fingerprint(bank)
        with _open_stages(fingerprint, bank, store, backends, (None,)) as stages:
            _run_stages(stages, record)
    if record.sample is None:
        raise RejectedError("finish", "no-sample", "no stage finished the record")
    if isinstance(seed, Dialogue):
        return replace(record.sample, provenance=replace(record.sample.provenance, designer=GIVEN))
    return record.sample


def render_scene(
    scene: Scene, config: RunConfig | None = None, *, store: str | Path | None = None
) -> RenderedScene:
    """Render and mix one scene. Changing a loudness, panning or start time leaves its sounds as they are.

    No rule is applied. A line of speech that is longer than its element gets a longer slot, or is spoken a
    little faster. `store` is as in `make_sample`. Raises RejectedError if an element has no sound, UserError
    for a wrong configuration, CopilotError if a backend cannot work.
    """
    config = config or DEFAULTS
    story = Turn(
        task="story", user="", description="", operations=tuple(map(_add, scene.elements)), scene=scene
    )
    record = new_record(_SCENE, config.run_seed)
    record.dialogue = Dialogue(seed_id=_SCENE.id, seed_text=_SCENE.text, turns=(story,))
    tools: set[Tool] = {element.tool for element in scene.elements}
    # No renderer that the scene has no use for is constructed.
    needed: dict[PoolName, bool] = {"speech": "tts" in tools, "sounds": "sfx" in tools, "mix": True}
    pools = [pool for pool, is_needed in needed.items() if is_needed]
    with Backends(config) as backends:
        bank = _read_bank(config)
        fingerprint = backends.compute_fingerprint(bank, tools=tools)
        with _open_stages(fingerprint, bank, store, backends, pools) as stages:
            _run_stages([stage for stage in stages if stage.name not in _UNUSED], record)
    return RenderedScene(record.require_dialogue().turns[0].scene, record.stems, record.require_mix())


_UNUSED = frozenset({"validate", "check", "finish"})
"""Stages that a single scene skips: they judge dialogues, and make samples of them."""


def _to_seed(seed: Seed | str) -> Seed:
    if isinstance(seed, Seed):
        return seed
    try:
        return make_seed("text", "", seed)
    except BadLineError as error:
        raise UserError(f"{seed!r} has no text", field="seed") from error


def _add(element: Element) -> Add:
    return Add(element=element)


def _read_bank(config: RunConfig) -> VoiceBank | None:
    return read_bank(Path(config.voices)) if config.voices else None


def _design(record: Record, backends: Backends, run_seed: int) -> None:
    designer = backends.designer
    if isinstance(designer, AsyncDesigner):
        _run_entered(designer, partial(AsyncDesignStage(designer, run_seed).write, record))
    else:
        DesignStage(designer, run_seed)([record])
    _raise_if_rejected(record)


def _run_entered(designer: AsyncDesigner, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Enter a designer, and run its work in a loop of its own: notebooks have one that runs already."""

    async def run() -> T:
        async with designer:
            return await work()

    with ThreadPoolExecutor(1, "copilot-design") as thread:
        return thread.submit(lambda: asyncio.run(run())).result()


@contextmanager
def _open_stages(
    fingerprint: Fingerprint,
    bank: VoiceBank | None,
    store: str | Path | None,
    backends: Backends,
    pools: Sequence[PoolName | None],
) -> Iterator[list[Stage]]:
    """Build the stages of some pools for records with dialogues; close them at the end."""
    with ExitStack() as opened:
        place = (
            str(store)
            if store is not None
            else opened.enter_context(TemporaryDirectory(prefix="copilot-stems-"))
        )
        spec = WorkerSpec(place, fingerprint, ExecutionSettings(store=place), bank, designs_ahead=True)
        stages: list[Stage] = []
        for pool in pools:
            for stage in build_stages(spec, StemStore(place), pool, backends):
                opened.callback(stage.close)
                stages.append(stage)
        yield stages


def _run_stages(stages: Sequence[Stage], record: Record) -> None:
    # As in a worker: the number of BLAS threads may change the last digits.
    with threadpool_limits(1):
        for stage in stages:
            stage([record])
            _raise_if_rejected(record)


def _raise_if_rejected(record: Record) -> None:
    if record.reject is not None:
        reject = record.reject
        raise RejectedError(reject.stage, reject.reason, reject.detail)
