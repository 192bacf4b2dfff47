"""CLAP (LAION): the similarity of a sound with captions, and the sound's vector.

Windows of 10 s, one after another, the last one aligned to the end, each embedded by itself; their mean is
the clip's vector. Shorter sounds are repeated. The library's own way with longer sounds, a crop drawn by
chance, is never used: nothing longer than a window reaches it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from copilot.frozen_model import FrozenModel
from listeners.contract import Clip, Embedding, Kind, ListenerInfo, Scores
from listeners.pretrained import Loadable, PretrainedListener
from listeners.windows import cut_windows
from renderers.torch_support import translate_memory_errors

if TYPE_CHECKING:
    import torch

_RATE_HZ = 48_000
_WINDOW = 10 * _RATE_HZ
_MOST_TOKENS = 77
"""Captions are cut there, as in CLAP's training."""


class ClapSettings(FrozenModel):
    """Settings of `clap`."""

    model: str = Field(
        "laion/clap-htsat-fused", description="A folder that save_pretrained made, or a hub's OWNER/NAME."
    )


class ClapListener(PretrainedListener):
    """A scorer of captions, or an embedder of sounds."""

    name = "clap"
    rate_hz = _RATE_HZ
    version = "1"
    form = "clap"
    info = ListenerInfo(
        kinds=("scorer", "embedder"),
        summary="Similarity of sounds and captions, by CLAP",
        extra="clap",
        modules=("torch", "transformers"),
        licence="Apache-2.0 (transformers)",
        model=ClapSettings().model,
        model_licence="Apache-2.0",
        settings=ClapSettings,
        target="model",
        batch_s=120.0,
        deadline_s=1_800.0,
    )

    def __init__(self, settings: ClapSettings | None = None, *, kind: Kind = "scorer") -> None:
        super().__init__((settings or ClapSettings()).model)
        self.kind = kind

    def describe_hearing(self) -> dict[str, str]:
        """Return windows and padding."""
        return {"windows": "10 s, last aligned to the end, repeated if short", "dtype": "float32"}

    def import_classes(self) -> tuple[Loadable, Loadable]:
        """Return `ClapModel` and its processor."""
        from transformers import ClapModel, ClapProcessor  # noqa: PLC0415 - an extra

        return ClapModel, ClapProcessor

    def hear_clip(self, clip: Clip) -> Embedding | Scores:
        """Return the clip's vector, of length 1, or its similarity with each caption.

        Raises BatchTooLargeError.
        """
        with translate_memory_errors():
            vector = self._embed_clip(clip)
        if self.kind == "embedder":
            return Embedding(vector)
        products = (float(vector @ self._get_caption_vector(caption)) for caption in clip.captions)
        return Scores(tuple(min(max(product, -1.0), 1.0) for product in products))

    def _embed_clip(self, clip: Clip) -> NDArray[np.float32]:
        windows = cut_windows(clip.audio, _WINDOW, _WINDOW)
        vectors = [self._embed_window(clip.audio[start : start + _WINDOW]) for start, _ in windows]
        mean: NDArray[np.float64] = np.stack(vectors).mean(axis=0, dtype=np.float64)
        return (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)

    def _embed_window(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch  # noqa: PLC0415 - an extra

        given = self._processor.feature_extractor(
            audio, sampling_rate=_RATE_HZ, padding="repeatpad", return_tensors="pt"
        ).to(self._model.device)
        # The library marks one sound of each batch as longer than it is, for its training.
        is_longer = torch.zeros_like(given["is_longer"])
        with torch.inference_mode():
            return _to_vector(self._model.get_audio_features(given["input_features"], is_longer=is_longer))

    def embed_caption(self, caption: str) -> NDArray[np.float32]:
        """Return the vector of a caption, of length 1."""
        import torch  # noqa: PLC0415 - an extra

        words = self._processor.tokenizer(
            caption, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt"
        ).to(self._model.device)
        with torch.inference_mode():
            return _to_vector(self._model.get_text_features(**words))


def _to_vector(output: Any) -> NDArray[np.float32]:  # noqa: ANN401 - of transformers
    pooled: torch.Tensor = output.pooler_output[0]
    vector: NDArray[np.float32] = pooled.float().cpu().numpy()
    return vector
