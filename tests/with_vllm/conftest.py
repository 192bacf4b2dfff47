"""One real vLLM server with a tiny random model, for all the tests of this folder. See `make test-vllm`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import httpx2
import openai
import pytest
from helpers.paths import TESTS
from helpers.vllm_server import VllmServer

PYTHON_VARIABLE = "COPILOT_VLLM_PYTHON"


@pytest.fixture(scope="session")
def vllm_python():
    """The interpreter of the environment that has vLLM."""
    value = os.environ.get(PYTHON_VARIABLE, "")
    if not Path(value).is_file():
        pytest.fail(
            f"{PYTHON_VARIABLE}: '{value}' is no file; run these tests with: make test-vllm", pytrace=False
        )
    return Path(value).absolute()


@pytest.fixture(scope="session")
def model_folder(vllm_python, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    script = TESTS / "helpers" / "tiny_llm.py"
    subprocess.run([vllm_python, script, folder], check=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})
    return folder


@pytest.fixture(scope="session")
def vllm_server(vllm_python, model_folder, tmp_path_factory):
    """A test that ends it starts it again."""
    with VllmServer(vllm_python, model_folder, tmp_path_factory.mktemp("vllm") / "server.log") as server:
        yield server


@pytest.fixture(scope="session")
def client(vllm_server):
    # The server drops a connection that was idle for some seconds, maybe while a request is on its way.
    http_client = openai.DefaultHttpxClient(limits=httpx2.Limits(max_keepalive_connections=0))
    with openai.OpenAI(
        base_url=vllm_server.url, api_key="none", max_retries=0, timeout=120, http_client=http_client
    ) as client:
        yield client
