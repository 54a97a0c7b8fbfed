"""Checks thirty networks: training, resuming, loading, export, explanation, pictures.

    python -m benchmarks.networks --backbone=BACKBONE.keras

Each trains on coloured digits as PNG files, is killed by SIGKILL and resumes, is loaded in a new process, is exported
and explained, and its filters are drawn. The last column says whether Grad-CAM of tf-keras-vis can explain it too.
"""

import argparse
import dataclasses
import io
import json
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from benchmarks.peers import command

_OWN = ("branches", "nested", "normalised", "separable", "depthwise", "dilated", "attention", "subclassed")
_APPLICATIONS = {  # networks of keras.applications, with a size in pixels
    "MobileNet": 32,
    "MobileNetV2": 32,
    "MobileNetV3Small": 64,
    "MobileNetV3Large": 32,
    "EfficientNetB0": 64,
    "EfficientNetV2B0": 32,
    "DenseNet121": 32,
    "ResNet50": 32,
    "ResNet50V2": 64,
    "VGG16": 32,
    "Xception": 71,
    "InceptionV3": 75,
}
_FLAGS = (
    *("--precision=float32", "--epochs=2", "--batch_size=12", "--checkpoint_every=2", "--augment=photo", "--seed=1"),
    "--saved_model=yes",
)
_CLASSES, _EACH = 4, 24
_LIMIT = 600.0  # seconds that one process may take
_NEAR = 1e-5  # tolerance between the probabilities of the export and of the network

