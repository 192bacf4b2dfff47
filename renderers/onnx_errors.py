"""The errors with which onnxruntime refuses a file of weights, as an error with cause and remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from copilot.errors import CopilotError


@contextmanager
def blame_weights(what: str, remedy: str) -> Iterator[None]:
    """Raise CopilotError if onnxruntime cannot load weights: WHAT cannot be loaded: why; REMEDY."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state  # noqa: PLC0415 - an extra

    try:
        yield
    except (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoSuchFile,
        state.NotImplemented,
        state.RuntimeException,
    ) as error:
        raise CopilotError(f"{what} cannot be loaded: {' '.join(str(error).split())}; {remedy}") from error
