import dataclasses
import io

import pytest
from PIL import Image

from tests.data.images import BROKEN, READABLE
from tests.data.making import encoded
from tests.data.variants import DEEP, EXACT, NEAR, REFUSED
from trainer.data.kinds.image.header import Header


@pytest.mark.parametrize("name", READABLE)
def test_says_what_pillow_says(name: str) -> None:
    with Image.open(io.BytesIO(READABLE[name])) as theirs:
        header = Header.read(READABLE[name])
        assert (header.format.upper(), header.width, header.height) == (theirs.format, *theirs.size)
    assert header.is_grey == (("grey" in name and "bmp" not in name) or "one bit" in name)


def test_goes_over_what_a_camera_notes() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a long description, " * 1000
    content = encoded(Image.new("RGB", (33, 22)), "JPEG", exif=exif)
    assert Header.read(content) == Header("JPEG", 22, 33, False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"no image", "not JPEG, PNG, GIF, BMP or WebP"),
        (BROKEN["tiff"][0], "a TIFF, not JPEG, PNG, GIF, BMP or WebP"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC, not JPEG, PNG, GIF, BMP or WebP"),
        (b"\n<!DOCTYPE html><html>404</html>", "a web page, not JPEG, PNG, GIF, BMP or WebP"),
        (b"RIFF\0\0\0\0WAVE", "not JPEG, PNG, GIF, BMP or WebP"),
        (b"RIFF\0\0\0\0WEBPVP8?" + bytes(20), "a WebP with a broken header"),
        (BROKEN["webp that moves"][0], "a WebP must be one image, not an animation"),
        (BROKEN["bomb"][0], "20,000 x 20,000 pixels; at most 100,000,000 are read"),
        (b"\xff\xd8\xff\xe0\0\4\0\0no marker", "a JPEG with a broken header"),
        *(
            (content[:20], "a truncated header")
            for name, content in READABLE.items()
            if name != "gif, moving" and not name.startswith("gif")
        ),
    ],
)
def test_rejects_what_is_no_image(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Header.read(content)


@pytest.mark.parametrize("name", READABLE)
def test_every_beginning_is_understood_or_refused(name: str) -> None:
    whole = Header.read(READABLE[name])
    for length in range(min(len(READABLE[name]), 700)):
        try:
            assert dataclasses.replace(Header.read(READABLE[name][:length]), is_plain=whole.is_plain) == whole
        except ValueError as error:
            assert str(error)


@pytest.mark.parametrize("name", [*EXACT, *NEAR, *DEEP])
def test_of_every_variant_the_size_is_pillows(name: str) -> None:
    content = {**EXACT, **NEAR, **{name: content for name, (content, _) in DEEP.items()}}[name]
    with Image.open(io.BytesIO(content)) as theirs:
        header = Header.read(content)
        assert (header.width, header.height) == theirs.size


@pytest.mark.parametrize("name", REFUSED)
def test_rejects_a_variant_by_name(name: str) -> None:
    content, message, _ = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        Header.read(content)
