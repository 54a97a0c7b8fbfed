import itertools
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.data.kinds.volume.files import compressed, gif, nifti, noise, npy
from trainer.data.kinds.volume import nifti as reader
from trainer.data.kinds.volume.header import Header


@pytest.mark.parametrize(
    ("shape", "dtype", "sizes", "channels", "is_bytes"),
    [
        ((3, 4, 5), "u1", (3, 4, 5), 1, True),
        ((3, 4, 5, 1), "u1", (3, 4, 5), 1, True),
        ((3, 4, 5, 3), "f4", (3, 4, 5), 3, False),
        ((1, 4, 5, 16), ">i2", (1, 4, 5), 16, False),
        ((3, 4, 5), "?", (3, 4, 5), 1, True),
    ],
)
def test_reads_arrays(
    shape: tuple[int, ...], dtype: str, sizes: tuple[int, ...], channels: int, is_bytes: bool
) -> None:
    header = Header.read(npy(np.zeros(shape, dtype)))
    assert header == Header("npy", sizes, channels, is_bytes)  # type: ignore[arg-type]
    assert header.voxels == np.prod(sizes)


@pytest.mark.parametrize("colours", [(), (3,)])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_reads_what_a_gif_is_decoded_to(count: int, colours: tuple[int, ...]) -> None:
    content = gif(noise(count, 6, 7, *colours) // 8 * 8)
    header = Header.read(content)
    assert header == Header("GIF", (count, 6, 7), 3 if colours else 1, True)
    assert tf.io.decode_gif(content).shape == (count, 6, 7, 3)


def test_reads_a_gif_whose_frames_are_parts() -> None:
    frames = np.zeros((5, 20, 24), np.uint8)
    for index in range(5):
        frames[index, index : index + 4, 3:9] = 200
    for options in ({}, {"disposal": 2}, {"transparency": 0}, {"comment": b"x" * 300}):
        content = gif(frames, optimize=True, **options)
        assert Header.read(content).sizes == tf.io.decode_gif(content).shape[:3] == (5, 20, 24)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("compress", [lambda content: content, compressed])
def test_reads_nifti_as_nibabel_does(version: int, compress: object) -> None:
    nibabel = pytest.importorskip("nibabel")
    array, chance = np.arange(210, dtype=np.int16).reshape(5, 6, 7), np.random.default_rng(0)
    for order, signs in itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)):
        affine = np.eye(4)
        affine[:3, :3] = 0
        for axis, (place, sign) in enumerate(zip(order, signs, strict=True)):
            affine[place, axis] = sign * (axis + 0.5)
        affine[:3, 3] = chance.normal(0, 9, 3)
        content = nifti(array, affine, version, slope=0.5, inter=3)
        form = nibabel.Nifti1Image if version == 1 else nibabel.Nifti2Image
        stored = form.from_bytes(content)
        theirs = nibabel.as_closest_canonical(stored)
        given = compress(content)  # type: ignore[operator]
        header = Header.read(given[:600])
        assert header.sizes == theirs.shape
        assert header.orientation == "".join(nibabel.aff2axcodes(stored.affine))
        np.testing.assert_allclose(header.spacing, theirs.header.get_zooms(), rtol=1e-6)
        values, spacing = reader.values(given)
        np.testing.assert_allclose(values[..., 0], theirs.get_fdata(), rtol=1e-6)
        assert spacing == header.spacing


@pytest.mark.parametrize(
    ("shape", "sizes", "channels"),
    [
        ((3, 4, 5, 1), (3, 4, 5), 1),
        ((3, 4, 5, 2), (3, 4, 5), 2),
        ((3, 4, 5, 1, 3), (3, 4, 5), 3),
    ],
)
def test_the_fourth_axis_of_nifti_has_channels(shape: tuple[int, ...], sizes: tuple[int, ...], channels: int) -> None:
    pytest.importorskip("nibabel")
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    content = nifti(array)
    header = Header.read(content)
    assert (header.sizes, header.channels) == (sizes, channels)
    np.testing.assert_array_equal(reader.values(content)[0], array.reshape(*sizes, channels))


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("meter", 1000), ("micron", 0.001), ("unknown", 1)])
def test_the_spacing_is_in_millimetres(unit: str, factor: float) -> None:
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.Nifti1Image(np.zeros((3, 4, 5), np.int16), np.diag([1, 2, 4, 1]))
    image.header.set_xyzt_units(unit)
    np.testing.assert_allclose(Header.read(image.to_bytes()).spacing, np.array([1, 2, 4]) * factor, rtol=1e-6)


