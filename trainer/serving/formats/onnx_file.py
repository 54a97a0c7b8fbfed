"""ONNX: one file, with the names of the classes and the form of a sample in its properties."""

import importlib
import json
import logging
from pathlib import Path
from typing import Any

import tensorflow as tf

from trainer.errors import UsageError
from trainer.quiet import without_chatter
from trainer.serving.formats.network import Run, Source, Values

_OPSET = 18  # of ONNX 1.13, 2022: the last one that tf2onnx writes
_MOST = 2**31 - 1  # bytes of a file, which is one message of protocol buffers


def write(source: Source, path: Path, calibration: Values | None = None) -> None:
    """Writes a network as an ONNX file.

    Args:
      source: the network.
      path: the file.
      calibration: not used.

    Raises:
      UsageError: the network has an operation that tf2onnx does not translate, or is too large.
    """
    converter = importlib.import_module("tf2onnx.convert")
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    spec = tf.TensorSpec((None, *source.form.shape), tf.float32, source.input)
    try:
        with without_chatter():
            made, _ = converter.from_function(source.function(), [spec], opset=_OPSET)
            content = _named(made, source).SerializeToString()
    except Exception as error:  # tf2onnx raises ValueError, RuntimeError and others
        raise UsageError(
            "`--format=onnx` must be used with a network of operations that ONNX has; `--format=savedmodel` takes "
            f"all. Received: {(str(error).strip() or type(error).__name__).splitlines()[0][:300]}"
        ) from None
    if len(content) > _MOST:
        raise UsageError(f"`--format=onnx` must give a file of at most 2 GB. Received: {len(content):,} bytes")
    path.write_bytes(content)


def run(path: Path, threads: int) -> Run:
    """Returns the function that the file computes, by ONNX Runtime on the CPU."""
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    output = session.get_outputs()[0].name

    def answer(samples: Values) -> Values:
        (found,) = session.run([output], {name: samples})
        outputs: Values = found
        return outputs

    return answer


def _named(made: Any, source: Source) -> Any:
    """Returns a graph with the class names and the form, which `session.get_modelmeta().custom_metadata_map` reads."""
    made.producer_name = "trainer"
    for key, value in (
        ("classes", json.dumps([*source.classes], ensure_ascii=False)),
        ("form", json.dumps(source.form.to_json())),
    ):
        made.metadata_props.add(key=key, value=value)
    return made
