"""Which kinds of samples there are, and of which kind files are."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from trainer.data.form import Form
from trainer.data.kinds import npy
from trainer.data.kinds.image.kind import IMAGE
from trainer.data.kinds.kind import Kind
from trainer.data.kinds.options import SampleOptions
from trainer.data.kinds.signal.kind import SIGNAL
from trainer.data.kinds.volume.kind import VOLUME
from trainer.data.lists.entries import Entry
from trainer.errors import UsageError

BY_RANK: Mapping[int, Kind[Any]] = {1: SIGNAL, 2: IMAGE, 3: VOLUME}

_GZIP = b"\x1f\x8b"
_HEAD = 512  # bytes of a file that say what it is


def kind_of(form: Form) -> Kind[Any]:
    """Returns the kind that samples of this form are of."""
    return BY_RANK[form.rank]


def kind_of_files(entries: Sequence[Entry], options: SampleOptions) -> Kind[Any]:
    """Returns the kind that files are of, as the first that can be read says.

    Raises:
      UsageError: it can be read in two ways, and `--rank` does not say in which.
    """
    head = next(filter(None, map(_head, entries)), b"")
    if head.startswith(npy.MAGIC):
        return BY_RANK[_rank_of_array(head, entries[0], options.rank)]
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return SIGNAL
    is_nifti = head[344:347] in (b"n+1", b"ni1") or head[4:7] == b"n+2"
    is_video = head.startswith(b"GIF8") and options.rank == VOLUME.rank
    return VOLUME if is_nifti or is_video or head.startswith(_GZIP) else IMAGE


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
        return 2 if shape[-1] in (1, 3, 4) else 3
    readings = " or ".join(f"`--rank={rank}` ({BY_RANK[rank].name}s)" for rank in possible) or "arrays of 1 to 4 axes"
    raise UsageError(f"{entry.place}: an array of shape {shape} must be read with {readings}. Received: --rank={asked}")


def check_flags(kind: Kind[Any], given: Mapping[str, Any]) -> None:
    """Checks that no flag of another kind is given.

    Args:
      kind: of the samples.
      given: by name, the flags that have other values than their defaults.

    Raises:
      UsageError: one is; the message names it.
    """
    for other in BY_RANK.values():
        for flag in other.flags:
            if flag in given and flag not in kind.flags:
                raise UsageError(
                    f"`--{flag}` must go with {other.name}s. Received: {kind.name}s, and --{flag}={given[flag]}"
                )
    augment = given.get("augment", "none")
    if augment not in ("none", *kind.presets):
        raise UsageError(
            f"`--augment` must be one of auto, {', '.join(kind.presets)}, none for {kind.name}s. Received: {augment}"
        )
