"""A network of one's own, from the command line to the answer: trained, stopped, resumed, asked without its module."""

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests import forked

ROOT = Path(__file__).parents[1]
MODEL = "nets.mine:build"

_MODULE = '''\
import keras
from keras import layers

from nets.blocks import Scale


class Net(keras.Model):
    def __init__(self, classes, width, norm, name="net"):
        super().__init__(name=name)
        self.parts = [Scale(1 / 255), layers.Conv2D(width, 3, activation="relu")]
        self.parts += [layers.BatchNormalization()] if norm else []
        self.parts += [layers.Dropout(0.2), layers.GlobalAveragePooling2D(), layers.Dense(classes)]

    def call(self, x, training=False):
        for part in self.parts:
            x = part(x, training=training) if isinstance(part, layers.Dropout | layers.BatchNormalization) else part(x)
        return x


def build(input_shape, classes, *, width: int = 8, norm: bool = False):
    """Args:
    width: filters of the convolution
    """
    return Net(classes, width, norm)
'''
_BLOCKS = """\
import keras


class Scale(keras.layers.Layer):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor
"""


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-u", "-m", *arguments]


def _train(root: Path, *flags: str) -> list[str]:
    small = ("--epochs=5", "--log_images=never", "--precision=float32", "--width=4", "--norm")
    return _command("trainer.task", f"--model={MODEL}", f"--job_dir={root}", *small, *flags)


def _run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return forked.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False)


def _weights(root: Path) -> list[np.ndarray]:
    """Returns the weights of a saved model whose classes this process has not."""
    with zipfile.ZipFile(root / "model" / "model.keras") as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    found: list[np.ndarray] = []
    with h5py.File(content) as file:
        file.visititems(lambda _, one: found.append(np.asarray(one)) if isinstance(one, h5py.Dataset) else None)
    return found


@pytest.mark.slow
def test_a_network_of_ones_own_is_kept_every_promise(tmp_path: Path) -> None:
    package = tmp_path / "nets"
    package.mkdir()
    for name, text in {"__init__.py": "", "mine.py": _MODULE, "blocks.py": _BLOCKS}.items():
        (package / name).write_text(text)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"

    done = _run(_train(whole), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads((whole / "hparams.json").read_text())
    assert (record["configuration"]["width"], record["configuration"]["norm"]) == (4, "yes")
    assert [*record["source"]] == ["nets/__init__.py", "nets/blocks.py", "nets/mine.py"]
    assert json.loads((whole / "model" / "model.json").read_text())["source"] == record["source"]

    with forked.Popen(
        _train(stopped), cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        next(line for line in process.stdout if line.startswith("epoch 1/5"))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=600)
    assert process.returncode == 143
    done = _run(_train(stopped, "--resume=must"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "resumes from step" in done.stdout
    for one, other in zip(_weights(whole), _weights(stopped), strict=True):
        np.testing.assert_array_equal(one, other)

    with (package / "blocks.py").open("a") as file:
        file.write("# changed\n")
    done = _run(_train(whole), tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "trainer: `--model` must be the network of the run in `--job_dir`; use another folder for a changed network. "
        f"Received: {MODEL} (changed: nets/blocks.py)\n"
    )

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    image = ROOT / "docs" / "pictures"
    picture = next(path for path in sorted(image.iterdir()) if path.suffix == ".png")
    done = _run(_command("trainer.predict", f"--model={whole / 'model'}", str(picture)), elsewhere)
    assert (done.returncode, done.stderr) == (0, "")
    assert picture.name in done.stdout

    load = (
        "import keras, nets.mine, nets.blocks\n"
        f"keras.models.load_model({str(whole / 'model' / 'model.keras')!r}, "
        "custom_objects={'Net': nets.mine.Net, 'Scale': nets.blocks.Scale}).summary()"
    )
    done = _run([sys.executable, "-c", load], tmp_path)
    assert done.returncode == 0, done.stderr
