"""The user's options for the samples of a data set."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class SampleOptions:
    """How samples are converted to one form, and what happens to broken ones.

    Attributes:
      size: pixels of a side of images; 0 keeps their own sizes, or, of files that differ or are large, takes
        `usual_size`.
      color: of images: grey, rgb, or auto: grey where all of them are.
      length: positions of signals; 0 is the most that a training signal has.
      rate: the rate in Hz that signals from audio files are resampled to; 0 is the lowest of the files.
      volume_size: positions of a side of volumes; 0 keeps their own, or, of files that differ or are large, takes the
        kind's default.
      rank: the number of spatial axes, where arrays can be read in two ways; 0 where it follows from the data.
      usual_size: see `size`; at 224 pixels the default network has 103 million parameters and trains in 8 GB, at 96
        it has 19 million.
      for_training: whether arrays and series must have a training part, and two classes in it.
      skip_broken: whether unreadable samples are skipped; otherwise the first one is an error.
    """

    size: int = 0
    color: str = "auto"
    length: int = 0
    rate: int = 0
    volume_size: int = 0
    rank: int = 0
    usual_size: int = 96
    for_training: bool = True
    skip_broken: bool = False
