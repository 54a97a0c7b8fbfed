"""The cost of TensorBoard's pictures compared with Keras's callback: time, bytes, and dashboards with content.

    python -m benchmarks.tensorboard --epochs=14 --rounds=3

Ours is the whole command `python -m trainer.task` with `--log_images=auto`, compared with `never`. Keras's is `fit`
with `keras.callbacks.TensorBoard(histogram_freq=1, write_images=True, write_graph=True)`, compared with `fit` without
it, in this process and after a round that is not counted. All run in turn.
"""

import argparse
import dataclasses
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import keras
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from benchmarks.peers import command
from trainer import command_line as flags
from trainer import data, networks
from trainer.hparams import HParams
from trainer.training import optimizer

_LIMIT = 0.05  # the share of a run's time that pictures may add
_PLUGINS = {
    "scalars": "Scalars",
    "images": "Images",
    "histograms": "Histograms, Distributions",
    "graph_keras_model": "Graphs: conceptual",
    "text": "Text",
    "hparams": "HParams",
    "pr_curves": "PR Curves",
    "custom_scalars": "Custom Scalars",
}


def run_ours(hparams: HParams, root: Path, popen: command.Popen) -> float:
    _, *words = shlex.split(flags.command(dataclasses.replace(hparams, job_dir=str(root))))
    return command.measure(*words, popen=popen).seconds


def run_keras(hparams: HParams, logs: Path | None) -> float:
    dataset = data.load(hparams.data, hparams.validation_split, hparams.seed)
    model = networks.build(hparams, dataset.form, dataset.classes).model
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer.make(hparams, 1), loss, metrics=["accuracy"])
    callbacks = []
    if logs:
        callbacks = [keras.callbacks.TensorBoard(str(logs), histogram_freq=1, write_images=True, write_graph=True)]
    images, labels = dataset.train.samples, dataset.train.targets
    validation = dataset.validation.samples, dataset.validation.targets
    begin = time.perf_counter()
    model.fit(
        images,
        labels,
        hparams.batch_size,
        hparams.epochs,
        verbose=0,
        validation_data=validation,
        callbacks=callbacks,
    )
    return time.perf_counter() - begin


def content(logs: Path) -> set[str]:
    """Returns the dashboards that have content."""
    found = {"Projector"} if list(logs.rglob("projector_config.pbtxt")) else set()
    for folder in {path.parent for path in logs.rglob("events.out.tfevents.*")}:
        events = EventAccumulator(str(folder)).Reload()
        found |= {name for plugin, name in _PLUGINS.items() if plugin in plugins(events)}
        if events.Tags()["graph"] and any(
            node.op == "Conv2D" for node in events.Graph().node
        ):  # Keras writes an empty graph
            found.add("Graphs: operations")
        # Keras draws only the first layer's, if the images are grey: 3x3 pixels each.
        drawn = [tag for tag in image_tags(events) if "filters/" in tag or "kernel" in tag]
        if all(any(name in tag for tag in drawn) for name in ("conv1", "conv2")):
            found.add("Images: every convolution")
    return found


def plugins(events: EventAccumulator) -> set[str]:
    return {events.SummaryMetadata(tag).plugin_data.plugin_name for tag in events.Tags()["tensors"]}


def image_tags(events: EventAccumulator) -> list[str]:
    return [tag for tag in events.Tags()["tensors"] if events.SummaryMetadata(tag).plugin_data.plugin_name == "images"]


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> None:
    """Prints the cost of each; `popen` starts our commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--filters", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--uncounted", type=int, default=1, help="rounds before them")
    options = parser.parse_args(arguments)
    plain = HParams(data=options.data, epochs=options.epochs, filters=options.filters, log_images="never")
    pictured = dataclasses.replace(plain, log_images="auto")
    seconds: dict[str, list[tuple[float, float]]] = {"ours": [], "Keras": []}  # with everything, and without
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(options.uncounted + options.rounds):
            roots = {name: Path(folder) / f"{turn}" / name for name in ("plain", "pictured", "keras")}
            ours = run_ours(pictured, roots["pictured"], popen), run_ours(plain, roots["plain"], popen)
            theirs = run_keras(plain, roots["keras"]), run_keras(plain, None)
            if turn >= options.uncounted:
                seconds["ours"].append(ours)
                seconds["Keras"].append(theirs)
        logs = {"ours": roots["pictured"] / "logs", "Keras": roots["keras"]}
        sizes = {
            name: sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) for name, root in logs.items()
        }
        found = {name: content(root) for name, root in logs.items()}
    for name, pairs in seconds.items():
        shares, added = [a / b - 1 for a, b in pairs], statistics.median(a - b for a, b in pairs)
        print(
            f"{name}: adds {statistics.median(shares):.1%} ({min(shares):.1%} to {max(shares):.1%}), {added:.1f} s to "
            f"{statistics.median(b for _, b in pairs):.1f} s; {sizes[name] / 1e6:.1f} MB"
        )
    print(f"allowed: {_LIMIT:.0%}")
    for dashboard in sorted(found["ours"] | found["Keras"]):
        print(
            f"{dashboard:<34}"
            + "".join(f"{name + ' ' + ('yes' if dashboard in found[name] else 'no'):<12}" for name in logs)
        )


if __name__ == "__main__":
    main(sys.argv[1:])
