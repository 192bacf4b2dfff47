import subprocess
import sys
from pathlib import Path

import pytest
import torch

from copilot.errors import UserError
from renderers.contract import BatchTooLargeError
from renderers.model_revision import get_library_versions
from renderers.torch_support import (
    make_generators,
    pick_device,
    pick_dtype,
    resolve_precision,
    translate_memory_errors,
)


def raise_it(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_the_best_device_is_picked(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pick_device(None) == expected
    assert pick_device("") == expected


@pytest.mark.parametrize("asked", ["cuda", "cuda:0", "cuda:1", "cpu"])
def test_a_device_that_exists_is_used_as_requested(monkeypatch, asked):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick_device(asked) == asked


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("cuda:2", "there are 2 of its kind"),
        ("mps", "there is no mps device"),
        ("xpu", "there is no xpu device"),
        ("gpu", "unknown device"),
    ],
)
def test_a_device_that_does_not_exist_is_refused(monkeypatch, asked, message):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UserError, match=message) as caught:
        pick_device(asked)
    assert caught.value.field == "device"


def test_precision_follows_the_device_unless_one_is_requested():
    assert pick_dtype("cuda:1") is torch.bfloat16
    assert pick_dtype("cpu") is torch.float32
    assert pick_dtype("mps") is torch.float32
    assert pick_dtype("cpu", "float16") is torch.float16


def test_each_seed_has_a_generator_of_its_own():
    one, two = make_generators([7, 2**63 - 1])
    (again,) = make_generators([2**63 - 1])
    assert one.initial_seed() == 7
    assert torch.equal(torch.randn(5, generator=two), torch.randn(5, generator=again))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory: you"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_want_of_memory_is_a_batch_too_large(error):
    with pytest.raises(BatchTooLargeError, match="a smaller batch may fit"), translate_memory_errors():
        raise_it(error)


def test_a_real_failure_to_allocate_is_a_batch_too_large():
    with pytest.raises(BatchTooLargeError), translate_memory_errors():
        torch.empty(2**46, dtype=torch.float64)


def test_what_the_failed_batch_held_is_let_go():
    held = []

    class Latents:
        def __del__(self):
            held.clear()

    def work():
        latents = Latents()
        held.append("a batch")
        raise_it(torch.OutOfMemoryError(str(type(latents))))

    with pytest.raises(BatchTooLargeError) as caught, translate_memory_errors():
        work()
    assert held == []
    assert caught.value.__cause__ is None


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match=r"^shapes differ$"), translate_memory_errors():
        raise_it(RuntimeError("shapes differ"))


def test_versions_are_read_without_the_part_that_names_a_build():
    assert get_library_versions("torch", "no-such-library") == {
        "torch": torch.__version__.partition("+")[0],
        "no-such-library": "none",
    }


def make_model(folder: Path, weights: bytes, config: str = "{}") -> Path:
    (folder / "vae").mkdir(parents=True)
    (folder / "model_index.json").write_text(config)
    (folder / "vae" / "weights.safetensors").write_bytes(weights)
    return folder


def test_a_fingerprint_imports_no_library_of_models(tmp_path):
    folder = make_model(tmp_path / "model", b"weights")
    script = (
        "import sys\n"
        "from renderers.stable_audio.renderer import StableAudioRenderer, StableAudioSettings\n"
        "from renderers.stable_audio.renderer_3 import StableAudio3Renderer, StableAudio3Settings\n"
        "StableAudioRenderer(StableAudioSettings(model=sys.argv[1])).fingerprint()\n"
        "StableAudio3Renderer(StableAudio3Settings(model=sys.argv[1])).fingerprint()\n"
        "print(sorted({'torch', 'diffusers', 'transformers', 'huggingface_hub'} & set(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"


def test_precision_follows_the_visible_gpus(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert (resolve_precision("auto"), resolve_precision("float32")) == ("bfloat16", "float32")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert (resolve_precision("auto"), resolve_precision("float16")) == ("float32", "float16")
