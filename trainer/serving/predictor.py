"""An exported model that answers: which class, with which probability."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds.image.header import Header
from trainer.data.kinds.reason import reason_of
from trainer.errors import UsageError
from trainer.serving import card, signature
from trainer.serving.card import File
from trainer.serving.folder import readable

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


class BrokenImageError(ValueError):
    """An image cannot be read. Its message says why, but not which one."""


class Predictor:
    """Answers for batches of images.

    Args:
      folder: `model/` of a finished run, or a copy of it.
      maximum_pixels: of one image, before it is brought to the model's size.

    Attributes:
      classes: their names, in the order of the probabilities.
      form: of what the model takes.

    Raises:
      UsageError: it is no such folder, or a file is not what was written.
    """

    def __init__(self, folder: Path, maximum_pixels: int = 100_000_000):
        content = card.read(folder)
        for file in card.files(content):
            _check(folder, file)
        self.classes: list[str] = content["classes"]
        self.form: Form = card.form(content)
        self._maximum_pixels = maximum_pixels
        try:
            with readable(folder) as path:
                self._loaded = tf.saved_model.load(path)  # whose functions live as long as it does
            self._bytes, self._array = (self._loaded.signatures[name] for name in (signature.BYTES, signature.ARRAY))
        except (OSError, KeyError):
            raise UsageError(f"`--model` must hold a SavedModel with its signatures. Received: {folder}") from None

    def of_encoded(self, images: Sequence[bytes]) -> list[Answer | BrokenImageError]:
        """Returns for each encoded image an answer, or why there is none."""
        answers: list[Answer | BrokenImageError | None] = [self._fault(image) for image in images]
        sound = [index for index, fault in enumerate(answers) if fault is None]
        for index, answer in zip(sound, self._decoded([images[index] for index in sound]), strict=True):
            answers[index] = answer
        return [answer for answer in answers if answer is not None]

    def of_values(self, samples: npt.ArrayLike) -> list[Answer]:
        """Returns an answer for each sample of `(batch, *spatial, channels)`, raw values."""
        return self._answers(self._array(**{signature.ARRAY_INPUT: tf.constant(samples, tf.float32)}))

    def warm_up(self) -> None:
        """Answers once from values and once from an encoded image: each first call takes a quarter of a second more."""
        black = np.zeros(self.form.shape, np.uint8)
        self.of_values(black[np.newaxis])
        self.of_encoded([tf.io.encode_png(black).numpy()])

    def _fault(self, image: bytes) -> BrokenImageError | None:
        """Returns what the first bytes of a file show to be wrong, before anything is decoded."""
        try:
            header = Header.read(image)
        except ValueError as error:
            return BrokenImageError(str(error))
        pixels = header.height * header.width
        if pixels > self._maximum_pixels:
            return BrokenImageError(f"{pixels:,} pixels; at most {self._maximum_pixels:,} are read")
        return None

    def _decoded(self, images: Sequence[bytes]) -> list[Answer | BrokenImageError]:
        """Answers for a batch at once or, where that fails, for each half of it, down to the broken one."""
        if not images:
            return []
        try:
            return [*self._answers(self._bytes(**{signature.BYTES_INPUT: tf.constant(list(images), tf.string)}))]
        except (tf.errors.InvalidArgumentError, tf.errors.CancelledError) as error:
            if len(images) == 1:
                return [BrokenImageError(reason_of(error))]
        half = len(images) // 2
        return [*self._decoded(images[:half]), *self._decoded(images[half:])]

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
