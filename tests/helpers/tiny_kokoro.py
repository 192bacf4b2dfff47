"""Weights of Kokoro's form, tiny and random, made on the spot.

Each phoneme is a tone of 100 ms whose pitch is its own and whose level is the voice's; `speed` shortens the
whole.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

VOICES = ("af_heart", "af_sky", "am_adam", "bf_emma", "bm_george", "ef_dora", "em_alex", "jf_alpha", "mixed")
STEP_N = 2400


def write_kokoro(folder: Path, *, noise: bool = False, voices: tuple[str, ...] = VOICES) -> Path:
    """Write a folder with a model and its voices; with `noise`, the model draws random numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    styles = {
        name: np.full((510, 1, 256), 0.2 + 0.05 * number, np.float32) for number, name in enumerate(voices)
    }
    with (folder / "voices.bin").open("wb") as file:
        np.savez(file, **styles)
    onnx.save(make_model(rng, noise=noise), folder / "model.onnx")
    return folder


def make_model(rng: np.random.Generator, *, noise: bool) -> onnx.ModelProto:
    """Return a graph with Kokoro's inputs and output."""
    hz = rng.uniform(150, 400, (178, 1))
    tones = np.sin(2 * np.pi * hz * np.arange(STEP_N) / 24_000).astype(np.float32)
    constants = {
        "tones": tones,
        "flat": np.array([-1], np.int64),
        "first": np.array([0], np.int64),
        "axis": np.array([0], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["tones", "tokens"], ["spoken"]),
        helper.make_node("Reshape", ["spoken", "flat"], ["long"]),
        helper.make_node("ReduceMean", ["style"], ["level"], keepdims=0),
        helper.make_node("Mul", ["long", "level"], ["heard"]),
        helper.make_node("Shape", ["heard"], ["n"]),
        helper.make_node("Cast", ["n"], ["n_float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["n_float", "speed"], ["n_said"]),
        helper.make_node("Cast", ["n_said"], ["end"], to=TensorProto.INT64),
        helper.make_node("Slice", ["heard", "first", "end", "axis"], ["said"]),
    ]
    if noise:
        nodes += [
            helper.make_node("RandomNormalLike", ["said"], ["hiss"], scale=0.01),
            helper.make_node("Add", ["said", "hiss"], ["audio"]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["said"], ["audio"]))
    graph = helper.make_graph(
        nodes,
        "tiny-kokoro",
        [
            helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, None]),
            helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
            helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
        ],
        [helper.make_tensor_value_info("audio", TensorProto.FLOAT, [None])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
