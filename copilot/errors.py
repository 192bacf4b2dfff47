"""The project's own errors. Each message says what is wrong, where, and what to do.

Third-party exceptions are turned into these where they arise. An error about one row is a `RowFault`,
which rejects that row and nothing else; all others end the run.
"""

from __future__ import annotations

import traceback


class CopilotError(Exception):
    """Base of every error that this project raises on purpose. Ends a command with `exit_code`."""

    exit_code = 1


class UserError(CopilotError):
    """Something that the user gave is wrong: a path, a setting, a file's content.

    `field` names the setting that is wrong, as Python spells it (`sfx`, `n_turns`); the message then begins
    with it. Messages put names of settings between backticks; the command line shows its options instead.
    """

    exit_code = 2

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(f"`{field}`: {message}" if field else message)
        self.field = field


def describe_install(extra: str) -> str:
    """Return the command that installs an extra: the package is installed from a clone."""
    return f"pip install -e '.[{extra}]' (in the clone of the repository)"


class MissingExtraError(UserError):
    """An optional dependency is not installed; `extra` brings it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what}: needs the extra '{extra}'; install it with: {describe_install(extra)}")
        self.what = what
        self.extra = extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        return (type(self), (self.what, self.extra))


class RunInUseError(UserError):
    """Another live process works on the same run."""


class ConfigMismatchError(UserError):
    """A run folder belongs to another configuration; `differences` has each value that differs, as a line."""

    differences: tuple[str, ...] = ()


class StorageError(CopilotError):
    """A file cannot be read or written."""


class StorageFullError(StorageError):
    """The disk is full. Committed samples are kept; the same command resumes the run."""


class BackendBrokenError(CopilotError):
    """A backend gives no usable result in this process any more; in another process it may."""


class StalledError(CopilotError):
    """The run has made no progress for too long."""


class MonitorLostError(CopilotError):
    """The process that monitors a run has died."""


class TooManyRejectsError(CopilotError):
    """A larger share of the seeds was rejected than the user allows."""


class CorruptDataError(CopilotError):
    """Stored bytes are not what was written."""


class ContractError(CopilotError):
    """A backend breaks a promise of its contract; `promise` names it."""

    def __init__(self, promise: str, detail: str) -> None:
        super().__init__(f"{promise}: {detail}")
        self.promise = promise
        self.detail = detail

    def __reduce__(self) -> tuple[type[ContractError], tuple[str, str]]:
        return (type(self), (self.promise, self.detail))


class RejectedError(CopilotError):
    """A sample that was made on its own is rejected: by a stage, for a reason (kebab-case), with a detail."""

    def __init__(self, stage: str, reason: str, detail: str) -> None:
        super().__init__(f"{stage}: {reason}: {detail}")
        self.stage = stage
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[RejectedError], tuple[str, str, str]]:
        return (type(self), (self.stage, self.reason, self.detail))


class RowFault(CopilotError):  # noqa: N818 - a fault of one row is not an error of the program
    """One row cannot be made: it is rejected with a reason (kebab-case) and a detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[RowFault], tuple[str, str]]:
        return (type(self), (self.reason, self.detail))


def format_traceback(error: BaseException) -> str:
    """Return an unexpected error with its traceback, as text for a reject's detail."""
    return "".join(traceback.format_exception(error))
