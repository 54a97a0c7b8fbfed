import io

import pytest
from PIL import Image

from tests.data.images import BROKEN, READABLE
from tests.data.making import encoded
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
        (b"no image", "no JPEG, PNG, GIF, BMP or WebP"),
        (BROKEN["tiff"][0], "no JPEG, PNG, GIF, BMP or WebP"),
        (b"RIFF\0\0\0\0WAVE", "no JPEG, PNG, GIF, BMP or WebP"),
        (b"RIFF\0\0\0\0WEBPVP8?" + bytes(20), "a WebP whose header is broken"),
        (BROKEN["webp that moves"][0], "a WebP that moves"),
        (BROKEN["bmp of one bit"][0], "a BMP of 1 bits for each pixel; 8, 24 and 32 are read"),
        (BROKEN["bomb"][0], "20,000 x 20,000 pixels; at most 100,000,000 are read"),
        (b"\xff\xd8\xff\xe0\0\4\0\0no marker", "a JPEG whose header is broken"),
        *(
            (content[:20], "a header that is cut off")
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
            assert Header.read(READABLE[name][:length]) == whole
        except ValueError as error:
            assert str(error)
