"""The predictions of an evaluation, in files of some hundred samples each: what is written is not predicted again.

Shards write different files of one folder. Whichever shard finds all files there computes the results.
"""

import dataclasses
import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer import files
from trainer.errors import StorageError, UsageError
from trainer.evaluate.destination import Destination

FOLDER = "predictions"
_PLAN = "plan.json"
_FORMAT = 1
_FEWEST, _MOST = 16, 256  # samples of a file: at most so many are lost when the program is killed
_FILES = 32  # of a small data set, so that shards share it evenly

Probabilities = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Part:
    """The predictions of consecutive samples.

    Attributes:
      probabilities: `(samples, classes)`, or those of labels, or numbers; NaN for a sample that cannot be read.
      broken: why a sample cannot be read, by its number in this part.
    """

    probabilities: Probabilities
    broken: Mapping[int, str]


class Predictions:
    """The files of predictions in a folder.

    Args:
      destination: the folder of the results, which gets the folder of the predictions.
      count: of the samples.
      about: identifies model and samples: a folder contains the predictions of one evaluation.

    Raises:
      UsageError: the folder contains something else.
      StorageError: it cannot be written.
    """

    def __init__(self, destination: Destination, count: int, about: Mapping[str, str]):
        self._destination, self._count = destination, count
        self._folder = destination.folder / FOLDER
        self._step = min(_MOST, max(_FEWEST, -(-count // _FILES)))
        plan = {"format": _FORMAT, "samples": count, "step": self._step, **about}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / _PLAN
            former = _read_plan(path) if path.exists() else None
            if former is None:
                self._replace(path, json.dumps(plan, indent=2).encode() + b"\n")
        except OSError as error:
            raise _unwritable(destination.location, error) from None
        differ = [name for name in plan if former is not None and former.get(name) != plan[name]]
        if differ:
            others = " and ".join(sorted({*map(_noun, differ)}))
            raise UsageError(
                f"`--out` must be a new folder, or that of the same evaluation. "
                f"Received: {destination.location}, with the predictions of other {others}"
            )

    @property
    def files(self) -> range:
        """The numbers of all files."""
        return range(-(-self._count // self._step))

    def span(self, number: int) -> tuple[int, int]:
        """Returns the first sample of a file, and the one after its last."""
        return number * self._step, min((number + 1) * self._step, self._count)

    def missing(self) -> list[int]:
        """Returns the numbers of the files that are not there."""
        there = {path.name for path in self._folder.iterdir()}
        return [number for number in self.files if self._path(number).name not in there]

    def write(self, number: int, part: Part) -> None:
        """Writes a file.

        Raises:
          StorageError: it cannot be written.
        """
        content = io.BytesIO()
        np.savez(
            content,
            probabilities=part.probabilities,
            broken=np.array([*part.broken], np.int64),
            reasons=np.array([*part.broken.values()], np.str_),
        )
        try:
            self._replace(self._path(number), content.getbuffer())
        except OSError as error:
            raise _unwritable(self._destination.location, error) from None

    def outputs(self) -> Iterator[tuple[int, Probabilities]]:
        """Yields the first sample of each file, and its probabilities."""
        for first, part in self.read():
            yield first, part.probabilities

    def read(self) -> Iterator[tuple[int, Part]]:
        """Yields the first sample of each file, and its predictions.

        Raises:
          UsageError: a file is damaged.
        """
        for number in self.files:
            path, (first, last) = self._path(number), self.span(number)
            try:
                with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
                    probabilities: Probabilities = found["probabilities"]
                    broken = dict(zip(found["broken"].tolist(), found["reasons"].tolist(), strict=True))
                if len(probabilities) != last - first:
                    raise ValueError("another number of samples")
            except Exception as error:  # NumPy and its zip reader raise many kinds
                raise UsageError(
                    f"{path}: must contain predictions; remove it, and the same command writes it again. "
                    f"Received: {error}"
                ) from None
            yield first, Part(probabilities, broken)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.npz"

    def _replace(self, path: Path, content: bytes | memoryview) -> None:
        # Two processes may write the same file, with the same content.
        files.replace(path, content, partial=path.with_name(f".{path.name}.{os.getpid()}.partial"))
        self._destination.send(path)


def _read_plan(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
        return found if isinstance(found, dict) else {}
    except ValueError:
        return {}


def _noun(name: str) -> str:
    return "model" if name == "model" else "samples"


def _unwritable(location: str, error: OSError) -> StorageError:
    return StorageError(f"`--out` cannot be written: {location} ({error.strerror or error})")