# Loads the results of a run in a new process, and prints which checks pass.
_LOOK = """
import importlib, json, sys
import numpy as np
import keras
import tensorflow as tf
import trainer.layers
import trainer.networks

folder, module = sys.argv[1:]
if module:
    importlib.import_module(module)
found = {}
try:
    model = keras.models.load_model(f"{folder}/model.keras", compile=False)
    found["reloads"] = True
    shape = model.input_shape[1:]
    noise = np.random.default_rng(0).uniform(0, 255, (3, *shape)).astype(np.float32)
    ours = tf.nn.softmax(model(noise, training=False)).numpy()
    theirs = tf.saved_model.load(folder).signatures["serving_array"](image=tf.constant(noise))["probabilities"].numpy()
    found["difference"] = float(np.abs(ours - theirs).max())
    try:
        from tf_keras_vis.gradcam import Gradcam
        from tf_keras_vis.utils.scores import CategoricalScore
        maps = Gradcam(model, clone=False)(CategoricalScore([0, 1, 2]), noise)
        found["peer"] = bool(np.isfinite(maps).all() and np.asarray(maps).max() > 0)
    except Exception as error:
        found["peer"] = False
except Exception as error:
    found["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


@dataclasses.dataclass(frozen=True)
class _Row:
    """The checks of one network; a text gives the reason of a failure."""

    trains: bool
    resumes: bool
    reloads: bool
    exports: bool
    explained: bool
    drawn: bool
    peer: bool
    note: str = ""

    @property
    def holds(self) -> bool:
        return all((self.trains, self.resumes, self.reloads, self.exports, self.explained, self.drawn))


def networks(backbone: str) -> dict[str, Sequence[str]]:
    """Returns the flags of each network, by its name in the table."""
    ours = {
        "convolutional, one layer": ["--model=convolutional", "--depth=1", "--filters=8", "--image_size=32"],
        "convolutional, stride 2": ["--model=convolutional", "--stride=2", "--depth=3", "--image_size=64"],
        "convolutional, valid": ["--model=convolutional", "--padding=valid", "--kernel_size=5", "--image_size=32"],
        "linear": ["--model=linear", "--image_size=32"],
        "residual, one block": ["--model=residual", "--depth=1", "--filters=8", "--image_size=32"],
        "residual": ["--model=residual", "--filters=16", "--image_size=64"],
        "residual, deep": ["--model=residual", "--depth=8", "--filters=8", "--image_size=48"],
    }
    applications = {name: [f"--model={name}", f"--image_size={size}"] for name, size in _APPLICATIONS.items()}
    pretrained = (
        {
            "EfficientNet-Lite0, frozen": [f"--model={backbone}", "--image_size=96"],
            "EfficientNet-Lite0, 2 blocks": [
                *(f"--model={backbone}", "--image_size=64", "--unfreeze=2", "--freeze_epochs=1")
            ],
            "EfficientNet-Lite0, all": [
                *(f"--model={backbone}", "--image_size=64", "--unfreeze=all", "--freeze_epochs=1")
            ],
        }
        if backbone
        else {}
    )
    own = {name: [f"--model=benchmarks.own_networks:{name}", "--image_size=48"] for name in _OWN}
    return {**ours, **applications, **pretrained, **own}


def _paint(folder: Path) -> None:
    """Writes digits in colour as PNG files in class folders."""
    digits = load_digits()
    random = np.random.default_rng(0)
    for name in range(_CLASSES):
        (folder / f"digit {name}").mkdir(parents=True)
        for index, image in enumerate(digits.images[digits.target == name][:_EACH]):
            ink, paper = random.integers(96, 255, 3), random.integers(0, 64, 3)
            share = image[..., None] / 16
            values = (share * ink + (1 - share) * paper).astype(np.uint8)
            Image.fromarray(values).resize((96, 96)).save(folder / f"digit {name}" / f"{index}.png")


def _start(flags: Sequence[str], root: Path, popen: command.Popen) -> "subprocess.Popen[str]":
    words = [sys.executable, "-m", "trainer.task", *_FLAGS, *flags, f"--job_dir={root}"]
    with (root.parent / f"{root.name}.txt").open("a") as log:
        return popen(words, stdout=log, stderr=log, cwd=command.ROOT, env=command.environment(), text=True)


def _kill_in_the_middle(flags: Sequence[str], root: Path, popen: command.Popen) -> bool:
    """Starts a run, kills it after its first checkpoint, and returns whether it was unfinished."""
    process, end = _start(flags, root, popen), time.monotonic() + _LIMIT
    latest = root / "checkpoints" / "latest.json"
    while process.poll() is None and time.monotonic() < end:
        if latest.exists():
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return latest.exists() and json.loads(latest.read_bytes()).get("result") is None


def _weights(root: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(root / "model" / "model.keras") as model:
        weights = h5py.File(io.BytesIO(model.read("model.weights.h5")))
    weights.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def _are_equal(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def _tags(root: Path) -> set[str]:
    events = (event for path in (root / "logs").rglob("events*") for event in LegacyEventFileLoader(str(path)).Load())
    return {value.tag for event in events for value in event.summary.value}


def _last_line(path: Path) -> str:
    return next((line for line in reversed(path.read_text().splitlines()) if line.startswith("trainer: ")), "")


def measure(flags: Sequence[str], folder: Path, popen: command.Popen) -> _Row:
    """Returns the checks of one network.

    Args:
      flags: the flags of the network and its data.
      folder: the folder of the runs.
      popen: starts processes.
    """
    whole, killed = folder / "whole", folder / "killed"
    if _start(flags, whole, popen).wait(_LIMIT):
        return _Row(*[False] * 7, note=_last_line(folder / "whole.txt"))
    quick = [*flags, "--log_images=never"]  # pictures do not change weights
    was_killed = _kill_in_the_middle(quick, killed, popen)
    resumed = _start(quick, killed, popen).wait(_LIMIT) == 0
    tags = _tags(whole)
    (own,) = (flag.partition("=")[2] for flag in flags if flag.startswith("--model="))
    module = own.partition(":")[0] if ":" in own else ""
    looked = command.measure("-c", _LOOK, str(whole / "model"), module, popen=popen)
    about = json.loads(looked.output.splitlines()[-1])
    return _Row(
        trains=True,
        resumes=was_killed and resumed and _are_equal(_weights(whole), _weights(killed)),
        reloads=about.get("reloads", False),
        exports=about.get("difference", 1.0) <= _NEAR,
        explained=any(tag.startswith("what_decides/") for tag in tags),
        drawn=any(tag.startswith("filters/") for tag in tags),
        peer=about.get("peer", False),
        note=about.get("error", ""),
    )


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> None:
    """Prints the table; `popen` starts the processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="", help="a .keras file of a backbone; three networks more")
    parser.add_argument("--only", default="", help="networks whose names hold this")
    options = parser.parse_args(arguments)

    mark = {True: "yes", False: "NO"}
    columns = ("trains", "resumes", "reloads", "exports", "explained", "filters")
    print(f"{'':<30}{''.join(f'{column:>11}' for column in columns)}{'tf-keras-vis':>14}{'seconds':>9}", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch, "digits")
        _paint(data)
        for index, (name, flags) in enumerate(networks(options.backbone).items()):
            if options.only not in name:
                continue
            begin = time.perf_counter()
            folder = Path(scratch, str(index))
            folder.mkdir()
            row = measure([f"--data={data}", *flags], folder, popen)
            rows.append(row)
            holding = (row.trains, row.resumes, row.reloads, row.exports, row.explained, row.drawn)
            cells = "".join(f"{mark[one]:>11}" for one in holding)
            seconds = time.perf_counter() - begin
            print(f"{name:<30}{cells}{mark[row.peer]:>14}{seconds:>9.0f}  {row.note}".rstrip(), flush=True)
    print(f"{sum(row.holds for row in rows)} of {len(rows)}; tf-keras-vis explains {sum(row.peer for row in rows)}")


if __name__ == "__main__":
    main(sys.argv[1:])
