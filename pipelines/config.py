"""What a run is asked to make, and the fingerprint that a run resumes under."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from pydantic import Field

from copilot.audio.pcm import BitDepth
from copilot.designers.llm.settings import LlmSettings
from copilot.dialogue import Task
from copilot.hashing import content_hash
from copilot.sample import Keep
from copilot.scene import Frozen, SceneLimits
from copilot.schemas import schema_hashes
from renderers.contract import Tool

FORMAT_VERSION = 3
"""Of the columns and of the mix: raised whenever the same configuration gives other rows."""


_SOUND_LIBRARIES = ("numpy", "scipy", "pyloudnorm", "soxr", "pedalboard")


def sound_libraries() -> dict[str, str]:
    """The versions of the libraries whose arithmetic is in every sound."""
    return {package: version(package) for package in _SOUND_LIBRARIES}


class RunConfig(Frozen):
    """What decides a run's samples. How many are made, and by how many workers, is not part of it.

    `task_mix` weighs the tasks of edit turns, which are drawn evenly without it. `llm` is for designers that
    ask a language model. `sfx` and `tts` are `NAME` or `NAME:TARGET`, with settings of those renderers;
    `voices` is the folder of a voice bank. With `variants` a caption has so many takes, shared by all.
    """

    seeds: str
    run_seed: int = Field(default=0, ge=0, lt=2**63)
    n_turns: int = Field(default=3, ge=1)
    designer: str = "scripted"
    task_mix: Mapping[Task, float] | None = None
    llm: LlmSettings | None = None
    sfx: str = "procedural"
    sfx_settings: Mapping[str, Any] = Field(default_factory=dict)
    tts: str = "espeak"
    tts_settings: Mapping[str, Any] = Field(default_factory=dict)
    voices: str | None = None
    variants: int | None = Field(default=None, ge=1)
    keep: Keep = "both"
    mix_bits: BitDepth = 16
    limits: SceneLimits = SceneLimits()


class Fingerprint(Frozen):
    """Everything that decides what a run makes: configuration, schemas, prompts, libraries and backends."""

    format_version: int = FORMAT_VERSION
    config: RunConfig
    schemas: Mapping[str, str] = Field(default_factory=schema_hashes)
    prompts: Mapping[str, str] = Field(default_factory=dict)
    libraries: Mapping[str, str] = Field(default_factory=sound_libraries)
    designer: Mapping[str, str]
    renderers: Mapping[Tool, Mapping[str, str]]
    voices: str | None = None
    """Hash of the voice bank: the names and contents of its recordings."""

    @property
    def digest(self) -> str:
        """The fingerprint itself, 16 hexadecimal digits."""
        return content_hash(self.model_dump(mode="json"))[:16]


def differences(ours: Any, theirs: Any, at: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Where two JSON values differ, as lines such as `config.run_seed: 7 there, 8 asked for`."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(ours.keys() | theirs.keys()):
            yield from differences(ours.get(name), theirs.get(name), f"{at}.{name}" if at else name)
    elif ours != theirs:
        yield f"{at}: {theirs!r} there, {ours!r} asked for"


def versions() -> dict[str, str]:
    """The versions of what the samples are computed with."""
    others = {package: version(package) for package in ("audiocopilot", "soundfile", "pyarrow")}
    return {"python": platform.python_version()} | others | sound_libraries()
