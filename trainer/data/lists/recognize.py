"""Recognizes the kind of the files of a data set."""

import contextlib
from collections.abc import Sequence
from typing import Any

from trainer.data.kinds import archive, npy
from trainer.data.kinds.kind import Kind
from trainer.data.kinds.known import BY_RANK
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import shapes
from trainer.data.lists.entries import Entry
from trainer.errors import UsageError

_SIGNAL, _IMAGE, _VOLUME = 1, 2, 3  # ranks
_GZIP = b"\x1f\x8b"
_HEAD = 512  # bytes of a file that say what it is
# Files of the first three are read; what begins as one of the others is named by the errors of signals.
_WAVES = (b"RIFF", b"RF64", b"BW64")
_SOUNDS = (
    b"RIFX",
    b"riff",
    b"FORM",
    b"fLaC",
    b"OggS",
    b".snd",
    b"caff",
    b"ID3",
)
_GIF = b"GIF8"
_LOOKED = 16  # files, of which one may be a GIF with several frames


def kind_of_files(entries: Sequence[Entry], options: SampleOptions) -> tuple[Kind[Any], bool]:
    """Returns the kind that files are of, as the first that can be read says, and whether they are arrays, `.npy`.

    Raises:
      UsageError: it can be read in two ways, and `--rank` does not say in which.
    """
    head = next(filter(None, map(_head, entries)), b"")
    if head.startswith(npy.MAGIC):
        return BY_RANK[_rank_of_array(head, entries[0], options.rank)], True
    if (head.startswith(_WAVES) and head[8:12] == b"WAVE") or head.startswith(_SOUNDS):
        _check_rank(_SIGNAL, "WAV files", options)
        return BY_RANK[_SIGNAL], False
    is_nifti = head[344:347] in (b"n+1", b"ni1") or head[4:7] == b"n+2"
    if is_nifti or head.startswith(_GZIP):
        _check_rank(_VOLUME, "NIfTI files", options)
    is_volume = is_nifti or archive.is_one(head) or head.startswith(_GZIP) or options.rank == _VOLUME
    return BY_RANK[_VOLUME if is_volume else _IMAGE], False


def _check_rank(rank: int, files: str, options: SampleOptions) -> None:
    if options.rank not in (0, rank):
        raise UsageError(f"`--rank` must be {rank} for {files}, or not be given. Received: {options.rank}")


def frames_note(entries: Sequence[Entry], kind: Kind[Any]) -> str:
    """Returns a line about GIFs with several frames that are read as images; empty if the first files are not GIFs."""
    if kind.rank != _IMAGE:
        return ""
    for entry in (one for one in entries[:_LOOKED] if _head(one).startswith(_GIF)):
        with contextlib.suppress(OSError, ValueError):
            content = entry.read()
            frames = BY_RANK[_VOLUME].read_header(content, len(content)).sizes[0]
            if frames > 1:
                return f"{entry.place}: read as an image, its first of {frames} frames; `--rank=3` reads GIFs as videos"
    return ""


def _head(entry: Entry) -> bytes:
    with contextlib.suppress(OSError):
        return entry.read(_HEAD)
    return b""


def _rank_of_array(head: bytes, entry: Entry, asked: int) -> int:
    """Returns the number of spatial axes of arrays in files, as the first of them has them; see `shapes`.

    Raises:
      UsageError: it can be read in two ways, or not as `--rank` says.
    """
    try:
        array = npy.header(head)
    except ValueError as error:
        raise UsageError(f"{entry.place}: must be an array that can be read. Received: {error}") from None
    shape = array.shape
    possible = [rank for rank in BY_RANK if len(shape) in (rank, rank + 1)]
    if asked in possible:
        return asked
    if not possible:
        raise UsageError(f"{entry.place}: must be an array of 1 to 4 axes. Received: shape {shape}")
    if asked:
        readings = " or ".join(f"`--rank={rank}` ({BY_RANK[rank].name}s)" for rank in possible)
        raise UsageError(
            f"{entry.place}: an array of shape {shape} must be read with {readings}. Received: --rank={asked}"
        )
    return shapes.reading(shape, array.dtype, 0, entry.place)[0].rank
