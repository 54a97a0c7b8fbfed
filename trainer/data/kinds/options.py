"""What a user asks of the samples of a data set."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class SampleOptions:
    """How samples are brought to one form, and what happens to broken ones.

    Attributes:
      size: of every spatial axis; 0 keeps the samples' own sizes, or, of files that differ or are large, takes the
        kind's default.
      color: grey, rgb, or auto: grey where all samples are.
      skip_broken: whether samples that cannot be read are left out; otherwise the first one is an error.
    """

    size: int = 0
    color: str = "auto"
    skip_broken: bool = False
