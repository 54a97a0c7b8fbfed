"""NIfTI files, version 1 and 2, plain or compressed with gzip; read by nibabel.

The axes are reordered and flipped so that positions go to the right, to the front and up ("RAS+"). So
each part of the body is at the same position in all volumes.

Source: Neuroimaging Informatics Technology Initiative, "NIfTI-1 Data Format" and "NIfTI-2 Data Format".
"""

import dataclasses
import gzip
import io
import math
import zlib
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer import interpreter
from trainer.errors import UsageError

GZIP = b"\x1f\x8b"

_MAGICS = {348: (slice(344, 348), b"n+1\0"), 540: (slice(4, 12), b"n+2\0\r\n\x1a\n")}  # by the bytes of the header
_PAIRS = (b"ni1\0", b"ni2\0")  # whose values are in another file
_HEADER = 540  # bytes of the longer one
_MILLIMETRES = {1: 1000.0, 3: 0.001}  # in a metre and a micrometre; all others are taken for millimetres
_MOST_CHANNELS = 4
_CUT = "a truncated NIfTI file"


@dataclasses.dataclass(frozen=True, slots=True)
class Nifti:
    """The header of a file, with the axes in RAS+.

    Attributes:
      sizes: of the three spatial axes.
      channels: 1 to 4.
      spacing: of neighbouring voxels along each axis, in millimetres; empty if unknown.
      orientation: where the axes pointed to in the file, as LPS; empty where it does not say it.
    """

    sizes: tuple[int, int, int]
    channels: int
    spacing: tuple[float, ...]
    orientation: str


def is_one(content: bytes) -> bool:
    """Returns whether a file's first bytes are those of a NIfTI file, or of one that is compressed."""
    return content[:2] == GZIP or any(int.from_bytes(content[:4], order) in _MAGICS for order in ("little", "big"))


def header(content: bytes) -> Nifti:
    """Returns what the first bytes of a file say of it; of a compressed one a few hundred are decompressed.

    Raises:
      ValueError: it is no such file, or it holds no volume that can be read.
      UsageError: nibabel is not installed.
    """
    return _Opened.of(_start(content)).nifti


def values(content: bytes) -> tuple[npt.NDArray[np.float32], tuple[float, ...]]:
    """Returns a file's values, scaled as it says, `(*sizes, channels)`, and its spacing.

    Raises:
      ValueError: as `header`, or it is truncated.
      UsageError: nibabel is not installed.
    """
    opened = _Opened.of(_start(content))
    count = math.prod(opened.shape)
    end = opened.offset + count * opened.dtype.itemsize
    whole = _decompressed(content, end) if content[:2] == GZIP else content
    if len(whole) < end:
        raise ValueError(f"{_CUT}: {len(whole):,} bytes of {end:,}")
    array = np.frombuffer(whole, opened.dtype, count, opened.offset).reshape(opened.shape, order="F")
    scaled = array.astype(np.float32)
    if opened.slope is not None:
        scaled = scaled * np.float32(opened.slope) + np.float32(opened.intercept or 0)
    volume = scaled.reshape(*opened.shape[:3], opened.nifti.channels)
    if opened.axes is not None:
        volume = _nibabel().orientations.apply_orientation(volume, opened.axes)
    return np.ascontiguousarray(volume, np.float32), opened.nifti.spacing


