"""The predictions for the samples that one fold of a cross-validation holds out, as an `.npz` file."""

import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer import files
from trainer.errors import UsageError, one_line
from trainer.hparams import CLASSES

FOLDER, NAME = "folds", "predictions.npz"  # of the folds in the folder of the run, and of the file in that of a fold


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """The predictions of a network for samples that it was not trained on.

    Attributes:
      names: of the samples: their files, or their numbers in the training part, counted from 0.
      targets: class numbers, int32 `(samples,)`; of labels and numbers float32 `(samples, outputs)`.
      probabilities: of each class or label; of numbers the predicted numbers: float32 `(samples, outputs)`.
      class_names: in the order of the probabilities.
      kind: what one sample is, such as image.
      target: classes, labels or numbers.
    """

    names: Sequence[str]
    targets: npt.NDArray[Any]
    probabilities: npt.NDArray[np.float32]
    class_names: Sequence[str]
    kind: str
    target: str = CLASSES

    @property
    def samples(self) -> str:
        """What the samples are, in the plural, such as images."""
        return f"{self.kind}s"

    def write(self, path: Path) -> None:
        """Writes the file.

        Raises:
          OSError: it cannot be written.
        """
        content = io.BytesIO()
        np.savez(
            content,
            names=np.array(self.names, np.str_),
            targets=self.targets,
            probabilities=self.probabilities,
            class_names=np.array(self.class_names, np.str_),
            kind=np.array(self.kind),
            target=np.array(self.target),
        )
        files.replace(path, content.getbuffer())

    @classmethod
    def read(cls, path: Path) -> "HeldOut":
        """Returns the content of a file.

        Raises:
          FileNotFoundError: there is none.
          UsageError: it is not such a file.
        """
        try:
            # NumPy leaves a broken file open.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
                arrays: dict[str, npt.NDArray[Any]] = {name: found[name] for name in found.files}
            held = cls(
                arrays["names"].tolist(),
                arrays["targets"],
                arrays["probabilities"],
                arrays["class_names"].tolist(),
                str(arrays["kind"]),
                str(arrays.get("target", CLASSES)),  # an earlier version had no other
            )
            shape = len(held.names), len(held.class_names)
            if held.targets.shape not in (shape[:1], shape) or held.probabilities.shape != shape:
                raise ValueError("arrays of other shapes")
        except FileNotFoundError:
            raise
        except Exception as error:  # NumPy and its zip reader raise many kinds
            raise UsageError(
                f"{path}: must be the predictions of a fold; remove it, and the same command writes it again. "
                f"Received: {one_line(str(error))}"
            ) from None
        return held


def path_of(root: Path, number: int) -> Path:
    """Returns the file of a fold, counted from 1, below the folder of a run."""
    return root / FOLDER / str(number) / NAME
