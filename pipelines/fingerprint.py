"""The fingerprint of a run: everything that decides its samples. A run resumes only under its own."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version

from pydantic import Field

from copilot.frozen_model import FrozenModel
from copilot.hashing import content_hash
from copilot.schemas import schema_hashes
from pipelines.config import RunConfig
from renderers.contract import Tool

FORMAT_VERSION = 5
"""The version of the columns and of the mix, raised when the same configuration gives other rows."""

_SOUND_LIBRARIES = ("numpy", "scipy", "pyloudnorm", "soxr", "pedalboard")


def list_sound_libraries() -> dict[str, str]:
    """Return the versions of the libraries whose arithmetic is in every sound."""
    return {package: version(package) for package in _SOUND_LIBRARIES}


class Fingerprint(FrozenModel):
    """Everything that decides a run's samples: configuration, schemas, prompts, libraries and backends."""

    format_version: int = FORMAT_VERSION
    config: RunConfig
    schemas: Mapping[str, str] = Field(default_factory=schema_hashes)
    prompts: Mapping[str, str] = Field(default_factory=dict)
    libraries: Mapping[str, str] = Field(default_factory=list_sound_libraries)
    designer: Mapping[str, str]
    renderers: Mapping[Tool, Mapping[str, str]]
    voices: str | None = None
    """Hash of the voice bank: the names and contents of its recordings."""

    @property
    def digest(self) -> str:
        """The hash of the fingerprint, 16 hexadecimal digits."""
        return content_hash(self.model_dump(mode="json"))[:16]


def list_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that samples are made with."""
    others = {package: version(package) for package in ("audiocopilot", "soundfile", "pyarrow")}
    return {"python": platform.python_version()} | others | list_sound_libraries()
