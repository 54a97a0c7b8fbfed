"""A data set: samples to train on, to validate with and to test with."""

import dataclasses
import os
from collections.abc import Sequence

from trainer.data.fingerprint import Fingerprint
from trainer.data.form import Form
from trainer.data.stores.files import Files
from trainer.data.stores.store import Store


@dataclasses.dataclass(frozen=True)
class Dataset:
    """The three splits of a data set. The test split is only used at the end of a run.

    Attributes:
      train: the samples to train on.
      validation: the samples that choose the best epoch.
      test: the samples that measure the final accuracy.
      classes: the number of classes.
      class_names: in the order of the targets; their numbers if the data set has no names.
      fingerprint: identifies the data set; empty if it was not computed.
      left_out: a line about each sample that `--skip_broken=yes` left out.
    """

    train: Store
    validation: Store
    test: Store
    classes: int
    class_names: Sequence[str] = ()
    fingerprint: Fingerprint = dataclasses.field(default_factory=Fingerprint)
    left_out: Sequence[str] = ()

    def __post_init__(self) -> None:
        names = self.class_names or map(str, range(self.classes))
        object.__setattr__(self, "class_names", tuple(names))

    @property
    def sample(self) -> str:
        """A file with a test sample, as an example for the model; empty if none has a printable name.

        For videos it is a folder of frames.
        """
        test = self.test
        if not isinstance(test, Files) or test.locations.has_parts:
            return ""
        name = os.fsdecode(test.locations.files[test.locations.rows[0, 0]])
        return "" if not name.isprintable() else f"./{name}" if name.startswith("-") else name

    @property
    def form(self) -> Form:
        """The form of every sample."""
        return self.train.form
