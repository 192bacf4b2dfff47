"""A real vLLM server on the CPU."""

from __future__ import annotations

from pathlib import Path

from helpers.server_process import ServerProcess

MODEL = "tiny"
CONTEXT = 8192

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    # Else it takes the first processor for itself, and so does every other server on the machine.
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
}
OPTIONS = (
    f"--served-model-name={MODEL}",
    f"--max-model-len={CONTEXT}",
    # A prompt that is read in parts, in a request with a seed, ends the CPU engine.
    "--no-enable-chunked-prefill",
    f"--max-num-batched-tokens={CONTEXT}",
    "--max-num-seqs=32",
    "--enforce-eager",
    "--enable-prompt-tokens-details",
    # Where the engine may choose, it drops without a word what its choice does not know.
    '--structured-outputs-config={"backend": "xgrammar", "disable_any_whitespace": true}',
)


class VllmServer(ServerProcess):
    """A server of a tiny model; `model` is the name it serves."""

    model = MODEL
    context = CONTEXT

    def __init__(self, python: Path, model_folder: Path, log: Path) -> None:
        command = (str(python), "-m", "vllm.entrypoints.openai.api_server", f"--model={model_folder}")
        cache = {"VLLM_CACHE_ROOT": str(log.parent / "vllm-cache")}
        super().__init__("vLLM", (*command, *OPTIONS), log, ENVIRONMENT | cache)
