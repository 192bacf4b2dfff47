"""The designer of given dialogues: what a user wrote as JSON, in place of a dialogue from a seed."""

from __future__ import annotations

from copilot.designers.given.designer import GivenDesigner

__all__ = ["GivenDesigner"]
