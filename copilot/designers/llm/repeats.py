"""Drops the sounds of a story that repeat another of its sounds word by word.

Models that fill a list up repeat what they have said. A story that keeps enough sounds is better mended than
asked for again, when much the same would come.
"""

from __future__ import annotations

from typing import TypeVar

from copilot.designers.llm.replies import StoryReply
from copilot.frozen_model import FrozenModel
from copilot.rules.copies import Words, read_words

M = TypeVar("M", bound=FrozenModel)

_FEWEST_LEFT = 2
"""Sounds beside the ambience. With fewer, the repeats stay, and are a fault."""


def drop_repeats(reply: M) -> M:
    """Return a story without the sounds whose captions an earlier sound, or the ambience, has already.

    Any other reply is returned as it is.
    """
    if not isinstance(reply, StoryReply):
        return reply
    seen: set[Words] = {read_words(reply.ambience.text)}
    kept = []
    for sound in reply.sounds:
        words = read_words(sound.text)
        if sound.role == "speech" or words not in seen:
            kept.append(sound)
            seen.add(words)
    return reply.model_copy(update={"sounds": tuple(kept)}) if len(kept) >= _FEWEST_LEFT else reply
