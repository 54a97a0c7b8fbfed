"""The formats: how each one is written and run, and what a user has to know of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.data.form import Form
from trainer.data.kinds import known
from trainer.hparams import CLASSES, LABELS, NUMBERS
from trainer.serving.formats import litert, onnx_file, tensorflow_files
from trainer.serving.formats.network import Run, Source, Values


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
      title: its name, for people.
      write: writes a network to a path; samples calibrate integers.
      run: returns the function that what was written computes, on a number of threads.
      distributions: the packages whose versions decide what is written and how it runs.
      use: Python that gets `probabilities` from `samples`, by the name of the file and of the input.
    """

    title: str
    write: Callable[[Source, Path, Values | None], None]
    run: Callable[[Path, int], Run]
    distributions: tuple[str, ...]
    use: str


FORMATS: Mapping[str, Format] = {
    "litert": Format(
        "LiteRT",
        litert.write,
        litert.run,
        ("ai-edge-litert",),
        """\
import zipfile
from ai_edge_litert.interpreter import Interpreter

classes = zipfile.ZipFile("{file}").read("labels.txt").decode().splitlines()
interpreter = Interpreter("{file}")
interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], samples.shape)
probabilities = interpreter.get_signature_runner()({input}=samples)["probabilities"]""",
    ),
    "onnx": Format(
        "ONNX",
        onnx_file.write,
        onnx_file.run,
        ("onnx", "tf2onnx", "onnxruntime"),
        """\
import json
import onnxruntime

session = onnxruntime.InferenceSession("{file}")
classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
(probabilities,) = session.run(["probabilities"], {{"{input}": samples}})""",
    ),
    "savedmodel": Format(
        "SavedModel",
        tensorflow_files.write_saved_model,
        tensorflow_files.run_saved_model,
        (),
        """\
import tensorflow as tf

loaded = tf.saved_model.load(".")
classes = [name.decode() for name in loaded.signatures["class_names"]()["class_names"].numpy()]
probabilities = loaded.signatures["serving_array"]({input}=tf.constant(samples))["probabilities"].numpy()""",
    ),
    "keras": Format(
        "Keras",
        tensorflow_files.write_keras,
        tensorflow_files.run_keras,
        (),
        """\
import keras
{imports}
model = keras.models.load_model("{file}")
probabilities = model.predict(samples)""",
    ),
}

_LINKS = {CLASSES: "softmax", LABELS: "sigmoid", NUMBERS: "scaling of the numbers to their units"}
_ONE = {CLASSES: "class", LABELS: "label", NUMBERS: "number"}

# What the SavedModel decodes in its graph, and what it does not, by rank.
_DECODED = {
    1: "RIFF, RF64 and BW64 WAVE files, but neither RIFX, which is big-endian, nor .ts",
    2: "JPEG, PNG, GIF, BMP and WebP files, but not .npy",
    3: ".npy and GIF files and archives of frames, but not NIfTI (.nii, .nii.gz), which trainer.predict reads",
}


def inside(name: str, source: Source) -> str:
    """Returns what an export contains in addition to the network."""
    form, target = source.form, source.outputs.target
    kind = known.kind_of(form).name
    names = f"{_ONE[target]} names"
    scaling = "standardisation of each channel" if form.spread else "scaling"
    if name == "savedmodel":
        decoding = f"decoding, conversion of {kind}s to the form, {scaling}, {_LINKS[target]}, {names}"
        return f"{decoding}; it decodes {_DECODED[form.rank]}"
    return f"{scaling}, {_LINKS[target]}" + (f", {names}" if name != "keras" else "")


def caller(name: str, form: Form) -> str:
    """Returns what the caller of an export passes, and what it does before."""
    kind = known.kind_of(form).name
    values = f"raw values from {form.low:g} to {form.high:g}" if form.is_bounded else "raw values"
    shape = f"float32 (n, {', '.join(map(str, form.shape))}), {values}"
    if name == "savedmodel":
        return f"`serving_default` takes the contents of files, `serving_array` {shape}"
    return f"{shape}; not encoded files: the caller decodes each {kind} and brings it to this form"
