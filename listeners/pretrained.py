"""The base of listeners on models of transformers: loaded whole, in 32 bit floats, on one device."""

from __future__ import annotations

import os
from abc import abstractmethod
from functools import lru_cache
from typing import Any, ClassVar, Protocol

from copilot.errors import UserError
from listeners.clip_listener import ClipListener
from renderers.torch_support import DEVICE_VARIABLE, pick_device

_MOST_CAPTIONS = 4_096
"""Captions whose vectors are kept: stems and mixes share theirs."""


class Loadable(Protocol):
    """A class of transformers that loads what `save_pretrained` saved."""

    def from_pretrained(self, where: str, **options: Any) -> Any:  # noqa: ANN401, D102
        ...


class PretrainedListener(ClipListener):
    """A listener with a model and a processor of transformers. `form` is the model's type in its config.json.

    A caption gets its vector by itself, once: neither the other captions nor the batch change it.
    """

    form: ClassVar[str]
    libraries = ("torch", "transformers")

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._processor: Any = None
        self._get_caption_vector = lru_cache(_MOST_CAPTIONS)(self.embed_caption)

    @abstractmethod
    def import_classes(self) -> tuple[Loadable, Loadable]:
        """Return the classes of model and processor."""

    @abstractmethod
    def embed_caption(self, caption: str) -> Any:  # noqa: ANN401
        """Return the vector of a caption, shape (dimensions,)."""

    def load(self) -> Any:  # noqa: ANN401
        """Return the model, and keep its processor.

        Raises UserError if the model is of another form, or if weights are missing: transformers would fill
        them with random figures.
        """
        from transformers import PreTrainedConfig  # noqa: PLC0415 - an extra
        from transformers.utils import logging  # noqa: PLC0415

        logging.disable_progress_bar()
        folder = self.find_folder()
        where, commit = (folder, None) if folder else (self._model_name, self.get_revision())
        found = PreTrainedConfig.get_config_dict(where, revision=commit)[0].get("model_type")
        if found != self.form:
            raise UserError(
                f"model {where} is a {found or 'model without a config.json'}; give a {self.form}",
                field=self.kind,
            )
        model_class, processor_class = self.import_classes()
        self._processor = processor_class.from_pretrained(where, revision=commit)
        model, loading = model_class.from_pretrained(
            where, revision=commit, dtype="float32", output_loading_info=True
        )
        if missing := loading["missing_keys"]:
            raise UserError(
                f"model {where}: {len(missing)} weights are missing ({min(missing)}); "
                "copy or download it again",
                field=self.kind,
            )
        return model.eval().to(pick_device(os.environ.get(DEVICE_VARIABLE)))

    def close(self) -> None:
        """Release the model."""
        super().close()
        self._processor = None
        self._get_caption_vector.cache_clear()
