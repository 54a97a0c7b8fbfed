import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.data.making import encoded, noise
from trainer.data.kinds.known import BY_RANK
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists.entries import Entry
from trainer.data.lists.recognize import frames_note, kind_of_files
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
        (b"RF64\xff\xff\xff\xffWAVEds64", 0, ("signal", False)),
        (b"fLaC\0\0\0", 0, ("signal", False)),
        (b"version https://git-lfs.github.com/spec/v1", 0, ("image", False)),
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
        (npy((28, 28), np.uint8), 0, ("image", True)),
        (npy((3, 20, 20)), 3, ("volume", True)),
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
        (npy((20, 3)), 0, r"`--rank` must say what the samples of 20x3 in .*: 1 for signals of 20 .*, 2 for images"),
        (npy((3, 20, 20)), 0, r"`--rank` must say what the samples of 3x20x20 in .*: 3 for volumes of 3x20x20 voxels"),
        (b"RIFF\x24\0\0\0WAVEfmt ", 2, r"`--rank` must be 1 for WAV files, or not be given\. Received: 2$"),
        (NIFTI, 1, r"`--rank` must be 3 for NIfTI files, or not be given\. Received: 1$"),
        (npy((20,)), 3, r"shape \(20,\) must be read with `--rank=1` \(signals\). Received: --rank=3$"),
        (npy((2, 2, 2, 2, 2)), 0, "must be an array of 1 to 4 axes. Received: shape"),
        (npy((3,), object), 0, "an array that can be read. Received: an .npy file of objects"),
    ],
)
def test_rejects_arrays_that_can_be_read_in_two_ways_or_in_none(
    tmp_path: Path, content: bytes, rank: int, message: str
) -> None:
    (tmp_path / "one").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        kind_of_files([Entry(str(tmp_path / "one"), "a", "one")], SampleOptions(rank=rank))


def test_an_image_that_is_the_first_of_several_frames_is_said(tmp_path: Path) -> None:
    frames = [Image.fromarray(noise(seed)) for seed in range(3)]
    frames[0].save(tmp_path / "still.gif")
    frames[0].save(tmp_path / "video.gif", save_all=True, append_images=frames[1:])
    entries = [Entry(str(tmp_path / name), "a", name) for name in ("still.gif", "video.gif")]
    assert frames_note(entries, BY_RANK[2]) == (
        f"{tmp_path}/video.gif: read as an image, its first of 3 frames; `--rank=3` reads GIFs as videos"
    )
    assert frames_note(entries[:1], BY_RANK[2]) == frames_note(entries, BY_RANK[3]) == ""
