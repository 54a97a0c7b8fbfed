"""An exported model that answers: which class, with which probability."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds import known
from trainer.data.kinds.reason import reason_of
from trainer.errors import UsageError
from trainer.serving import card, signature
from trainer.serving.card import File
from trainer.serving.folder import readable

Read = Callable[[bytes, Form], npt.NDArray[Any]]

_UNITS = {1: "points", 2: "pixels", 3: "voxels"}  # by rank

Values = npt.NDArray[np.float32]  # of one sample, `(*spatial, channels)`


@dataclasses.dataclass(frozen=True)
class Answer:
    """The class of one sample.

    Attributes:
      name: the most probable class.
      probability: its own.
      probabilities: of all classes, float32 `(classes,)`.
    """

    name: str
    probability: float
    probabilities: npt.NDArray[np.float32]


class BrokenSampleError(ValueError):
    """A sample cannot be read. Its message says why, but not which one."""


class Predictor:
    """Answers for batches of samples.

    Args:
      folder: `model/` of a finished run, or a copy of it.
      most_positions: of one sample, such as an image's pixels, before it is brought to the model's size.

    Attributes:
      classes: their names, in the order of the probabilities.
      form: of what the model takes.
      kind: of samples.

    Raises:
      UsageError: it is no such folder, or a file is not what was written.
    """

    def __init__(self, folder: Path, most_positions: int = 100_000_000):
        content = card.read(folder)
        for file in card.files(content):
            _check(folder, file)
        self.classes: list[str] = content["classes"]
        self.form: Form = card.form(content)
        self.kind = known.kind_of(self.form)
        self._most_positions = most_positions
        try:
            with readable(folder) as path:
                self._loaded = tf.saved_model.load(path)  # whose functions live as long as it does
            self._bytes, self._array = (self._loaded.signatures[name] for name in (signature.BYTES, signature.ARRAY))
        except (OSError, KeyError):
            raise UsageError(f"`--model` must hold a SavedModel with its signatures. Received: {folder}") from None

    def of_encoded(self, contents: Sequence[bytes]) -> list[Answer | BrokenSampleError]:
        """Returns for each file's content an answer, or why there is none."""
        answers: list[Answer | BrokenSampleError | None] = [self._fault(content) for content in contents]
        sound = [index for index, fault in enumerate(answers) if fault is None]
        read, chosen = self.kind.read, [contents[index] for index in sound]
        for index, found in zip(sound, self._read(read, chosen) if read else self._decoded(chosen), strict=True):
            answers[index] = found
        return [found for found in answers if found is not None]

    def of_values(self, samples: npt.ArrayLike) -> list[Answer]:
        """Returns an answer for each sample of `(batch, *spatial, channels)`, raw values."""
        return self._answers(self._array(**{self.kind.name: tf.constant(samples, tf.float32)}))

    def warm_up(self) -> None:
        """Answers once from values and once from a file's content: each first call takes a quarter of a second more."""
        nothing = np.zeros(self.form.shape, np.uint8)
        self.of_values(nothing[np.newaxis])
        self.of_encoded([self.kind.encode(nothing)])

    def _fault(self, content: bytes) -> BrokenSampleError | None:
        """Returns what the header of a file shows to be wrong, before anything is decoded."""
        try:
            extent = self.kind.extent(self.kind.read_header(content, len(content)))
        except ValueError as error:
            return BrokenSampleError(str(error))
        if extent > self._most_positions:
            unit = _UNITS[self.form.rank]
            return BrokenSampleError(f"{extent:,} {unit}; at most {self._most_positions:,} are read")
        return None

    def _read(self, read: Read, contents: Sequence[bytes]) -> list[Answer | BrokenSampleError]:
        """Answers for files that the SavedModel does not decode."""
        values: list[Values] = []
        answers: list[Answer | BrokenSampleError | None] = []
        for content in contents:
            try:
                values.append(np.asarray(read(content, self.form), np.float32))
                answers.append(None)
            except ValueError as error:
                answers.append(BrokenSampleError(str(error)))
        found = iter(self.of_values(np.stack(values)) if values else [])
        return [next(found) if answer is None else answer for answer in answers]

    def _decoded(self, contents: Sequence[bytes]) -> list[Answer | BrokenSampleError]:
        """Answers for a batch at once or, where that fails, for each half of it, down to the broken one."""
        if not contents:
            return []
        try:
            encoded = tf.constant(list(contents), tf.string)
            return [*self._answers(self._bytes(**{self.kind.name + signature.BYTES_SUFFIX: encoded}))]
        except (tf.errors.InvalidArgumentError, tf.errors.CancelledError) as error:
            if len(contents) == 1:
                return [BrokenSampleError(reason_of(error))]
        half = len(contents) // 2
        return [*self._decoded(contents[:half]), *self._decoded(contents[half:])]

    def _answers(self, outputs: dict[str, Any]) -> list[Answer]:
        named = (outputs[name].numpy() for name in ("class", "probability", "probabilities"))
        return [
            Answer(name.decode(), float(probability), probabilities)
            for name, probability, probabilities in zip(*named, strict=True)
        ]


def _check(folder: Path, file: File) -> None:
    try:
        is_sound = File.of(folder, file.name) == file
    except OSError as error:
        raise UsageError(
            f"`--model` must hold the files in its {card.JSON}. Received: {folder} ({file.name}: {error.strerror})"
        ) from None
    if not is_sound:
        raise UsageError(
            f"`--model` must hold its files as they were written. Received: {folder} ({file.name}, by its checksum)"
        )
