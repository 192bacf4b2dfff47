"""Shared base of the renderers on a diffusers pipeline: settings, loading, noise, decoding."""

from __future__ import annotations

import math
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from copilot.errors import CopilotError, UserError
from copilot.frozen_model import FrozenModel
from copilot.units import Audio, Seconds
from renderers.contract import RenderedSound, RenderFailure, RenderRequest, Tool, Voice
from renderers.model_revision import describe_hub_error, find_model_revision, get_library_versions
from renderers.torch_support import (
    DEVICE_VARIABLE,
    DType,
    pick_device,
    pick_dtype,
    resolve_precision,
    translate_memory_errors,
)

if TYPE_CHECKING:
    import torch

MODULES = ("torch", "diffusers", "transformers", "accelerate", "torchsde")
LICENCE = "Apache-2.0 (diffusers)"
MODEL_LICENCE = "Stability AI Community License"

_SOUND_VERSION = "1"
"""Raised by hand whenever a renderer, or this base, gives other samples for the same request."""

ABOUT_MODEL = "A hub's OWNER/NAME, or a folder."
ABOUT_REVISION = "A branch, tag or commit of the hub; default: the newest."
ABOUT_DTYPE = "Precision; auto is bfloat16 on a GPU, float32 elsewhere."
ABOUT_GUIDANCE = "Strength of guidance by the caption; 1 is none."
ABOUT_NEGATIVE_PROMPT = "A caption that guidance leads away from."


class DiffusionSettings(FrozenModel):
    """Settings that every diffusion pipeline needs to be loaded."""

    model: str = Field(description=ABOUT_MODEL)
    revision: str | None = Field(None, description=ABOUT_REVISION)
    dtype: DType = Field("auto", description=ABOUT_DTYPE)


class DiffusionRenderer(ABC):
    """Base of the renderers on a diffusers pipeline: loading, and batches of requests."""

    name: str
    tool: Tool = "sfx"
    pipeline: ClassVar[str]

    def __init__(self, settings: DiffusionSettings) -> None:
        self._given = settings
        self._revision: str | None = None
        self._pipe: Any = None

    def fingerprint(self) -> dict[str, str]:
        """Return backend, versions of the libraries, model, its commit or its folder's hash, settings."""
        revision = self._get_revision()
        settings = self._given.model_dump(exclude={"model", "revision"})
        return {
            "backend": self.name,
            "sound": _SOUND_VERSION,
            "model": "folder" if _is_folder(self._given.model) else self._given.model,
            "revision": revision,
            **{name: str(value) for name, value in settings.items()},
            "dtype": resolve_precision(self._given.dtype),
            **get_library_versions("diffusers", "torch", "transformers"),
        }

    def prepare(self) -> None:
        """Load the pipeline. Raises UserError if the model or the device is not available."""
        if self._pipe is None:
            device = pick_device(os.environ.get(DEVICE_VARIABLE))
            self._pipe = _load(self.pipeline, self._given, self._get_revision(), device)

    def voices(self) -> Sequence[Voice]:
        """Return no voices."""
        return []

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return stereo sounds at the model's rate, exactly as long as requested.

        Raises BatchTooLargeError.
        """
        self.prepare()
        answers = [self._find_fault(request) for request in requests]
        good = [request for request, fault in zip(requests, answers, strict=True) if fault is None]
        sounds: list[RenderedSound] = []
        if good:
            with translate_memory_errors():
                sounds = self._generate(good)
        rest = iter(sounds)
        return [next(rest) if answer is None else answer for answer in answers]

    def close(self) -> None:
        """Release the model."""
        self._pipe = None

    @abstractmethod
    def _generate(self, requests: Sequence[RenderRequest]) -> list[RenderedSound]:
        """Return the sounds of requests that have no fault."""

    @abstractmethod
    def _get_window_s(self) -> Seconds:
        """Return the duration of the longest sound that the model makes."""

    def _find_fault(self, request: RenderRequest) -> RenderFailure | None:
        if not 0 < request.duration_s < math.inf:
            return RenderFailure("bad-duration", f"{request.duration_s} s is not a duration of a sound")
        if request.duration_s > self._get_window_s():
            detail = f"{request.duration_s:g} s; the model makes up to {self._get_window_s():.2f} s"
            return RenderFailure("too-long", detail)
        return None

    def _get_revision(self) -> str:
        if self._revision is None:
            self._revision = find_model_revision(self._given.model, self._given.revision)
        return self._revision


def draw_noise(random: Sequence[torch.Generator], shape: tuple[int, int], device: str) -> torch.Tensor:
    """Return normal noise, float32, each item's from its own generator; shape (items, *shape)."""
    import torch  # noqa: PLC0415 - an extra

    return torch.stack([torch.randn(shape, generator=one) for one in random]).to(device)


def decode(vae: Any, latents: torch.Tensor, n_samples: int) -> Audio:  # noqa: ANN401 - of any kind
    """Decode the first `n_samples` of one item to float32, (channels, samples).

    Items are decoded one by one, because a decoder's memory grows with the seconds of sound.
    """
    audio = vae.decode(latents.unsqueeze(0).to(vae.dtype)).sample[0, :, :n_samples]
    sound: Audio = audio.float().cpu().contiguous().numpy()
    return sound


def _is_folder(model: str) -> bool:
    return Path(model).expanduser().is_dir()


def _load(pipeline: str, settings: DiffusionSettings, revision: str, device: str) -> Any:  # noqa: ANN401
    """Load the pipeline onto the device. Turns any exception into a UserError that says what to do."""
    import diffusers  # noqa: PLC0415 - an extra
    import torch  # noqa: PLC0415 - an extra
    import transformers  # noqa: PLC0415 - an extra

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
    make = getattr(diffusers, pipeline)
    local = _is_folder(settings.model)
    where = str(Path(settings.model).expanduser()) if local else settings.model
    commit = {} if local else {"revision": revision}
    dtypes = {"default": pick_dtype(device, resolve_precision(settings.dtype)), "vae": torch.float32}
    try:
        _require_form(make.load_config(where, **commit), pipeline, where)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the libraries warn each other
            pipe = make.from_pretrained(where, dtype=dtypes, **commit)
    except CopilotError:
        raise
    except Exception as error:  # noqa: BLE001 - many libraries read a model, each with errors of its own
        raise UserError(_describe_failure(where, pipeline, error, local=local)) from None
    pipe.set_progress_bar_config(disable=True)
    try:
        return pipe.to(device)
    except (RuntimeError, MemoryError) as error:
        message = str(error).partition("\n")[0]
        raise UserError(
            f"model {where}: cannot be moved to {device}: {message}; choose another device"
        ) from None


def _require_form(config: dict[str, Any], pipeline: str, where: str) -> None:
    form = config.get("_class_name")
    if form != pipeline:
        raise UserError(f"model {where}: is a {form}; give a model saved as a {pipeline}")


def _describe_failure(where: str, pipeline: str, error: BaseException, *, local: bool) -> str:
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415 - slow

    cause: BaseException | None = error
    while cause is not None:
        if not local and isinstance(cause, HfHubHTTPError):
            return f"model {where}: {describe_hub_error(where, cause)}"
        cause = cause.__cause__ or cause.__context__
    message = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return f"model {where}: cannot be loaded as a {pipeline} ({message}); give one that save_pretrained made"
