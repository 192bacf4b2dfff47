"""PE-A-Frame (Meta): the probability that a caption is heard, every 40 ms.

A clip is heard whole, with its last frame filled by reflection. A clip and a caption each have vectors of
their own, which meet only in a product: neither the other captions nor the batch change a figure.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from copilot.frozen_model import FrozenModel
from listeners.contract import Clip, Detection, Kind, ListenerInfo
from listeners.pretrained import Loadable, PretrainedListener
from renderers.torch_support import translate_memory_errors

if TYPE_CHECKING:
    import torch

_RATE_HZ = 48_000
_FRAME = 1_920


class PeAFrameSettings(FrozenModel):
    """Settings of `pe-a-frame`."""

    model: str = Field(
        "facebook/pe-a-frame-base", description="A folder that save_pretrained made, or a hub's OWNER/NAME."
    )


class PeAFrameListener(PretrainedListener):
    """A detector of sounds that captions describe."""

    name = "pe-a-frame"
    kind: Kind = "detector"
    rate_hz = _RATE_HZ
    version = "1"
    form = "pe_audio"
    info = ListenerInfo(
        kinds=("detector",),
        summary="When a caption is heard, every 40 ms, by PE-A-Frame",
        extra="pe-a-frame",
        modules=("torch", "transformers"),
        licence="Apache-2.0 (transformers)",
        model=PeAFrameSettings().model,
        model_licence="Apache-2.0",
        settings=PeAFrameSettings,
        target="model",
        batch_s=120.0,
        deadline_s=1_800.0,
    )

    def __init__(self, settings: PeAFrameSettings | None = None) -> None:
        super().__init__((settings or PeAFrameSettings()).model)

    def describe_hearing(self) -> dict[str, str]:
        """Return the form of the input."""
        return {"windows": "whole clip, last frame reflected", "dtype": "float32"}

    def import_classes(self) -> tuple[Loadable, Loadable]:
        """Return `PeAudioFrameLevelModel` and its processor."""
        from transformers import PeAudioFrameLevelModel, PeAudioProcessor  # noqa: PLC0415 - an extra

        return PeAudioFrameLevelModel, PeAudioProcessor

    def hear_clip(self, clip: Clip) -> Detection:
        """Return the probability of each caption in each frame. Raises BatchTooLargeError."""
        with translate_memory_errors():
            frames = self._detect(clip)
        return Detection(frames, _FRAME / _RATE_HZ)

    def _detect(self, clip: Clip) -> NDArray[np.float32]:
        import torch  # noqa: PLC0415 - an extra

        n_frames = math.ceil(clip.audio.size / _FRAME)
        if not clip.captions:
            return np.zeros((0, n_frames), np.float32)
        with torch.inference_mode():
            sound = self._processor.feature_extractor(
                [clip.audio], sampling_rate=_RATE_HZ, padding=True, return_tensors="pt"
            ).to(self._model.device)
            audio = self._model.get_audio_embeds(sound["input_values"], sound["padding_mask"])[0]
            products = [audio @ self._get_caption_vector(caption) for caption in clip.captions]
            logits = torch.stack(products) * self._model.text_audio_logit_scale
            probabilities = torch.sigmoid(logits + self._model.text_audio_logit_bias)
        found: NDArray[np.float32] = probabilities.float().cpu().numpy()[:, :n_frames]
        return found

    def embed_caption(self, caption: str) -> torch.Tensor:
        """Return a caption's vector, shape (dimensions,)."""
        words = self._processor.tokenizer(caption, truncation=True, return_tensors="pt")
        states = self._model.text_model(
            **words.to(self._model.device), output_hidden_states=True
        ).hidden_states
        vector: torch.Tensor = self._model.text_audio_head(states[-1][:, 0])[0]
        return vector
