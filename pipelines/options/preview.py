"""The options of a look at dialogues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.options.dialogue import DialogueOptions
from pipelines.options.sound import SfxOptions


@dataclass(frozen=True, kw_only=True)
class PreviewOptions(SfxOptions, DialogueOptions):
    """The options that dialogues follow from, with the renderer whose sounds they may be about."""

    def _config_fields(self) -> dict[str, Any]:
        return super()._config_fields() | self._sfx_fields()
