"""An exported model that answers: which class, with which probability; which labels; which numbers."""

import functools
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

import trainer.layers  # noqa: F401  model.keras names them
from trainer.data.form import Form
from trainer.data.kinds import known, npy, stored
from trainer.data.kinds.reason import reason_of
from trainer.errors import UsageError
from trainer.networks import saved
from trainer.objectives.outputs import Answer
from trainer.serving import card, signature
from trainer.serving.card import GRAPH, KERAS, File
from trainer.serving.folder import readable

__all__ = ["Answer", "BrokenSampleError", "Predictor", "Values"]

Result = TypeVar("Result")

_UNITS = {1: "points", 2: "pixels", 3: "voxels"}  # by rank

Values = npt.NDArray[np.float32]  # of one sample, `(*spatial, channels)`
_Compute = Callable[[tf.Tensor], dict[str, tf.Tensor]]  # from a batch to what `Outputs.answers` takes, by name


class BrokenSampleError(ValueError):
    """A sample cannot be read. Its message says why, but not which one."""


class Predictor:
    """Answers for batches of samples.

    It computes with the SavedModel if the model has one, else with `model.keras`. A model with layers of a person's own
    has one, so that their code is not needed.

    Args:
      folder: `model/` of a finished run, or a copy of it.
      most_positions: of one sample, such as an image's pixels, before it is brought to the model's size.

    Attributes:
      outputs: what its outputs mean.
      classes: the names of the classes, labels or numbers, in the order of the outputs.
      form: of what the model takes.
      kind: of samples.
      folder: of the model.

    Raises:
      UsageError: it is no such folder, or a file is not what was written.
    """

    def __init__(self, folder: Path, most_positions: int = 100_000_000):
        self.folder, content = folder, card.read(folder)
        for file in card.files(content):
            _check(folder, file)
        self.classes: list[str] = content["classes"]
        self.outputs = card.outputs(content)
        self.form: Form = card.form(content)
        self.kind = known.kind_of(self.form)
        self._most_positions = most_positions
        has_graph = any(file.name == GRAPH for file in card.files(content))
        self._bytes, self._array = self._of_graph() if has_graph else self._of_model()

    def of_encoded(self, contents: Sequence[bytes]) -> list[Answer | BrokenSampleError]:
        """Returns for each file's content an answer, or why there is none."""
        opened = [self._opened(content) for content in contents]
        encoded = iter(_in_halves(self._decoded, [one for one in opened if isinstance(one, bytes)]))
        arrays = [one for one in opened if isinstance(one, np.ndarray)]
        values = iter(self.of_values(np.stack(arrays)) if arrays else [])
        return [
            one if isinstance(one, BrokenSampleError) else next(encoded) if isinstance(one, bytes) else next(values)
            for one in opened
        ]

    def of_values(self, samples: npt.ArrayLike) -> list[Answer]:
        """Returns an answer for each sample of `(batch, *spatial, channels)`, raw values."""
        return self._answers(self._array(tf.constant(samples, tf.float32)))

    @functools.cached_property
    def model(self) -> keras.Model:
        """The model itself, from raw values to logits or numbers, not compiled.

        Raises:
          UsageError: it cannot be loaded here, for example because it has layers of a person's own.
        """
        return saved.read(str(self.folder / KERAS), "", "model")

    def named(self, logits: npt.NDArray[np.float32]) -> list[Answer]:
        """Returns the answers that logits, `(batch, classes)`, mean."""
        return self.outputs.named(logits)

    def values_of(self, contents: Sequence[bytes]) -> list[Values | BrokenSampleError]:
        """Returns each file's content as the values that the model takes, or why it cannot be read."""
        opened = [self._opened(content) for content in contents]
        encoded = iter(_in_halves(self._values, [one for one in opened if isinstance(one, bytes)]))
        return [next(encoded) if isinstance(one, bytes) else one for one in opened]

    def _of_graph(self) -> tuple[_Compute, _Compute]:
        """Returns the functions of the SavedModel: from files' contents, and from raw values."""
        try:
            with readable(self.folder) as path:
                loaded = tf.saved_model.load(path)
            of_bytes, of_array = (loaded.signatures[name] for name in (signature.BYTES, signature.ARRAY))
        except (OSError, KeyError):
            raise UsageError(
                f"`--model` must contain a SavedModel with its signatures. Received: {self.folder}"
            ) from None
        name = self.kind.name

        def of_encoded(encoded: tf.Tensor, _: object = loaded) -> Any:  # its functions live as long as it does
            return of_bytes(**{name + signature.BYTES_SUFFIX: encoded})

        return of_encoded, lambda samples: of_array(**{name: samples})

    def _of_model(self) -> tuple[_Compute, _Compute]:
        """Returns the same functions of `model.keras`."""
        made = signature.functions(self.model, self.outputs, self.kind.name, self.kind.exported(self.form))
        return made[signature.BYTES], made[signature.ARRAY]

    def _values(self, encoded: tf.Tensor) -> list[Values]:
        return [*self._decode(encoded).numpy()]

    @functools.cached_property
    def _decode(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """The function from files' contents to values, as the SavedModel has it."""
        one, spec = self.kind.exported(self.form), tf.TensorSpec(self.form.shape, tf.float32)

        def values(content: tf.Tensor) -> tf.Tensor:
            return tf.ensure_shape(tf.cast(one(content), tf.float32), spec.shape)

        decode: Callable[[tf.Tensor], tf.Tensor] = tf.function(
            lambda encoded: tf.map_fn(values, encoded, fn_output_signature=spec),
            [tf.TensorSpec((None,), tf.string)],
            autograph=False,
        )
        return decode

    def warm_up(self) -> None:
        """Answers once from values and once from a file's content: each first call takes a quarter of a second more."""
        nothing = np.zeros(self.form.shape, np.uint8)
        self.of_values(nothing[np.newaxis])
        self.of_encoded([self.kind.encode(nothing)])

    def _opened(self, content: bytes) -> bytes | Values | BrokenSampleError:
        """Returns a content that the SavedModel decodes, or its values where it does not, or why it cannot be read."""
        try:
            if content.startswith(npy.MAGIC) and self.kind.read is None:
                return self._array_of(content)
            extent = self.kind.extent(self.kind.read_header(content, len(content)))
            if extent > self._most_positions:
                unit = _UNITS[self.form.rank]
                return BrokenSampleError(f"{extent:,} {unit}; at most {self._most_positions:,} are read")
            return content if self.kind.read is None else np.asarray(self.kind.read(content, self.form), np.float32)
        except ValueError as error:
            return BrokenSampleError(str(error))

    def _array_of(self, content: bytes) -> Values:
        """Returns the values of an `.npy` file, which have the model's own shape, or lack the axis of one channel."""
        npy.header(content)
        array: npt.NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
        array = stored.plain(array, array.shape, self.form.rank)
        array = array[..., np.newaxis] if array.shape == self.form.sizes and self.form.channels == 1 else array
        if array.shape != self.form.shape:
            raise ValueError(f"an array of shape {array.shape}; the model takes {self.form.shape}")
        return array.astype(np.float32)

    def _decoded(self, encoded: tf.Tensor) -> list[Answer]:
        return self._answers(self._bytes(encoded))

    def _answers(self, outputs: dict[str, tf.Tensor]) -> list[Answer]:
        return self.outputs.answers({name: value.numpy() for name, value in outputs.items()})


def _in_halves(
    work: Callable[[tf.Tensor], Sequence[Result]], contents: Sequence[bytes]
) -> list[Result | BrokenSampleError]:
    """Returns the results of a batch at once or, where that fails, of each half of it, down to the broken one."""
    if not contents:
        return []
    try:
        return [*work(tf.constant(list(contents), tf.string))]
    except (tf.errors.InvalidArgumentError, tf.errors.CancelledError) as error:
        if len(contents) == 1:
            return [BrokenSampleError(reason_of(error))]
    half = len(contents) // 2
    return [*_in_halves(work, contents[:half]), *_in_halves(work, contents[half:])]


def _is_of_study(folder: Path) -> bool:
    return any((above / "study.json").exists() for above in folder.absolute().parents[1:2])


def _check(folder: Path, file: File) -> None:
    try:
        is_sound = File.of(folder, file.name) == file
    except OSError as error:
        why = "only the best trials of a study keep their models: --keep_models" if _is_of_study(folder) else ""
        reason = f"{file.name}: {error.strerror}{'; ' if why else ''}{why}"
        raise UsageError(
            f"`--model` must contain the files of its {card.JSON}. Received: {folder} ({reason})"
        ) from None
    if not is_sound:
        raise UsageError(f"`--model` must contain unchanged files. Received: {folder} ({file.name}, by its checksum)")
