"""Explained answers as files: each sample beside what decides its class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trainer.errors import UsageError, one_line
from trainer.files import expanded
from trainer.insight.explained import NAMES
from trainer.serving.explanations import Explanation, Explanations
from trainer.serving.predictor import BrokenSampleError, Predictor, Values
from trainer.tensorboard import summaries
from trainer.tensorboard.draw import sheets, text
from trainer.tensorboard.draw.decides import what_decides
from trainer.tensorboard.draw.scale import Scale

_NAME, _CLASS = 240, 120  # pixels of a sample's name and of a class's
_MOST_LETTERS = 100  # of a file's name


def checked(folder: str) -> Path:
    """Returns a folder for pictures.

    Raises:
      UsageError: it is in a bucket, or is not new or empty.
    """
    path = Path(expanded(folder))
    reason = ""
    try:
        if folder.startswith("gs://"):
            reason = "in a bucket"
        elif path.is_dir():
            found = next(path.iterdir(), None)
            reason = f"contains {found.name}" if found else ""
        elif path.exists():
            reason = "a file"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise UsageError(f"`--explain` must be a new or empty folder on this machine. Received: {folder} ({reason})")
    return path


class AnswerPictures:
    """Writes a picture for each sample into a folder: the sample, and what says something for its class or against it.

    Args:
      predictor: of the model.
      folder: from `checked`; is made.

    Raises:
      UsageError: the model cannot be loaded with Keras here, or the folder cannot be made.
    """

    def __init__(self, predictor: Predictor, folder: Path):
        self._explanations, form = Explanations(predictor), predictor.form
        self._predictor = predictor
        self._scale = Scale(predictor.kind.name, form.low, form.high, form.spread, form.spacing, form.unit)
        self._folder, self._written = folder, set[str]()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(folder, error) from None

    def write(self, samples: Sequence[bytes | Values], names: Sequence[str]) -> list[str]:
        """Returns the name of each sample's picture; empty for a sample that cannot be read.

        Args:
          samples: files' contents, or raw values.
          names: of the samples, as a person gave them.

        Raises:
          UsageError: a picture cannot be written.
        """
        found = self._explanations.of(samples)
        return [
            "" if isinstance(one, BrokenSampleError) else self._write(one, name)
            for one, name in zip(found, names, strict=True)
        ]

    def _write(self, found: Explanation, name: str) -> str:
        answer = found.answer
        output = text.isolated(self._predictor.classes[found.index], _CLASS)
        said = text.isolated(self._predictor.outputs.caption(answer), 2 * _CLASS)
        title = f"{text.isolated(one_line(Path(name).name), _NAME)}: {said}; evidence for {output}"
        maps = {NAMES[self._explanations.method]: np.asarray(found.map)}
        picture = sheets.shown(what_decides(found.values, maps, title, self._scale))
        file = self._free(name)
        try:
            with (self._folder / file).open("xb") as stream:
                stream.write(summaries.png(picture))
        except OSError as error:
            raise _unwritable(self._folder, error) from None
        return file

    def _free(self, name: str) -> str:
        """Returns a file name after a sample's; samples of one name are numbered."""
        stem = (Path(name).name if name != "-" else "stdin").replace(":", "-")[:_MOST_LETTERS]
        stem = stem[: -len(Path(stem).suffix)] if Path(stem).suffix.lower() in _IMAGES else stem
        number, file = 1, f"{stem}.png"
        while file in self._written:
            number += 1
            file = f"{stem}-{number}.png"
        self._written.add(file)
        return file


_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")


def _unwritable(folder: Path, error: OSError) -> UsageError:
    return UsageError(
        f"`--explain` must be a folder that can be written. Received: {folder} ({error.strerror or error})"
    )
