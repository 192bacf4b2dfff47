"""Emotions of speech, and other names for them in texts and recordings."""

from __future__ import annotations

from typing import Literal

Emotion = Literal[
    "neutral", "happy", "sad", "angry", "excited", "calm", "fearful", "surprised", "tired", "whispered"
]


NEUTRAL = "neutral"


_ALSO_CALLED: dict[str, tuple[str, ...]] = {
    NEUTRAL: ("none", "normal", "plain", "matter-of-fact"),
    "happy": ("joyful", "cheerful", "amused", "warm", "friendly", "playful"),
    "sad": ("sorrowful", "melancholy", "melancholic", "mournful", "disappointed"),
    "angry": ("furious", "annoyed", "irritated", "frustrated", "stern"),
    "excited": ("enthusiastic", "eager", "thrilled", "urgent"),
    "calm": ("gentle", "serene", "peaceful", "relaxed", "soothing", "thoughtful"),
    "fearful": ("afraid", "scared", "frightened", "terrified", "anxious", "nervous", "worried"),
    "whispered": ("whisper", "whispering", "hushed", "secretive"),
    "surprised": ("astonished", "amazed", "shocked", "curious"),
    "tired": ("weary", "exhausted", "sleepy", "bored"),
}


_EMOTION_NAMES = {alias: name for name, aliases in _ALSO_CALLED.items() for alias in (name, *aliases)}


def find_emotion(name: str | None) -> str | None:
    """Return the emotion of a name, in any case; neutral for no name, None for an unknown one."""
    return _EMOTION_NAMES.get((name or NEUTRAL).strip().lower())
