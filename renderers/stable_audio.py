"""Sound effects by Stable Audio Open, through diffusers' StableAudioPipeline.

The pipeline takes one duration for a batch, decodes its whole window, and draws the noise of its steps from
a Brownian tree. Here every item has a duration and a noise of its own, so that its sound does not depend
on its batch, and no more is decoded than is heard. Noise is drawn on the CPU: a seed is the same take on
every device. Latents stay in float32 between the steps, and so does the decoder, whatever the precision of
the transformer: its last layers are the samples themselves.
"""

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
from copilot.scene import Frozen
from copilot.units import Audio, Seconds, seconds_to_samples
from renderers.base import About, RenderedSound, RenderFailure, RenderRequest, Tool, Voice
from renderers.torch_support import (
    DEVICE_VARIABLE,
    DType,
    generators,
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

WINDOW_S: Seconds = 1024 * 2048 / 44_100
"""What Stable Audio Open denoises, whatever the duration: 47.55 s."""

MODULES = ("torch", "diffusers", "transformers", "accelerate", "torchsde")
LICENCE = "Apache-2.0 (diffusers)"
MODEL_LICENCE = "Stability AI Community License"

_SOUND_VERSION = "1"
"""Goes up whenever the code here or in `stable_audio_3` gives other samples for the same request."""


ABOUT_MODEL = "A hub's OWNER/NAME, or a folder."
ABOUT_REVISION = "A branch, tag or commit of the hub; the newest without it."
ABOUT_DTYPE = "Precision; auto is bfloat16 on a GPU, float32 elsewhere."
ABOUT_GUIDANCE = "How much more closely the caption is followed than by chance; 1 is not at all more."
ABOUT_NEGATIVE_PROMPT = "What guidance leads away from."


class DiffusionSettings(Frozen):
    """What every diffusion pipeline needs to be loaded: a hub's OWNER/NAME or a folder, and a precision."""

    model: str = Field(description=ABOUT_MODEL)
    revision: str | None = Field(None, description=ABOUT_REVISION)
    dtype: DType = Field("auto", description=ABOUT_DTYPE)


class StableAudioSettings(DiffusionSettings):
    """Settings of `stable-audio`. An empty negative prompt guides away from no condition at all."""

    model: str = Field("stabilityai/stable-audio-open-1.0", description=ABOUT_MODEL)
    steps: int = Field(24, ge=1, description="Steps of diffusion: more take longer.")
    guidance: float = Field(7.0, ge=1, description=ABOUT_GUIDANCE)
    negative_prompt: str = Field("Low quality, average quality.", description=ABOUT_NEGATIVE_PROMPT)


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


class StableAudioRenderer(DiffusionRenderer):
    """Renders `sfx` requests with Stable Audio Open, or a model of the same form."""

    name = "stable-audio"
    pipeline = "StableAudioPipeline"
    about = About(
        summary="effects, ambience and music by Stable Audio Open, on a GPU",
        extra="stable-audio",
        modules=MODULES,
        licence=LICENCE,
        model=StableAudioSettings().model,
        model_licence=MODEL_LICENCE,
        settings=StableAudioSettings,
        target="model",
        isolated=True,
        batch_s=16 * WINDOW_S,
        least_s=WINDOW_S,
        deadline_s=900.0,
    )

    def __init__(self, settings: StableAudioSettings | None = None) -> None:
        self._settings = settings or StableAudioSettings()
        super().__init__(self._settings)

    def _window_s(self) -> Seconds:
        vae = self._pipe.vae
        return float(int(self._pipe.transformer.config.sample_size) * vae.hop_length / vae.sampling_rate)

    def _generate(self, requests: Sequence[RenderRequest]) -> list[RenderedSound]:
        import torch  # noqa: PLC0415 - an extra

        vae = self._pipe.vae
        margin = decoder_reach(vae.config.downsampling_ratios)
        sounds = []
        with torch.inference_mode():
            for request, latents in zip(requests, self._denoise(requests), strict=True):
                n_samples = seconds_to_samples(request.duration_s, vae.sampling_rate)
                n_latents = math.ceil(n_samples / vae.hop_length) + margin
                audio = decode(vae, latents[:, :n_latents], n_samples)
                sounds.append(RenderedSound(audio, vae.sampling_rate))
        return sounds

    def _denoise(self, requests: Sequence[RenderRequest]) -> torch.Tensor:
        """Latents of the whole window, float32, shape (requests, channels, frames)."""
        import torch  # noqa: PLC0415 - an extra
        from diffusers.models.embeddings import get_1d_rotary_pos_embed  # noqa: PLC0415

        pipe, transformer, scheduler = self._pipe, self._pipe.transformer, self._pipe.scheduler
        guidance = self._settings.guidance
        text, whole = self._conditions(requests)
        random = generators([request.seed for request in requests])
        shape = (int(transformer.config.in_channels), int(transformer.config.sample_size))
        extra = pipe.prepare_extra_step_kwargs(random, 0.0)
        scheduler.set_timesteps(self._settings.steps, device=pipe.device)
        # The increments of a Brownian motion over intervals that do not overlap are independent noise, which
        # costs far less drawn as such, and is each item's own.
        scheduler.noise_sampler = lambda *_: noise(random, shape, pipe.device)
        latents = noise(random, shape, pipe.device) * scheduler.init_noise_sigma
        rotary = get_1d_rotary_pos_embed(
            pipe.rotary_embed_dim, shape[1] + whole.shape[1], use_real=True, repeat_interleave_real=False
        )
        for time in scheduler.timesteps:
            given = scheduler.scale_model_input(torch.cat([latents] * 2) if guidance > 1 else latents, time)
            told = transformer(
                given.to(transformer.dtype),
                time.unsqueeze(0),
                encoder_hidden_states=text,
                global_hidden_states=whole,
                rotary_embedding=rotary,
                return_dict=False,
            )[0].float()
            if guidance > 1:
                without, asked = told.chunk(2)
                told = without + guidance * (asked - without)
            latents = scheduler.step(told, time, latents, **extra).prev_sample
        return latents

    def _conditions(self, requests: Sequence[RenderRequest]) -> tuple[torch.Tensor, torch.Tensor]:
        """What the transformer hears: text with durations, and durations alone; with guidance, twice."""
        import torch  # noqa: PLC0415 - an extra

        pipe, guided = self._pipe, self._settings.guidance > 1
        negative = self._settings.negative_prompt if guided else ""
        texts = [request.text for request in requests]
        unwanted = [negative] * len(texts) if negative else None
        words = pipe.encode_prompt(texts, pipe.device, guided, unwanted)
        ends_s = [request.duration_s for request in requests]
        starts, ends = pipe.encode_duration(0.0, ends_s, pipe.device, bool(negative), len(texts))
        text = torch.cat([words, starts, ends], dim=1)
        whole = torch.cat([starts, ends], dim=2)
        if guided and not negative:
            return torch.cat([torch.zeros_like(text), text]), torch.cat([whole, whole])
        return text, whole


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


def decoder_reach(downsampling_ratios: Sequence[int]) -> int:
    """How many latents to either side an Oobleck decoder's sample depends on: 10 for Stable Audio Open.

    A convolution of 7 (3 to each side), then for each stride an upsampling (1), and three residual units of
    kernel 7 with dilations 1, 3, 9 (39) at the new rate; at last a convolution of 7 again.
    """
    reach, rate = 3.0, 1
    for stride in reversed(downsampling_ratios):
        reach += 1 / rate
        rate *= stride
        reach += 3 * (1 + 3 + 9) / rate
    return math.ceil(reach + 3 / rate)


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
