"""The loading of models of transformers, for listeners: complete, in 32 bit floats, on one device."""

from __future__ import annotations

import os
from typing import Any, Protocol

from copilot.errors import UserError
from renderers.torch_support import DEVICE_VARIABLE, pick_device


class Loadable(Protocol):
    """A class of transformers that loads what `save_pretrained` saved."""

    def from_pretrained(self, where: str, **options: Any) -> Any:  # noqa: ANN401, D102
        ...


def load_pretrained(
    model_class: Loadable, processor_class: Loadable, where: str, revision: str | None, form: str
) -> tuple[Any, Any]:
    """Return model and processor, given a folder or a hub's OWNER/NAME with its commit.

    Raises UserError if the model is of another form than `form`, or if weights are missing: transformers
    would fill them with random figures.
    """
    from transformers import PreTrainedConfig  # noqa: PLC0415 - an extra
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()
    found = PreTrainedConfig.get_config_dict(where, revision=revision)[0].get("model_type")
    if found != form:
        raise UserError(f"model {where} is a {found or 'model without a config.json'}; give one of {form}")
    processor = processor_class.from_pretrained(where, revision=revision)
    model, loading = model_class.from_pretrained(
        where, revision=revision, dtype="float32", output_loading_info=True
    )
    if missing := loading["missing_keys"]:
        raise UserError(
            f"model {where}: {len(missing)} weights are missing ({min(missing)}); copy or download it again"
        )
    return model.eval().to(pick_device(os.environ.get(DEVICE_VARIABLE))), processor
