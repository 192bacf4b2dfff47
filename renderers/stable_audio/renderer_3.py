"""Sound effects by Stable Audio 3, through diffusers' StableAudio3Pipeline.

The model makes a sound of the duration that it is given, and its cost grows with that. Its transformer has no
padding: items of a batch have to be equally long. So a sound is made for its duration rounded up to a grid,
and cut to the requested duration. Items of the same slot are made together, and none depends on the others.
Samples are not clipped to full scale, as the pipeline would do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

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

_MEMORY_S: Seconds = 64 * 4096 / 44_100
"""Cost of the transformer's memory tokens, which every item has, in seconds of sound: 5.94."""


class StableAudio3Settings(DiffusionSettings):
    """Settings of `stable-audio-3`. Guidance and negative prompt are for a model that is not distilled."""

    model: str = Field("stabilityai/stable-audio-3-medium", description=ABOUT_MODEL)
    steps: int | None = Field(
        None, ge=1, description="Steps of diffusion; default: 8, or 100 for a model that is not distilled."
    )
    guidance: float = Field(1.0, ge=1, description=ABOUT_GUIDANCE)
    negative_prompt: str = Field("", description=ABOUT_NEGATIVE_PROMPT)
    grid_s: Seconds = Field(
        1.0, ge=0.1, description="Durations are rounded up to a multiple of this many seconds, then cut."
    )


class StableAudio3Renderer(DiffusionRenderer):
    """A renderer of sounds by Stable Audio 3, in diffusers' form."""

    name = "stable-audio-3"
    pipeline = "StableAudio3Pipeline"
    info = RendererInfo(
        summary="effects, ambience and music by Stable Audio 3, on a GPU",
        extra="stable-audio",
        modules=MODULES,
        licence=LICENCE,
        model=StableAudio3Settings().model,
        model_licence=MODEL_LICENCE,
        settings=StableAudio3Settings,
        target="model",
        isolated=True,
        batch_s=600.0,
        least_s=_MEMORY_S,
        deadline_s=600.0,
    )

    def __init__(self, settings: StableAudio3Settings | None = None) -> None:
        self._settings = settings or StableAudio3Settings()
        super().__init__(self._settings)

    def _get_window_s(self) -> Seconds:
        return float(self._pipe.duration_embedder.config.max_val)

    def _find_slot_s(self, request: RenderRequest) -> Seconds:
        """Return the duration that is made, which depends only on the requested one."""
        grid_s = self._settings.grid_s
        return min(math.ceil(round(request.duration_s / grid_s, 6)) * grid_s, self._get_window_s())

    def _generate(self, requests: Sequence[RenderRequest]) -> list[RenderedSound]:
        slots: dict[Seconds, list[int]] = {}
        for index, request in enumerate(requests):
            slots.setdefault(self._find_slot_s(request), []).append(index)
        sounds: dict[int, RenderedSound] = {}
        for slot_s, indices in slots.items():
            made = self._generate_slot([requests[index] for index in indices], slot_s)
            sounds.update(zip(indices, made, strict=True))
        return [sounds[index] for index in range(len(requests))]

    def _generate_slot(self, requests: Sequence[RenderRequest], slot_s: Seconds) -> list[RenderedSound]:
        import torch  # noqa: PLC0415 - an extra

        pipe, vae, settings = self._pipe, self._pipe.vae, self._settings
        rate_hz = int(vae.config.sampling_rate)
        random = make_generators([request.random_seed for request in requests])
        shape = (int(vae.config.latent_dim), math.ceil(slot_s * rate_hz / vae.downsampling_ratio))
        latents = pipe(
            [request.text for request in requests],
            duration=slot_s,
            num_inference_steps=settings.steps,
            guidance_scale=settings.guidance,
            negative_prompt=settings.negative_prompt,
            generator=random,
            latents=draw_noise(random, shape, pipe.device),
            output_type="latent",
        ).audios
        sounds = []
        with torch.inference_mode():
            for request, one in zip(requests, latents, strict=True):
                audio = decode(vae, one, seconds_to_samples(request.duration_s, rate_hz))
                sounds.append(RenderedSound(audio, rate_hz, detail={"generated_s": f"{slot_s:g}"}))
        return sounds
