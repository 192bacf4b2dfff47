"""Sound effects by Stable Audio Open, through diffusers' StableAudioPipeline.

The pipeline takes one duration for a batch, decodes its whole window, and draws the noise of its steps from a
Brownian tree. Here every item has its own duration and noise, so that its sound does not depend on its batch,
and only the samples that are used are decoded. Noise is drawn on the CPU: a seed gives the same sound on
every device. Latents stay in float32 between the steps, and so does the decoder, whatever the precision of
the transformer: its last layers are the samples themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from copilot.units import Seconds, seconds_to_samples
from renderers.contract import RenderedSound, RendererInfo, RenderRequest
from renderers.stable_audio.diffusion import (
    ABOUT_GUIDANCE,
    ABOUT_MODEL,
    ABOUT_NEGATIVE_PROMPT,
    LICENCE,
    MODEL_LICENCE,
    MODULES,
    DiffusionRenderer,
    DiffusionSettings,
    decode,
    draw_noise,
)
from renderers.torch_support import make_generators

if TYPE_CHECKING:
    import torch

WINDOW_S: Seconds = 1024 * 2048 / 44_100
"""The window that Stable Audio Open denoises, whatever the duration: 47.55 s."""


class StableAudioSettings(DiffusionSettings):
    """Settings of `stable-audio`. With an empty negative prompt, guidance leads away from no condition."""

    model: str = Field("stabilityai/stable-audio-open-1.0", description=ABOUT_MODEL)
    steps: int = Field(24, ge=1, description="Steps of diffusion: more take longer.")
    guidance: float = Field(7.0, ge=1, description=ABOUT_GUIDANCE)
    negative_prompt: str = Field("Low quality, average quality.", description=ABOUT_NEGATIVE_PROMPT)


class StableAudioRenderer(DiffusionRenderer):
    """A renderer of sounds by Stable Audio Open, or a model of the same form."""

    name = "stable-audio"
    pipeline = "StableAudioPipeline"
    info = RendererInfo(
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

    def _get_window_s(self) -> Seconds:
        vae = self._pipe.vae
        return float(int(self._pipe.transformer.config.sample_size) * vae.hop_length / vae.sampling_rate)

    def _generate(self, requests: Sequence[RenderRequest]) -> list[RenderedSound]:
        import torch  # noqa: PLC0415 - an extra

        vae = self._pipe.vae
        margin = compute_decoder_reach(vae.config.downsampling_ratios)
        sounds = []
        with torch.inference_mode():
            for request, latents in zip(requests, self._denoise(requests), strict=True):
                n_samples = seconds_to_samples(request.duration_s, vae.sampling_rate)
                n_latents = math.ceil(n_samples / vae.hop_length) + margin
                audio = decode(vae, latents[:, :n_latents], n_samples)
                sounds.append(RenderedSound(audio, vae.sampling_rate))
        return sounds

    def _denoise(self, requests: Sequence[RenderRequest]) -> torch.Tensor:
        """Return latents of the whole window, float32, shape (requests, channels, frames)."""
        import torch  # noqa: PLC0415 - an extra
        from diffusers.models.embeddings import get_1d_rotary_pos_embed  # noqa: PLC0415

        pipe, transformer, scheduler = self._pipe, self._pipe.transformer, self._pipe.scheduler
        guidance = self._settings.guidance
        text, whole = self._encode_conditions(requests)
        random = make_generators([request.random_seed for request in requests])
        shape = (int(transformer.config.in_channels), int(transformer.config.sample_size))
        extra = pipe.prepare_extra_step_kwargs(random, 0.0)
        scheduler.set_timesteps(self._settings.steps, device=pipe.device)
        # The increments of a Brownian motion over intervals that do not overlap are independent noise. Drawn
        # as such it costs far less, and each item has its own.
        scheduler.noise_sampler = lambda *_: draw_noise(random, shape, pipe.device)
        latents = draw_noise(random, shape, pipe.device) * scheduler.init_noise_sigma
        rotary = get_1d_rotary_pos_embed(
            pipe.rotary_embed_dim, shape[1] + whole.shape[1], use_real=True, repeat_interleave_real=False
        )
        for time in scheduler.timesteps:
            given = scheduler.scale_model_input(torch.cat([latents] * 2) if guidance > 1 else latents, time)
            predicted = transformer(
                given.to(transformer.dtype),
                time.unsqueeze(0),
                encoder_hidden_states=text,
                global_hidden_states=whole,
                rotary_embedding=rotary,
                return_dict=False,
            )[0].float()
            if guidance > 1:
                without, conditioned = predicted.chunk(2)
                predicted = without + guidance * (conditioned - without)
            latents = scheduler.step(predicted, time, latents, **extra).prev_sample
        return latents

    def _encode_conditions(self, requests: Sequence[RenderRequest]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the conditions: text with durations, and durations alone; twice with guidance."""
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


def compute_decoder_reach(downsampling_ratios: Sequence[int]) -> int:
    """Return how many latents to either side a sample of an Oobleck decoder depends on.

    It is 10 for Stable Audio Open.

    A convolution of 7 (3 to each side), then for each stride an upsampling (1), and three residual units of
    kernel 7 with dilations 1, 3, 9 (39) at the new rate; finally another convolution of 7.
    """
    reach, rate = 3.0, 1
    for stride in reversed(downsampling_ratios):
        reach += 1 / rate
        rate *= stride
        reach += 3 * (1 + 3 + 9) / rate
    return math.ceil(reach + 3 / rate)
