"""What an image file says of itself in its first bytes: which format, which size, grey or colour."""

import dataclasses
import struct
from collections.abc import Callable

FORMATS = "JPEG, PNG, GIF, BMP or WebP"
MAXIMUM_PIXELS = 100_000_000  # 300 MB in colour; a file of 100 KB can ask for a hundred times as many

_LONE_MARKERS = {0x01, *range(0xD0, 0xD9)}  # of JPEG, without a length
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # of JPEG, which say the size
_ANIMATED = 0x02


@dataclasses.dataclass(frozen=True, slots=True)  # a data set has as many as images
class Header:
    """One image's format, its size in pixels, and whether it is grey."""

    format: str
    height: int
    width: int
    is_grey: bool

    @classmethod
    def read(cls, content: bytes | memoryview) -> "Header":
        """Returns what an image's content says of it; only the header of a JPEG with a preview is more than 64 KB.

        Raises:
          ValueError: it is none that can be read; the message says why.
        """
        content = memoryview(content)
        if not content:
            raise ValueError("an empty file")
        try:
            for magic, read in _READERS.items():
                if content[: len(magic)] == magic:
                    header = read(content)
                    break
            else:
                raise ValueError(f"no {FORMATS}")
        except (struct.error, IndexError):
            raise ValueError("a header that is cut off") from None
        if not 0 < header.height * header.width <= MAXIMUM_PIXELS:
            raise ValueError(f"{header.width:,} x {header.height:,} pixels; at most {MAXIMUM_PIXELS:,} are read")
        return header


def _jpeg(content: memoryview) -> Header:
    offset = 2
    while True:
        if content[offset] != 0xFF:
            raise ValueError("a JPEG whose header is broken")
        marker = content[offset + 1]
        if marker in _FRAMES:
            height, width, channels = struct.unpack_from(">HHB", content, offset + 5)
            return Header("JPEG", height, width, channels == 1)
        if marker == 0xFF:  # fill
            offset += 1
        elif marker in _LONE_MARKERS:
            offset += 2
        else:
            offset += 2 + struct.unpack_from(">H", content, offset + 2)[0]


def _png(content: memoryview) -> Header:
    width, height, _, colour = struct.unpack_from(">IIBB", content, 16)
    return Header("PNG", height, width, colour in (0, 4))


def _gif(content: memoryview) -> Header:
    width, height = struct.unpack_from("<HH", content, 6)
    return Header("GIF", height, width, False)


def _bmp(content: memoryview) -> Header:
    width, height = struct.unpack_from("<ii", content, 18)
    bits = struct.unpack_from("<H", content, 28)[0]
    if bits not in (8, 24, 32):
        raise ValueError(f"a BMP of {bits} bits for each pixel; 8, 24 and 32 are read")
    return Header("BMP", abs(height), width, False)


def _webp(content: memoryview) -> Header:
    kind = bytes(content[12:16])
    if bytes(content[8:12]) != b"WEBP":
        raise ValueError(f"no {FORMATS}")
    if kind == b"VP8X":
        if content[20] & _ANIMATED:
            raise ValueError("a WebP that moves")
        width, height = (1 + int.from_bytes(content[first : first + 3], "little") for first in (24, 27))
        if len(content) < 30:
            raise IndexError
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", content, 26))
    else:
        raise ValueError("a WebP whose header is broken")
    return Header("WebP", height, width, False)


_READERS: dict[bytes, Callable[[memoryview], Header]] = {
    b"\xff\xd8\xff": _jpeg,
    b"\x89PNG\r\n\x1a\n": _png,
    b"GIF8": _gif,
    b"BM": _bmp,
    b"RIFF": _webp,
}