@dataclasses.dataclass(frozen=True)
class _Opened:
    """A header as it is stored.

    Attributes:
      nifti: what it says.
      shape: of the array.
      dtype: of its values.
      offset: of the first one's first byte.
      slope: what values are multiplied by; None where they are not scaled.
      intercept: what is then added.
      axes: by which axes are brought to RAS+, as nibabel has it; None where the file does not say it.
    """

    nifti: Nifti
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    slope: float | None
    intercept: float | None
    axes: npt.NDArray[np.float64] | None

    @classmethod
    def of(cls, start: bytes) -> "_Opened":
        nibabel = _nibabel()
        order, length = _kind(start)
        form = nibabel.Nifti1Header if length == 348 else nibabel.Nifti2Header
        found = form(start[:length], "<" if order == "little" else ">", check=False)  # a check prints
        try:
            dtype, (slope, intercept) = found.get_data_dtype(), found.get_slope_inter()
            affine, offset = found.get_best_affine(), int(found["vox_offset"])
        except (nibabel.spatialimages.HeaderDataError, ArithmeticError, LookupError, ValueError) as error:
            raise ValueError(f"a NIfTI file with a header that cannot be read: {error}") from None
        if dtype.kind not in "iuf":
            raise ValueError(f"a NIfTI file of {dtype}; values must be real numbers, not records")
        shape = _shape(found)
        millimetres = _MILLIMETRES.get(int(found["xyzt_units"]) & 7, 1.0)
        axes, spacing, orientation = _axes(nibabel, affine)
        sizes, spacing = _ordered(shape[:3], axes), tuple(millimetres * one for one in _ordered(spacing, axes))
        nifti = Nifti(sizes, math.prod(shape[3:]), spacing, orientation)
        return cls(nifti, shape, dtype, max(offset, length + 4), slope, intercept, axes)


def _start(content: bytes) -> bytes:
    """Returns the bytes of the header."""
    if content[:2] != GZIP:
        return content[:_HEADER]
    try:
        return zlib.decompressobj(31).decompress(content, _HEADER)
    except zlib.error as error:
        raise ValueError(f"a broken gzip file: {error}") from None


def _kind(start: bytes) -> tuple[str, int]:
    """Returns the order of the bytes and the length of a header."""
    for order in ("little", "big"):
        length = int.from_bytes(start[:4], order)
        if length in _MAGICS:
            where, magic = _MAGICS[length]
            if start[where][:4] in _PAIRS:
                raise ValueError("a NIfTI header without its values; one .nii file must contain both")
            if len(start) < length:
                raise ValueError(_CUT)
            if start[where] == magic:
                return order, length
    raise ValueError("not a NIfTI file")


def _shape(found: Any) -> tuple[int, ...]:
    """Returns the shape of an array with its channels as the fourth axis, where there are any."""
    count = int(found["dim"][0])
    stored = tuple(int(size) for size in found["dim"][1 : 1 + max(0, min(count, 7))])
    shape = stored[:3] + tuple(size for size in stored[3:] if size != 1)
    if not 3 <= count <= 7 or min(stored) < 1 or len(shape) > 4 or math.prod(shape[3:]) > _MOST_CHANNELS:
        times = "x".join(map(str, stored)) or "no axes"
        raise ValueError(
            f"a NIfTI file of {times}; there must be three axes, optionally a fourth of at most {_MOST_CHANNELS} "
            "channels"
        )
    return shape


def _axes(
    nibabel: ModuleType, affine: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64] | None, tuple[float, ...], str]:
    """Returns how axes are reordered to RAS+, the spacing along them as they are stored, and where they point."""
    if not np.isfinite(affine).all():
        return None, (), ""
    try:
        axes = nibabel.io_orientation(affine)
    except np.linalg.LinAlgError:
        return None, (), ""
    if np.isnan(axes).any():
        return None, (), ""
    spacing = tuple(float(one) for one in nibabel.affines.voxel_sizes(affine))
    return axes, spacing, "".join(nibabel.orientations.ornt2axcodes(axes))


def _ordered(stored: tuple[Any, ...], axes: npt.NDArray[np.float64] | None) -> Any:
    """Returns what belongs to axes in the order that they are brought to."""
    if axes is None or not stored:
        return stored
    return tuple(stored[int(index)] for index in np.argsort(axes[:, 0]))


def _decompressed(content: bytes, length: int) -> bytes:
    """Returns the first bytes of what is compressed; checks it where they are all."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as opened:
            found = opened.read(length)
            opened.read(1)  # at the end the checksum is looked at
            return found
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"a broken gzip file: {error}") from None


def _nibabel() -> ModuleType:
    try:
        import nibabel
    except ImportError:
        raise UsageError(f"NIfTI files need the package nibabel: {interpreter.install('volumes')}") from None
    found: ModuleType = nibabel
    return found
