"""The options of the command line in place of the settings that an error's message names."""

from __future__ import annotations

import re
from collections.abc import Mapping

OPTIONS: Mapping[str, str] = {
    "seeds": "--seeds",
    "num": "--num",
    "out": "--out",
    "run_seed": "--random-seed",
    "n_turns": "--turns",
    "designer": "--designer",
    "designer_settings": "--designer-set",
    "task_mix": "--task-mix",
    "task_weights": "--task-mix",
    "llm": "--llm-model",
    "service": "--llm-url",
    "sfx": "--sfx",
    "sfx_settings": "--sfx-set",
    "tts": "--tts",
    "tts_settings": "--tts-set",
    "voices": "--voices",
    "variants": "--variants",
    "keep": "--keep",
    "limits": "--limits",
    "executor": "--executor",
    "n_workers": "--workers",
    "store": "--stem-store",
    "at_once": "--at-once",
    "ray.address": "--ray-address",
    "ray.stall_timeout_s": "--stall-timeout",
    "service.patience_s": "--llm-patience",
    "service.timeout_s": "--llm-timeout",
    "figures": "--figures",
    "calibrate": "--calibrate",
    "save_figures": "--save-figures",
    "device": "--device",
    "reject_limit": "--max-reject-share",
    "where": "--where",
    "force": "--force",
}
"""The option of each setting. A setting that has none is shown as it is."""

_SETTING = re.compile(r"`([\w.]+)`")


def with_options(message: str) -> str:
    """Return the message with options in place of the settings that stand between backticks."""
    return _SETTING.sub(lambda found: OPTIONS.get(found[1], found[0]), message)
