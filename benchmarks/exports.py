"""Exports of trained networks: the largest difference from the model, size and latency, by network, rank and format.

    python -m benchmarks.exports                                   # all rows; some minutes on two cores
    python -m benchmarks.exports --backbone=BACKBONE.keras         # the pretrained network from a file
    python -m benchmarks.exports --only="residual 3" --formats litert onnx

Signals, images and volumes are made from scikit-learn's digits. Each network trains in bfloat16 and is exported by
`trainer.export`, which compares it with the model in float32 on test samples.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from benchmarks.peers import command

# Exports a model several times, and prints the message of each export that is refused.
_EXPORT = """
import contextlib, io, json, sys
import tensorflow as tf
from trainer import export

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
found = []
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        status = export.main(words)
    found.append(errors.getvalue().strip() if status else "")
print(json.dumps(found))
"""

_FORMATS = ("litert", "litert int8", "onnx", "savedmodel", "keras")
_TEST = 300  # samples


def networks(backbone: str) -> dict[str, tuple[int, Sequence[str]]]:
    """Returns the rank and the flags of each network, by its name in the table."""
    ours = {
        f"{name} {rank}-D": (rank, [f"--model={name}"]) for name in ("convolutional", "residual") for rank in (1, 2, 3)
    }
    name = "from a file" if backbone else "MobileNetV2"
    return {**ours, f"{name} 2-D": (2, [f"--model={backbone or 'MobileNetV2'}", "--image_size=64"])}


def write(folder: Path, count: int) -> dict[int, Path]:
    """Writes digits as signals of 64 points, images, and volumes of 8 fading images; returns the files by rank."""
    digits = load_digits()
    images = (digits.images[:count] * (255 / 16)).astype(np.float32)
    volumes = images[:, None] * np.linspace(0.3, 1, 8, dtype=np.float32)[None, :, None, None]
    random = np.random.default_rng(0)
    arrays = {
        1: images.reshape(len(images), 64, 1),
        2: np.repeat(images[..., None], 3, -1).astype(np.uint8),
        3: (volumes + random.normal(0, 8, volumes.shape).astype(np.float32))[..., None],
    }
    files = {}
    test = min(_TEST, count // 3)
    for rank, samples in arrays.items():
        files[rank], labels = folder / f"{rank}.npz", digits.target[:count]
        np.savez(
            files[rank],
            x_train=samples[test:],
            y_train=labels[test:],
            x_test=samples[:test],
            y_test=labels[:test],
        )
    return files


def _train(data: Path, rank: int, flags: Sequence[str], root: Path, popen: command.Popen) -> Path:
    words = [f"--data={data}", f"--rank={rank}", "--precision=bfloat16", "--log_images=never", "--report=no", *flags]
    command.measure("-m", "trainer.task", *words, f"--job_dir={root}", popen=popen)
    return root / "model"


def _export(model: Path, formats: Sequence[str], popen: command.Popen) -> list[Mapping[str, Any] | str]:
    """Returns the record of each export, or why there is none, from one process."""
    words = {}
    for format in formats:
        name, _, integers = format.partition(" ")
        out = model.with_name(format.replace(" ", "-"))
        quantize = [f"--quantize={integers}", "--agreement=0.001"] if integers else []  # the table shows the agreement
        words[str(out)] = [f"--model={model}", f"--format={name}", *quantize, f"--out={out}"]
    done = command.measure("-c", _EXPORT, json.dumps([*words.values()]), popen=popen)
    errors = json.loads(done.output.splitlines()[-1])
    return [
        error or json.loads(Path(out, "export.json").read_bytes()) for out, error in zip(words, errors, strict=True)
    ]


def _row(record: Mapping[str, Any] | str) -> str:
    if isinstance(record, str):
        return f"  {record}"
    parity, latency = record["parity"], record["latency"]
    accuracy = f"{parity['accuracy']:.1%}"
    return (
        f"{parity['difference']:>12.1e}{parity['own']:>12.1e}{parity['agreement']:>11.1%}{accuracy:>10}"
        f"{record['size']:>13,}{latency['milliseconds']:>9.3f}"
    )


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> None:
    """Prints the table; `popen` starts the processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="", help="a .keras file of a pretrained network")
    parser.add_argument("--only", default="", help="networks whose names contain this")
    parser.add_argument("--formats", nargs="*", default=_FORMATS, help=f"of {', '.join(_FORMATS)}")
    parser.add_argument("--samples", type=int, default=1797, help="digits that are used")
    parser.add_argument("--flags", nargs="*", default=["epochs=5"], help="of the training, such as epochs=5")
    options = parser.parse_args(arguments)

    columns = f"{'difference':>12}{'bfloat16':>12}{'agreement':>11}{'accuracy':>10}{'bytes':>13}{'ms':>9}"
    print(f"{'':<20}{'':<12}{columns}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        files = write(Path(scratch), options.samples)
        for index, (name, (rank, flags)) in enumerate(networks(options.backbone).items()):
            if options.only not in name:
                continue
            own = [*(f"--{flag}" for flag in options.flags), *flags]
            model = _train(files[rank], rank, own, Path(scratch, str(index)), popen)
            for format, found in zip(options.formats, _export(model, options.formats, popen), strict=True):
                print(f"{name:<20}{format:<12}{_row(found)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
