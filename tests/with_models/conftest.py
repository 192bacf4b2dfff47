"""One real server with a small real model, for all the tests of this folder. See `make test-models`."""

from __future__ import annotations

import pytest
from helpers.llama_cpp import LlamaServer, UnavailableError, find_model, find_server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server; the tests skip, and say why, where it or the model cannot be had."""
    try:
        program, weights = find_server(), find_model()
    except UnavailableError as error:
        pytest.skip(str(error))
    with LlamaServer(program, weights, tmp_path_factory.mktemp("llama") / "server.log") as server:
        yield server
