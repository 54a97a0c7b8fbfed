"""LiteRT, formerly TensorFlow Lite: one file of builtin operations, with the names of the classes attached."""

import contextlib
import importlib
import io
import json
import re
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from trainer.errors import UsageError
from trainer.quiet import without_chatter
from trainer.serving.formats import remedies
from trainer.serving.formats.network import Run, Source, Values

LABELS, FORM = "labels.txt", "form.json"  # in the ZIP archive at the end of the file, as LiteRT's metadata has them
_LACKING = re.compile(r"(?:TF Select|Custom) ops: (.+)")


def write(source: Source, path: Path, calibration: Values | None = None) -> None:
    """Writes a network as a LiteRT file.

    Args:
      source: the network.
      path: the file.
      calibration: samples that fix the ranges of all maps for integers of 8 bits; None keeps float32. Operations that
        LiteRT does not have for integers, such as convolutions of volumes, remain in float32.

    Raises:
      UsageError: the network has an operation that LiteRT lacks.
    """
    module = tf.Module()
    module.weights = [variable.value for variable in source.model.variables]
    with _quiet(), tempfile.TemporaryDirectory(prefix="trainer-export-") as folder, remedies.applied(source.model):
        tf.saved_model.save(module, folder, source.function())
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if calibration is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: _one_by_one(source.input, calibration)
            converter.target_spec.supported_ops = [
                tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
                tf.lite.OpsSet.TFLITE_BUILTINS,
            ]
        try:
            content = converter.convert()
        except Exception as error:  # the converter has no public class of errors
            raise _refusal(error) from None
    path.write_bytes(_with_labels(content, source))


def run(path: Path, threads: int) -> Run:
    """Returns the function that the file computes, by LiteRT's interpreter."""
    interpreters = importlib.import_module("ai_edge_litert.interpreter")
    with without_chatter():
        interpreter = interpreters.Interpreter(model_path=str(path), num_threads=threads)
        interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()

    def answer(samples: Values) -> Values:
        if tuple(interpreter.get_input_details()[0]["shape"]) != samples.shape:
            interpreter.resize_tensor_input(taken["index"], samples.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(taken["index"], samples)
        interpreter.invoke()
        found: Values = interpreter.get_tensor(given["index"])
        return found

    return answer


def _one_by_one(name: str, samples: Values) -> Iterator[dict[str, Values]]:
    yield from ({name: sample[None]} for sample in samples)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with without_chatter(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about TensorFlow's own interpreter, which calibrates
        yield


def _with_labels(content: bytes, source: Source) -> bytes:
    """Returns a file with a ZIP archive behind it, which interpreters do not read."""
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        for name, text in (
            (LABELS, "".join(f"{' '.join(one.splitlines())}\n" for one in source.classes)),
            (FORM, json.dumps({**source.form.to_json(), "classes": [*source.classes]})),
        ):
            archive.writestr(zipfile.ZipInfo(name), text)  # of 1980, so that the same model is the same file
    return file.getvalue()


def _refusal(error: Exception) -> UsageError:
    lacking = sorted({name.strip() for found in _LACKING.findall(str(error)) for name in found.split(",")})
    what = f"one with {', '.join(lacking)}" if lacking else (str(error).strip() or type(error).__name__).splitlines()[0]
    return UsageError(
        "`--format=litert` must be used with a network of operations that LiteRT has; `--format=savedmodel` takes all. "
        f"Received: {what}"
    )
