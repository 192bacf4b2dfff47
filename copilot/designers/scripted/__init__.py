"""The scripted designer: dialogues from the words of a seed, without a language model."""

from __future__ import annotations

from copilot.designers.scripted.designer import ScriptedDesigner

__all__ = ["ScriptedDesigner"]