def test_the_header_of_a_compressed_file_alone_is_decompressed() -> None:
    pytest.importorskip("nibabel")
    content = compressed(nifti(noise(40, 40, 40)))
    assert Header.read(content[:500]).sizes == (40, 40, 40)
    assert Header.read(content[:500] + bytes(99)).sizes == (40, 40, 40)


def _edited(start: int, content: bytes) -> bytes:
    whole = bytearray(nifti(np.zeros((3, 4, 5), np.int16)))
    whole[start : start + len(content)] = content
    return bytes(whole)


def test_a_file_without_a_matrix_stays_as_it_is() -> None:
    pytest.importorskip("nibabel")
    for content in (_edited(280, bytes(16)), _edited(280, b"\0\0\xc0\x7f")):
        header = Header.read(content)
        assert (header.sizes, header.spacing, header.orientation) == ((3, 4, 5), (), "")
        assert reader.values(content)[0].shape == (3, 4, 5, 1)


BROKEN_NIFTI = [
    (lambda: nifti(np.zeros((3, 4, 5, 9), np.int16)), "of 3x4x5x9; there must be three axes"),
    (lambda: nifti(np.zeros((3, 4, 5, 2, 2), np.int16)), "of 3x4x5x2x2; there must be three axes"),
    (lambda: _edited(40, b"\2\0"), "of 3x4; there must be three axes"),
    (lambda: _edited(42, b"\0\0"), "of 0x4x5; there must be three axes"),
    (lambda: _edited(42, b"\xff\x7f\xff\x7f"), "5,368,381,445 values; at most"),
    (lambda: nifti(np.zeros((3, 4, 5), np.complex64)), "of complex64"),
    (lambda: _edited(70, b"\x80\0"), "must be real numbers"),
    (lambda: _edited(70, b"\x77\0"), "a header that cannot be read"),
    (lambda: _edited(344, b"ni1\0"), "a NIfTI header without its values"),
    (lambda: _edited(344, b"nope"), "not a NIfTI file"),
    (lambda: nifti(np.zeros((3, 4, 5), np.int16))[:100], "truncated"),
    (lambda: b"\x1f\x8bnope", "a broken gzip file"),
    (lambda: compressed(b"hello"), "not a NIfTI file"),
]


@pytest.mark.parametrize(("make", "message"), BROKEN_NIFTI)
def test_rejects_nifti_that_is_no_volume(make: object, message: str) -> None:
    pytest.importorskip("nibabel")
    with pytest.raises(ValueError, match=message):
        Header.read(make())  # type: ignore[operator]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"\x89PNG\r\n\x1a\n", "not NIfTI, .npy or GIF"),
        (npy(np.zeros((4, 5))), "an array of 4x5; a volume must be"),
        (npy(np.zeros((1, 8, 8, 17))), "an array of 1x8x8x17; a volume must be"),
        (npy(np.zeros((2, 2, 2, 2, 2))), "an array of 2x2x2x2x2"),
        (npy(np.zeros((2, 2, 2), "c8")), "values must be of the types"),
        (gif(noise(3, 5, 5))[:-1], "a truncated GIF"),
        (gif(noise(3, 5, 5))[:40], "a truncated GIF"),
        (b"GIF89a\1\0\1\0\0\0\0;", "must contain frames"),
        (b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\0;", "must contain frames and a colour table"),
        (b"GIF89a", "a truncated GIF"),
    ],
)
def test_rejects_what_is_no_volume(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Header.read(content)


def test_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(ValueError, match=r"NIfTI files need the package nibabel: .*\[volumes\]"):
        Header.read(b"\x5c\1\0\0" + bytes(600))
