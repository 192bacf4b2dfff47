"""What renderers on a diffusers pipeline have in common: settings, loading, noise, decoding."""

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
from renderers.torch_support import (
    DEVICE_VARIABLE,
    DType,
    hub_remedy,
    library_versions,
    memory_errors,
    model_revision,
    pick_device,
    pick_dtype,
    precision,
)

if TYPE_CHECKING:
    import torch

MODULES = ("torch", "diffusers", "transformers", "accelerate", "torchsde")
LICENCE = "Apache-2.0 (diffusers)"
MODEL_LICENCE = "Stability AI Community License"

_SOUND_VERSION = "1"
"""Goes up whenever the code of a renderer, or what is shared, gives other samples for the same request."""


ABOUT_MODEL = "A hub's OWNER/NAME, or a folder."
ABOUT_REVISION = "A branch, tag or commit of the hub; the newest without it."
ABOUT_DTYPE = "Precision; auto is bfloat16 on a GPU, float32 elsewhere."
ABOUT_GUIDANCE = "How much more closely the caption is followed than by chance; 1 is not at all more."
ABOUT_NEGATIVE_PROMPT = "What guidance leads away from."


class DiffusionSettings(FrozenModel):
    """What every diffusion pipeline needs to be loaded: a hub's OWNER/NAME or a folder, and a precision."""

    model: str = Field(description=ABOUT_MODEL)
    revision: str | None = Field(None, description=ABOUT_REVISION)
    dtype: DType = Field("auto", description=ABOUT_DTYPE)


class DiffusionRenderer(ABC):
    """What renderers on a diffusers pipeline have in common: loading, and batches of requests."""

    name: str
    tool: Tool = "sfx"
    pipeline: ClassVar[str]

    def __init__(self, settings: DiffusionSettings) -> None:
        self._given = settings
        self._revision: str | None = None
        self._pipe: Any = None

    def fingerprint(self) -> dict[str, str]:
        """Backend, versions of the libraries, model, its commit or its folder's hash, settings."""
        revision = self._model_revision()
        settings = self._given.model_dump(exclude={"model", "revision"})
        return {
            "backend": self.name,
            "sound": _SOUND_VERSION,
            "model": "folder" if _is_folder(self._given.model) else self._given.model,
            "revision": revision,
            **{name: str(value) for name, value in settings.items()},
            "dtype": precision(self._given.dtype),
            **library_versions("diffusers", "torch", "transformers"),
        }

    def prepare(self) -> None:
        """Load the pipeline. Raises UserError where the model, or the device, is not to be had."""
        if self._pipe is None:
            device = pick_device(os.environ.get(DEVICE_VARIABLE))
            self._pipe = _load(self.pipeline, self._given, self._model_revision(), device)

    def voices(self) -> Sequence[Voice]:
        """None."""
        return []

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Stereo at the model's rate, each of exactly the duration asked. Raises BatchTooLargeError."""
        self.prepare()
        answers = [self._fault(request) for request in requests]
        good = [request for request, fault in zip(requests, answers, strict=True) if fault is None]
        sounds: list[RenderedSound] = []
        if good:
            with memory_errors():
                sounds = self._generate(good)
        rest = iter(sounds)
        return [next(rest) if answer is None else answer for answer in answers]

    def close(self) -> None:
        """Let go of the model."""
        self._pipe = None

    @abstractmethod
    def _generate(self, requests: Sequence[RenderRequest]) -> list[RenderedSound]:
        """The sounds of requests that can be made."""

    @abstractmethod
    def _window_s(self) -> Seconds:
        """The longest sound that the model makes."""

    def _fault(self, request: RenderRequest) -> RenderFailure | None:
        if not 0 < request.duration_s < math.inf:
            return RenderFailure("bad-duration", f"{request.duration_s} s is no duration of a sound")
        if request.duration_s > self._window_s():
            detail = f"{request.duration_s:g} s, while the model makes up to {self._window_s():.2f} s"
            return RenderFailure("too-long", detail)
        return None

    def _model_revision(self) -> str:
        if self._revision is None:
            self._revision = model_revision(self._given.model, self._given.revision)
        return self._revision


def noise(random: Sequence[torch.Generator], shape: tuple[int, int], device: str) -> torch.Tensor:
    """Normal noise, float32, each item's from its own generator; shape (items, *shape)."""
    import torch  # noqa: PLC0415 - an extra

    return torch.stack([torch.randn(shape, generator=one) for one in random]).to(device)


def decode(vae: Any, latents: torch.Tensor, n_samples: int) -> Audio:  # noqa: ANN401 - of any kind
    """The first `n_samples` of one item, float32, (channels, samples).

    One by one: a decoder fills a GPU with seconds of sound, and its memory grows with them.
    """
    audio = vae.decode(latents.unsqueeze(0).to(vae.dtype)).sample[0, :, :n_samples]
    sound: Audio = audio.float().cpu().contiguous().numpy()
    return sound


def _is_folder(model: str) -> bool:
    return Path(model).expanduser().is_dir()


def _load(pipeline: str, settings: DiffusionSettings, revision: str, device: str) -> Any:  # noqa: ANN401
    """The pipeline on the device. Whatever is raised on the way becomes a UserError that says what to do."""
    import diffusers  # noqa: PLC0415 - an extra
    import torch  # noqa: PLC0415 - an extra
    import transformers  # noqa: PLC0415 - an extra

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
    make = getattr(diffusers, pipeline)
    local = _is_folder(settings.model)
    where = str(Path(settings.model).expanduser()) if local else settings.model
    commit = {} if local else {"revision": revision}
    dtypes = {"default": pick_dtype(device, precision(settings.dtype)), "vae": torch.float32}
    try:
        _require_form(make.load_config(where, **commit), pipeline, where)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the libraries' talk among themselves
            pipe = make.from_pretrained(where, dtype=dtypes, **commit)
    except CopilotError:
        raise
    except Exception as error:  # noqa: BLE001 - many libraries read a model, each with errors of its own
        raise UserError(_why_not_loaded(where, pipeline, error, local=local)) from None
    pipe.set_progress_bar_config(disable=True)
    try:
        return pipe.to(device)
    except (RuntimeError, MemoryError) as error:
        told = str(error).partition("\n")[0]
        raise UserError(f"model {where}: does not get onto {device}: {told}; choose another device") from None


def _require_form(config: dict[str, Any], pipeline: str, where: str) -> None:
    form = config.get("_class_name")
    if form != pipeline:
        raise UserError(f"model {where}: is a {form}; give a model saved as a {pipeline}")


def _why_not_loaded(where: str, pipeline: str, error: BaseException, *, local: bool) -> str:
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415 - slow

    cause: BaseException | None = error
    while cause is not None:
        if not local and isinstance(cause, HfHubHTTPError):
            return f"model {where}: {hub_remedy(where, cause)}"
        cause = cause.__cause__ or cause.__context__
    told = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return f"model {where}: cannot be loaded as a {pipeline} ({told}); give one that save_pretrained made"
