"""The options of the command line in place of the settings that an error's message names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

_OTHERS: Mapping[str, str] = {
    "llm": "--llm-model",
    "task_weights": "--task-mix",
    "llm.speech_share": "--speech-share",
    "service": "--llm-url",
    "urls": "--llm-url",
    "judge_urls": "--judge-url",
    "n_workers": "--workers",
    "store": "--stems",
    "reject_limit": "--max-reject-share",
    "ray.address": "--ray-address",
    "ray.stall_timeout_s": "--stall-timeout",
    "service.concurrency": "--llm-concurrency",
    "service.patience_s": "--llm-patience",
    "service.timeout_s": "--llm-timeout",
    "tier": "--tier",
    "where": "--where",
    "older_than": "--older-than",
    "max_size": "--max-size",
    "dry_run": "--dry-run",
    "task": "--task",
    "force": "--force",
    "sample": "--sample",
    "requests": "--request",
    "continues": "--request",
    "operations": "--operations",
    "recogniser": "--asr",
    "recogniser_settings": "--asr-set",
    "asr": "--asr",
    "asr_set": "--asr-set",
    **{
        name: f"--{kind}{suffix}"
        for kind in ("detector", "rater", "scorer", "embedder")
        for name, suffix in ((kind, ""), (f"{kind}_settings", "-set"), (f"{kind}_set", "-set"))
    },
    "worker_cpus": "--worker-cpus",
    "worker_gpus": "--worker-gpus",
    "place": "RUN",
    "source": "RUN",
    "run": "RUN",
}
"""Options of settings with other names, and of commands that take no options class, and their arguments."""

_SETTING = re.compile(r"`([\w.]+)`")


@cache
def option_names() -> Mapping[str, str]:
    """Return the option of each setting that has one."""
    from copilot.designers.llm.settings import LlmSettings
    from pipelines.config_file import known_options
    from pipelines.options.dialogue import OPTION_NAMES

    own = {name: f"--{name.replace('_', '-')}" for name in known_options()}
    llm = {
        f"llm.{name}": own[option]
        for name in LlmSettings.model_fields
        for option in (name, f"llm_{name}")
        if option in own
    }
    return {**own, **llm, **{field: own[name] for field, name in OPTION_NAMES.items()}, **_OTHERS}


def with_options(message: str) -> str:
    """Return the message with options in place of the settings that stand between backticks."""
    names = option_names()
    return _SETTING.sub(lambda found: names.get(found[1], found[0]), message)
