"""The command line as tests call it."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from pipelines import cli


@pytest.fixture
def copilot(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """`copilot ARGUMENTS` in this process: its exit code, standard output and standard error."""
    monkeypatch.delenv("COPILOT_LLM_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["copilot", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return call
