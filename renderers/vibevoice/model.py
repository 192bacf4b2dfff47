"""VibeVoice for a batch of utterances, each with its own noise.

transformers' `generate` draws its noise from torch's global generator, for the whole batch at once, and has
one limit of length for all. Here every item has its own generator, limit and end, so that its sound does not
depend on its batch, except for the rounding of the arithmetic.

Imports torch: import this module only if it is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import StoppingCriteria, StoppingCriteriaList, VibeVoiceForConditionalGeneration

from copilot.hashing import derive_random_seed
from renderers.torch_support import make_generators


@dataclass(frozen=True, slots=True)
class Utterance:
    """One item of a batch. `n_frames` limits its length; the rest is the processor's output for it alone.

    `input_ids` is (1, tokens), `input_values` the reference recording, (1, 1, samples), `padding_mask`
    (1, samples).
    """

    input_ids: torch.Tensor
    input_values: torch.Tensor
    padding_mask: torch.Tensor
    seed: int
    n_frames: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """Speech: `audio` is (1, samples) on the CPU, float32; `ended` is false if the limit cut it off."""

    audio: torch.Tensor
    ended: bool


class SpeakingModel(VibeVoiceForConditionalGeneration):  # type: ignore[misc] # transformers is an extra
    """The model of transformers with another source of noise."""

    _noise: Sequence[torch.Generator] = ()
    _speaking: Sequence[int] = ()
    _guidance = 1.0

    def speak(self, batch: Sequence[Utterance], *, diffusion_steps: int, guidance: float) -> list[Spoken]:
        """Return speech for each item, in order."""
        self._noise = make_generators([derive_random_seed("vibevoice frames", item.seed) for item in batch])
        self._guidance = guidance
        bounds = [item.n_frames for item in batch]
        ends = [self.config.eos_token_id, self.config.audio_eos_token_id]
        with torch.no_grad():
            prompt = self._make_prompts(batch)
            n_prompt = prompt["input_ids"].shape[1]
            made = self.generate(
                **prompt,
                max_new_tokens=max(bounds),
                stopping_criteria=StoppingCriteriaList([_Bounds(n_prompt, bounds, self.device)]),
                # One utterance is one stretch of audio. Without pauses in the middle, an item takes part in
                # every step until its end, and its steps leave the same in the caches as they do alone.
                eos_token_id=ends,
                suppress_tokens=[self.config.audio_bos_token_id],
                # `generate` would guide the choice of tokens too, with a third pass of the language model.
                guidance_scale=1.0,
                num_diffusion_steps=diffusion_steps,
                do_sample=False,
                return_dict_in_generate=True,
            )
        tokens = made.sequences[:, n_prompt:].tolist()
        return [
            Spoken(_to_cpu(audio), ended=any(token in ends for token in spoken[:bound]))
            for audio, spoken, bound in zip(made.audio, tokens, bounds, strict=True)
        ]

    def _make_prompts(self, batch: Sequence[Utterance]) -> dict[str, torch.Tensor]:
        """Return the batch's prompts as `generate` takes them, padded on the left."""
        prompts = [self._make_prompt(item) for item in batch]
        shape = (len(batch), max(len(prompt) for prompt in prompts))
        embeds = torch.zeros((*shape, prompts[0].shape[1]), dtype=prompts[0].dtype, device=self.device)
        ids = torch.full(shape, self.config.pad_token_id, device=self.device)
        mask = torch.zeros(shape, dtype=torch.long, device=self.device)
        for row, (item, prompt) in enumerate(zip(batch, prompts, strict=True)):
            embeds[row, -len(prompt) :] = prompt
            ids[row, -len(prompt) :] = item.input_ids[0].to(self.device)
            mask[row, -len(prompt) :] = 1
        return {"input_ids": ids, "inputs_embeds": embeds, "attention_mask": mask}

    def _make_prompt(self, item: Utterance) -> torch.Tensor:
        """Return the prompt's embeddings, (tokens, width), with the voice at its places."""
        ids = item.input_ids[0].to(self.device)
        embeds = self.get_input_embeddings()(ids)
        # The encoder adds noise to the voice from the global generator, and takes no other.
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(derive_random_seed("vibevoice reference", item.seed))
            voice = self.model.get_audio_features(
                item.input_values.to(self.device, self.dtype), item.padding_mask.to(self.device)
            ).pooler_output
        embeds[ids == self.config.audio_token_id] = voice.to(embeds.dtype)
        return embeds

    def _step_negative_branch(self, diffusion_mask: torch.Tensor, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        # Called just before `_sample_audio_latent`, which does not learn which items its rows are.
        self._speaking = diffusion_mask.nonzero().flatten().tolist()
        return super()._step_negative_branch(diffusion_mask, *args, **kwargs)

    def _sample_audio_latent(
        self,
        positive_condition: torch.Tensor,
        negative_condition: torch.Tensor,
        noise_scheduler: Any,  # noqa: ANN401 - any of diffusers' schedulers
        num_diffusion_steps: int,
        guidance_scale: float,  # noqa: ARG002 - see `speak`
    ) -> torch.Tensor:
        """Return one frame's latents, (speaking items, 1, width), from the items' own noise."""
        width = self.config.audio_config.hidden_size
        condition = torch.cat([positive_condition, negative_condition])
        latents = torch.stack([torch.randn(width, generator=self._noise[row]) for row in self._speaking])
        latents = latents.to(condition)
        noise_scheduler.set_timesteps(num_inference_steps=num_diffusion_steps)
        for timestep in noise_scheduler.timesteps:
            times = timestep.to(condition).expand(len(condition))
            guided, unguided = self.model.diffusion_head(
                torch.cat([latents, latents]), times, condition=condition
            ).chunk(2)
            velocity = unguided + self._guidance * (guided - unguided)
            latents = noise_scheduler.step(velocity, timestep, latents).prev_sample
        return latents[:, None]


class _Bounds(StoppingCriteria):  # type: ignore[misc] # transformers is an extra
    """A criterion that stops each item at its own limit."""

    def __init__(self, n_prompt: int, bounds: Sequence[int], device: torch.device) -> None:
        self._lengths = n_prompt + torch.tensor(bounds, device=device)

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:  # noqa: ANN401, ARG002
        return self._lengths <= input_ids.shape[1]


def _to_cpu(audio: torch.Tensor | None) -> torch.Tensor:
    return torch.zeros(1, 0) if audio is None else audio.float().cpu()
