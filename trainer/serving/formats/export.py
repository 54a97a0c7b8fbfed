"""One export: the model read, converted, compared on real samples, measured, written."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from rich.console import Console

from trainer.errors import UsageError
from trainer.hparams import NUMBERS
from trainer.serving import card
from trainer.serving.card import KERAS
from trainer.serving.formats import description, measure, network, plain, samples, target
from trainer.serving.formats.description import Export
from trainer.serving.formats.known import FORMATS
from trainer.serving.formats.network import Run, Source, Values, by_batches
from trainer.serving.formats.samples import Samples
from trainer.serving.formats.target import Target
from trainer.serving.predictor import Predictor

_OF_TENSORFLOW = ("savedmodel", "keras")


@dataclass(frozen=True)
class Asked:
    """What a command line asks for.

    Attributes:
      model: where the model is.
      format: its name.
      quantize: none or int8.
      agreement: the least share of samples for which integers must choose the model's class.
      out: where to write; empty is next to the model.
      data: samples to compare on; empty selects those of the training.
      threads: of the runtime.
      cache_dir: the folder for downloads.
    """

    model: str
    format: str
    quantize: str = "none"
    agreement: float = 0.95
    out: str = ""
    data: str = ""
    threads: int = 1
    cache_dir: str = ""


def convert(asked: Asked, folder: Path, screen: Console) -> list[str]:
    """Writes an export and its card, and returns lines about it.

    Args:
      asked: the command line.
      folder: of the model, on this machine.
      screen: receives lines about the data.

    Raises:
      UsageError: the model or the samples cannot be read, the format cannot express the network, its answers are not
        the model's, or the target holds something else. Nothing is written.
    """
    content = card.read(folder)
    where = target.choose(asked.out, asked.format, asked.quantize, asked.model, folder)
    threads = _threads(asked)
    predictor = Predictor(folder)
    source = network.read(folder, content)
    if asked.quantize != "none" and source.outputs.target == NUMBERS:
        raise UsageError(
            f"`--quantize` must be none for a model of numbers, which has no classes to agree on. "
            f"Received: {asked.quantize}"
        )
    found = samples.read(predictor, content, asked.data, asked.cache_dir, screen)
    calibration = _calibration(asked, found)
    own = by_batches(lambda some: _own(predictor, some), found.values)
    expected = by_batches(source.runner(), found.values)
    with target.written(where) as building:
        FORMATS[asked.format].write(source, building.model, calibration)
        run = FORMATS[asked.format].run(building.model, threads)
        parity = measure.compare(by_batches(run, found.values), expected, own, found, source.outputs)
        flag = f"--quantize={asked.quantize}" if calibration is not None else f"--format={asked.format}"
        agreement = asked.agreement if calibration is not None else None
        measure.check(parity, found, flag, agreement, source.outputs.target)
        export = _described(
            asked,
            content,
            source,
            found=found,
            parity=parity,
            run=run,
            building=building,
            threads=threads,
        )
        description.write(export, building, where.model.name)
    return _lines(export, where)


def _own(predictor: Predictor, some: Values) -> Values:
    return np.stack([answer.probabilities for answer in predictor.of_values(some)])


def _calibration(asked: Asked, found: Samples) -> Values | None:
    """Returns the samples that fix the ranges of integers; None for floating-point numbers.

    Raises:
      UsageError: there are no training samples.
    """
    if asked.quantize == "none":
        return None
    if not len(found.calibration):
        raise UsageError(
            "`--data` must name training samples for `--quantize=int8`, as in trainer.task. Received: nothing, and the "
            "model's data cannot be read here"
        )
    return found.calibration


def _threads(asked: Asked) -> int:
    """Returns the threads of the runtime: TensorFlow's cannot be changed once it runs, and are then 0."""
    if asked.format not in _OF_TENSORFLOW:
        return asked.threads
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(asked.threads)
        tf.config.threading.set_inter_op_parallelism_threads(asked.threads)
    return int(tf.config.threading.get_intra_op_parallelism_threads())


def _described(
    asked: Asked,
    content: Mapping[str, Any],
    source: Source,
    *,
    found: Samples,
    parity: measure.Parity,
    run: Run,
    building: Target,
    threads: int,
) -> Export:
    milliseconds, calls = measure.latency(run, found.values[:1])
    return Export(
        format=asked.format,
        quantize=asked.quantize,
        source=source,
        packages=plain.needs(plain.with_keras_layers(source.model)) if asked.format == "keras" else (),
        samples=found.name,
        parity=parity,
        agreement=asked.agreement if asked.quantize != "none" else None,
        milliseconds=milliseconds,
        calls=calls,
        threads=threads,
        size=measure.size(building.model),
        precision=content.get("precision", {}).get("name", "float32"),
        model=next((one.sha256 for one in card.files(content) if one.name == KERAS), ""),
    )


def _lines(export: Export, where: Target) -> list[str]:
    return [
        f"{where.model}: {export.title}, {export.size:,} bytes; {export.speed()}",
        " ".join(export.comparison()),
        f"inside: {export.inside}",
        f"input: {export.caller}",
        f"card: {where.readme}, {where.record}",
    ]
