import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.making import encoded, noise
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists.entries import Entry
from trainer.data.lists.recognize import kind_of_files
from trainer.errors import UsageError


def npy(shape: tuple[int, ...], dtype: Any = np.float32) -> bytes:
    content = io.BytesIO()
    np.save(content, np.zeros(shape, dtype))
    return content.getvalue()


NIFTI = struct.pack("<i", 348) + bytes(340) + b"n+1\0"


@pytest.mark.parametrize(
    ("content", "rank", "expected"),
    [
        (encoded(noise(0)), 0, ("image", False)),
        (b"nothing known", 0, ("image", False)),
        (b"RIFF\x24\0\0\0WAVEfmt ", 0, ("signal", False)),
        (b"RIFF\x24\0\0\0WEBPVP8 ", 0, ("image", False)),
        (NIFTI, 0, ("volume", False)),
        (b"\x1f\x8b\x08", 0, ("volume", False)),
        (b"GIF89a", 0, ("image", False)),
        (b"GIF89a", 3, ("volume", False)),
        (npy((20,)), 0, ("signal", True)),
        (npy((20, 3)), 1, ("signal", True)),
        (npy((20, 3)), 2, ("image", True)),
        (npy((20, 20, 3)), 0, ("image", True)),
        (npy((20, 20, 20)), 0, ("volume", True)),
        (npy((20, 20, 3)), 3, ("volume", True)),
        (npy((8, 8, 8, 2)), 0, ("volume", True)),
    ],
)
def test_the_content_says_the_kind(tmp_path: Path, content: bytes, rank: int, expected: tuple[str, bool]) -> None:
    (tmp_path / "one").write_bytes(content)
    kind, are_arrays = kind_of_files([Entry(str(tmp_path / "one"), "a", "one")], SampleOptions(rank=rank))
    assert (kind.name, are_arrays) == expected


@pytest.mark.parametrize(
    ("content", "rank", "message"),
    [
        (npy((20, 3)), 0, r"shape \(20, 3\) must be read with `--rank=1` \(signals\) or `--rank=2` \(images\)"),
        (npy((20,)), 3, r"shape \(20,\) must be read with `--rank=1` \(signals\). Received: --rank=3"),
        (npy((2, 2, 2, 2, 2)), 0, "must be read with arrays of 1 to 4 axes"),
        (npy((3,), object), 0, "an array that can be read. Received: an .npy file of objects"),
    ],
)
def test_rejects_arrays_that_can_be_read_in_two_ways_or_in_none(
    tmp_path: Path, content: bytes, rank: int, message: str
) -> None:
    (tmp_path / "one").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        kind_of_files([Entry(str(tmp_path / "one"), "a", "one")], SampleOptions(rank=rank))
