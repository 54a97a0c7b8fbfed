"""The header of a volume's file, in its first bytes: format, sizes, spacing."""

import dataclasses
import math

import numpy as np

from trainer.data.kinds import archive, npy
from trainer.data.kinds.volume import frames, gif, nifti

FORMATS = "NIfTI, .npy or GIF"
MAXIMUM_VOXELS = 2**28  # 1 GB in float32, as 512x512x1024; a small file can ask for any number
MOST_CHANNELS = 16  # of an .npy file: a longer last axis is another one, as where the channels are the first

NIFTI, NPY, GIF, FRAMES = "NIfTI", "npy", "GIF", "frames"


@dataclasses.dataclass(frozen=True, slots=True)  # a data set has as many as volumes
class Header:
    """One volume's format, its sizes and its values.

    Attributes:
      format: NIfTI, npy, GIF, or frames, which are image files in an archive.
      sizes: `(depth, height, width)`; of a GIF and of frames the depth is their number, of NIfTI the axes go to the
        right, to the front and up.
      channels: values of a voxel.
      is_bytes: whether they are whole numbers from 0 to 255, and stored so; or truth values, which are 0 and 255.
      spacing: of voxels along each axis, in millimetres; empty if unknown.
      orientation: where the axes of NIfTI pointed to before, as LPS; empty where the file does not say it.
    """

    format: str
    sizes: tuple[int, int, int]
    channels: int
    is_bytes: bool
    spacing: tuple[float, ...] = ()
    orientation: str = ""

    @classmethod
    def read(cls, content: bytes) -> "Header":
        """Returns the header of a file's content: the whole content of a GIF, the first bytes of each frame.

        Raises:
          ValueError: it cannot be read; the message gives the reason. UsageError where a package is missing.
        """
        if not content:
            raise ValueError("an empty file")
        content = bytes(content)
        found = _read(content)
        voxels = found.voxels * found.channels
        if voxels > MAXIMUM_VOXELS:
            raise ValueError(f"{voxels:,} values; at most {MAXIMUM_VOXELS:,} are read")
        return found

    @property
    def voxels(self) -> int:
        """The number of positions that are decoded at once: frames are made smaller one by one."""
        return math.prod(self.sizes[1:] if self.format == FRAMES else self.sizes)


def _read(content: bytes) -> Header:
    if content[: len(gif.MAGIC)] == gif.MAGIC:
        video = gif.header(content)
        sizes = video.frames, video.height, video.width
        return Header(GIF, sizes, 1 if video.is_grey else 3, True)
    if archive.is_one(content):
        sizes, is_grey = frames.read_header(content)
        return Header(FRAMES, sizes, 1 if is_grey else 3, True)
    if content[: len(npy.MAGIC)] == npy.MAGIC:
        array = npy.header(content)
        if len(array.shape) not in (3, 4) or math.prod(array.shape[3:]) > MOST_CHANNELS:
            times = "x".join(map(str, array.shape))
            raise ValueError(
                f"an array of {times}; a volume must be (depth, height, width), or (depth, height, width, channels) "
                f"with at most {MOST_CHANNELS} channels"
            )
        depth, height, width = array.shape[:3]
        return Header(NPY, (depth, height, width), math.prod(array.shape[3:]), array.dtype in (np.uint8, np.bool_))
    if nifti.is_one(content):
        found = nifti.header(content)
        return Header(NIFTI, found.sizes, found.channels, False, found.spacing, found.orientation)
    raise ValueError(f"not {FORMATS}")
