"""A data set: samples to train on, to validate with and to test with."""

import dataclasses
import os
from collections.abc import Mapping, Sequence

import tensorflow as tf

from trainer.data.fingerprint import Fingerprint
from trainer.data.form import Form
from trainer.data.kinds import example, known
from trainer.data.stores.files import Files
from trainer.data.stores.store import Store
from trainer.hparams import CLASSES


@dataclasses.dataclass(frozen=True)
class Dataset:
    """The three splits of a data set. The test split is only used at the end of a run.

    Attributes:
      train: the samples to train on.
      validation: the samples that choose the best epoch.
      test: the samples that measure the final accuracy; empty in the final run of a cross-validation whose data have
        no test part.
      classes: the number of classes, or of labels or numbers.
      class_names: in the order of the targets; their numbers if the data set has no names.
      fingerprint: identifies the data set; empty if it was not computed.
      held_out: the names of the test samples if they are a fold of a cross-validation, else empty: their files, or, of
        samples in arrays, their numbers in the training part, counted from 0.
      target: classes, labels or numbers; the targets of the last two are `(count, classes)`.
      left_out: a line about each sample that `--skip_broken=yes` left out.
      given_names: the names of the samples of each part, if they are in memory; see `names`.
    """

    train: Store
    validation: Store
    test: Store
    classes: int
    class_names: Sequence[str] = ()
    fingerprint: Fingerprint = dataclasses.field(default_factory=Fingerprint)
    held_out: Sequence[str] = ()
    left_out: Sequence[str] = ()
    target: str = CLASSES
    given_names: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        names = self.class_names or map(str, range(self.classes))
        object.__setattr__(self, "class_names", tuple(names))

    def names(self, part: str) -> Sequence[str]:
        """Returns the names of the samples of a part: their files, or their numbers in the part that is given.

        Empty for a data set that several runs share.
        """
        store = getattr(self, part)
        if isinstance(store, Files):
            return [store.locations.name(index) for index in range(len(store))]
        return self.given_names.get(part, ())

    @property
    def sample(self) -> str:
        """A file with a test sample, as an example for the model; empty if none has a printable name.

        For videos it is a folder of frames. Without a test part it is a validation sample.
        """
        test = self.test if len(self.test) else self.validation
        if not isinstance(test, Files) or test.locations.has_parts:
            return ""
        name = os.fsdecode(test.locations.files[test.locations.rows[0, 0]])
        return "" if not name.isprintable() else f"./{name}" if name.startswith("-") else name

    def example(self) -> tuple[str, bytes]:
        """Returns the suffix and the content of a file with the first test sample, or validation sample without any.

        Raises:
          tf.errors.OpError: it cannot be read.
        """
        store = self.test if len(self.test) else self.validation
        first = store.read(
            tf.data.Dataset.from_tensors(0), lambda _: tf.constant([0], tf.int64), lambda _, found: found
        )
        return example.example(next(iter(first)).numpy()[0], known.kind_of(self.form))

    @property
    def form(self) -> Form:
        """The form of every sample."""
        return self.train.form
