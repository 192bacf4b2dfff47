"""A transducer in the form of NeMo's Parakeet for onnx-asr, small enough to say what it hears.

It looks every 0.32 s, and says a syllable where the sound is louder than its mean: the words are `la-la`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

_VOCABULARY = ("\N{LOWER ONE EIGHTH BLOCK}la", "-la", "<blk>")
_N_DURATIONS = 5
_STATE = 2


def save_tiny_transducer(folder: Path, bias: float = 0.0) -> None:
    """Save the model's files. A syllable needs `bias` more than the mean level."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_type": "nemo-conformer-tdt", "features_size": 128, "subsampling_factor": 8}
    (folder / "config.json").write_text(json.dumps(config))
    lines = [f"{token} {index}" for index, token in enumerate(_VOCABULARY)]
    (folder / "vocab.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _save_encoder(folder / "encoder-model.onnx")
    _save_decoder(folder / "decoder_joint-model.onnx", bias)


def _save(path: Path, nodes, inputs, outputs, constants) -> None:
    from onnx import checker, helper, numpy_helper, save

    values = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    save(model, path)


def _save_encoder(path: Path) -> None:
    """Save the mean of the mel bands, over 8 frames each: (batch, 1, frames)."""
    from onnx import TensorProto, helper

    floats, ints = TensorProto.FLOAT, TensorProto.INT64
    _save(
        path,
        [
            helper.make_node("ReduceMean", ["audio_signal"], ["level"], axes=[1], keepdims=1),
            helper.make_node(
                "AveragePool", ["level"], ["outputs"], kernel_shape=[8], strides=[8], ceil_mode=1
            ),
            helper.make_node("Add", ["length", "seven"], ["longer"]),
            helper.make_node("Div", ["longer", "eight"], ["encoded_lengths"]),
        ],
        [
            helper.make_tensor_value_info("audio_signal", floats, ["batch", 128, "time"]),
            helper.make_tensor_value_info("length", ints, ["batch"]),
        ],
        [
            helper.make_tensor_value_info("outputs", floats, ["batch", 1, "frames"]),
            helper.make_tensor_value_info("encoded_lengths", ints, ["batch"]),
        ],
        {"seven": np.array(7, np.int64), "eight": np.array(8, np.int64)},
    )


def _save_decoder(path: Path, bias: float) -> None:
    """Save the logits of the syllables, which take turns, of the blank, and of the step: always 4 frames."""
    from onnx import TensorProto, helper

    floats, ints = TensorProto.FLOAT, TensorProto.INT32
    weights = np.zeros((1, len(_VOCABULARY) + _N_DURATIONS), np.float32)
    weights[0, :3] = 1.0, 1.0, -1.0
    after = np.zeros((len(_VOCABULARY), weights.size), np.float32)
    after[:, 2] = 2 * bias
    after[:, -1] = 1.0
    after[0, 0] = after[1, 1] = after[2, 1] = -9.0
    state = ["input_states_1", "input_states_2"]
    _save(
        path,
        [
            helper.make_node("MatMul", ["encoder_outputs", "weights"], ["heard"]),
            helper.make_node("Gather", ["after", "targets"], ["expected"]),
            helper.make_node("Add", ["heard", "expected"], ["sum"]),
            helper.make_node("Unsqueeze", ["sum", "one"], ["outputs"]),
            *(helper.make_node("Identity", [name], [name.replace("input", "output")]) for name in state),
        ],
        [
            helper.make_tensor_value_info("encoder_outputs", floats, [1, 1, 1]),
            helper.make_tensor_value_info("targets", ints, [1, 1]),
            helper.make_tensor_value_info("target_length", ints, [1]),
            *(helper.make_tensor_value_info(name, floats, [1, 1, _STATE]) for name in state),
        ],
        [
            helper.make_tensor_value_info("outputs", floats, [1, 1, 1, weights.size]),
            *(
                helper.make_tensor_value_info(name.replace("input", "output"), floats, [1, 1, _STATE])
                for name in state
            ),
        ],
        {"weights": weights, "after": after, "one": np.array([1], np.int64)},
    )
