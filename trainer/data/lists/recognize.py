"""Of which kind the files of a data set are."""

import contextlib
from collections.abc import Sequence
from typing import Any

from trainer.data.kinds import npy
from trainer.data.kinds.kind import Kind
from trainer.data.kinds.known import BY_RANK
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists.entries import Entry
from trainer.errors import UsageError

_SIGNAL, _IMAGE, _VOLUME = 1, 2, 3  # ranks
_CHANNELS = (1, 3, 4)  # of an image
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
        return BY_RANK[_SIGNAL], False
    is_nifti = head[344:347] in (b"n+1", b"ni1") or head[4:7] == b"n+2"
    is_video = head.startswith(_GIF) and options.rank == _VOLUME
    return BY_RANK[_VOLUME if is_nifti or is_video or head.startswith(_GZIP) else _IMAGE], False


def frames_note(entries: Sequence[Entry], kind: Kind[Any]) -> str:
    """Returns a line about GIFs with several frames that are read as images; nothing where the first files are none."""
    if kind.rank != _IMAGE:
        return ""
    for entry in (one for one in entries[:_LOOKED] if _head(one).startswith(_GIF)):
        with contextlib.suppress(OSError, ValueError):
            content = entry.read()
            frames = BY_RANK[_VOLUME].read_header(content, len(content)).sizes[0]
            if frames > 1:
                return f"{entry.place}: an image, the first of {frames} frames; `--rank=3` reads GIFs as videos"
    return ""


def _head(entry: Entry) -> bytes:
    with contextlib.suppress(OSError):
        return entry.read(_HEAD)
    return b""


def _rank_of_array(head: bytes, entry: Entry, asked: int) -> int:
    """Returns the number of spatial axes of arrays in files, as the first of them has them.

    Raises:
      UsageError: it can be read in two ways, or not as `--rank` says.
    """
    try:
        shape = npy.header(head).shape
    except ValueError as error:
        raise UsageError(f"{entry.place}: must be an array that can be read. Received: {error}") from None
    possible = [rank for rank in BY_RANK if len(shape) in (rank, rank + 1)]
    if asked in possible or (len(possible) == 1 and not asked):
        return asked or possible[0]
    if not asked and len(shape) == 3:  # channels of an image are few
        return _IMAGE if shape[-1] in _CHANNELS else _VOLUME
    if not possible:
        raise UsageError(f"{entry.place}: must be an array of 1 to 4 axes. Received: shape {shape}")
    readings = " or ".join(f"`--rank={rank}` ({BY_RANK[rank].name}s)" for rank in possible)
    given = f"--rank={asked}" if asked else "no --rank"
    raise UsageError(f"{entry.place}: an array of shape {shape} must be read with {readings}. Received: {given}")
