"""Clauses of English: where one begins, where it may end, and whether a person could say it."""

from __future__ import annotations
