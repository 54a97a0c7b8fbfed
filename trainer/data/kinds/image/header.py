"""The header of an image file, in its first bytes: format, size, grey or colour, orientation."""

import dataclasses
import struct
from collections.abc import Callable

from trainer.data.kinds.image import exif

FORMATS = "JPEG, PNG, GIF, BMP or WebP"
MAXIMUM_PIXELS = 100_000_000  # 300 MB in colour; a file of 100 KB can ask for a hundred times as many

MAGICS = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "GIF": b"GIF8", "BMP": b"BM", "WebP": b"RIFF"}

JPEG_LONE_MARKERS = (0x01, *range(0xD0, 0xD9))  # without a length
JPEG_FRAMES = tuple({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # these say the size
JPEG_DECODED = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)  # baseline, extended and progressive; Huffman or arithmetic coding
BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
BMP_BITS = (1, 4, 8, 16, 24, 32)
BMP_MASKED = (16, 32)
BMP_RGB = (0xFF0000, 0xFF00, 0xFF)
WEBP_MOVES, WEBP_HAS_EXIF = 0x02, 0x08  # flags of VP8X

# Error messages, the same in Python and in a graph.
JPEG_RULE = "a JPEG must have 8 bits per value and 1, 3 or 4 channels; lossless and hierarchical JPEG is not supported"
BMP_RULE = "a BMP must have 1, 4, 8, 16, 24 or 32 bits per pixel and no compression"
GIF_RULE = "a GIF must contain an image and a colour table"
WEBP_RULE = "a WebP must be one image, not an animation"

_OTHERS: dict[bytes, str] = {  # files mistaken for one of these, by their first bytes
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"\0\0\0\x0cjP  ": "a JPEG 2000",
    b"\xffO\xffQ": "a JPEG 2000",
    b"\0\0\0\x0cJXL ": "a JPEG XL",
    b"\xff\n": "a JPEG XL",
    b"\0\0\1\0": "an icon",
    b"%PDF": "a PDF",
    b"<svg": "an SVG",
    b"<?xml": "XML, possibly an SVG",
    b"<!DOCTYPE html": "a web page",
    b"<html": "a web page",
    b"version https://git-lfs": "a Git LFS pointer (`git lfs pull` fetches the file)",
    b"8BPS": "a Photoshop file",
}
_BRANDS = {b"avif": "an AVIF", b"avis": "an AVIF", b"heic": "a HEIC", b"heix": "a HEIC", b"mif1": "a HEIF"}


@dataclasses.dataclass(frozen=True, slots=True)  # a data set has as many as images
class Header:
    """One image's format, its size in pixels, and whether it is grey.

    Attributes:
      format: JPEG, PNG, GIF, BMP or WebP.
      height: of the image as it is decoded, upright.
      width: of the image as it is decoded, upright.
      is_grey: whether the format says so.
      is_plain: whether its pixels are those that are stored: it is upright, and the first bytes suffice to say so, and
        its colours are not cyan, magenta, yellow and black.
    """

    format: str
    height: int
    width: int
    is_grey: bool
    is_plain: bool = True

    @classmethod
    def read(cls, content: bytes | memoryview) -> "Header":
        """Returns the header of an image's content; only that of a JPEG with a preview is more than 64 KB.

        Raises:
          ValueError: it cannot be read; the message gives the reason.
        """
        content = memoryview(content)
        if not content:
            raise ValueError("an empty file")
        try:
            for name, magic in MAGICS.items():
                if content[: len(magic)] == magic:
                    header = _READERS[name](content)
                    break
            else:
                raise ValueError(_strange(content))
        except (struct.error, IndexError):
            raise ValueError("a truncated header") from None
        if not 0 < header.height * header.width <= MAXIMUM_PIXELS:
            raise ValueError(f"{header.width:,} x {header.height:,} pixels; at most {MAXIMUM_PIXELS:,} are read")
        return header


def _strange(content: memoryview) -> str:
    """Returns a description of a file that is not a supported image."""
    start = bytes(content[:64])
    brand = _BRANDS.get(start[8:12]) if start[4:8] == b"ftyp" else None
    named = brand or next((name for magic, name in _OTHERS.items() if start.lstrip().startswith(magic)), "")
    return f"{named}, not {FORMATS}" if named else f"not {FORMATS}"


def _upright(header: Header, orientation: int) -> Header:
    """Returns the header of an image with an EXIF orientation."""
    height, width = header.height, header.width
    sides = (width, height) if exif.exchanges_sides(orientation) else (height, width)
    return Header(header.format, *sides, header.is_grey, header.is_plain and orientation == exif.UPRIGHT)


def _jpeg(content: memoryview) -> Header:
    offset, orientation = 2, 0
    while True:
        if content[offset] != 0xFF:
            raise ValueError("a JPEG with a broken header")
        marker = content[offset + 1]
        if marker in JPEG_FRAMES:
            bits, height, width, channels = struct.unpack_from(">BHHB", content, offset + 4)
            if bits != 8 or channels not in (1, 3, 4) or marker not in JPEG_DECODED:
                raise ValueError(f"{JPEG_RULE}. Received: {bits} bits, {channels} values, frame type {marker - 0xC0}")
            return _upright(Header("JPEG", height, width, channels == 1, channels != 4), orientation or exif.UPRIGHT)
        if marker == 0xFF:  # fill
            offset += 1
        elif marker in JPEG_LONE_MARKERS:
            offset += 2
        else:
            (length,) = struct.unpack_from(">H", content, offset + 2)
            if marker == 0xE1 and not orientation and bytes(content[offset + 4 : offset + 10]) == b"Exif\0\0":
                orientation = exif.orientation(content[offset + 4 : offset + 2 + length])
            offset += 2 + length


def _png(content: memoryview) -> Header:
    width, height, _, colour = struct.unpack_from(">IIBB", content, 16)
    orientation, is_whole = _png_orientation(content)
    return _upright(Header("PNG", height, width, colour in (0, 4), is_whole), orientation)


def _png_orientation(content: memoryview) -> tuple[int, bool]:
    """Returns the orientation, and whether it is certain: a note may stand behind what is there of the file."""
    offset = 8
    while offset + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, offset)
        if offset + 8 + length > len(content):
            break
        if kind == b"eXIf":
            return exif.orientation(content[offset + 8 : offset + 8 + length]), True
        if kind == b"IEND":
            return exif.UPRIGHT, True
        offset += 12 + length
    return exif.UPRIGHT, False


def _gif(content: memoryview) -> Header:
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    has_colours = flags & 0x80
    offset = 13 + (3 << (flags & 7) + 1 if has_colours else 0)
    while content[offset] == 0x21:  # an extension: its kind, then blocks until an empty one
        offset += 2
        while content[offset]:
            offset += 1 + content[offset]
        offset += 1
    if content[offset] != 0x2C:
        raise ValueError(GIF_RULE)
    left, top, wide, high, flags = struct.unpack_from("<HHHHB", content, offset + 1)
    if not (has_colours or flags & 0x80) or not wide * high:
        raise ValueError(GIF_RULE)
    return Header("GIF", max(height, top + high), max(width, left + wide), False)


def _bmp(content: memoryview) -> Header:
    (size,) = struct.unpack_from("<I", content, 14)
    if size not in BMP_HEADERS:
        raise ValueError(f"a BMP with a header of {size:,} bytes")
    if size == 12:
        (width, height, _, bits), compression = struct.unpack_from("<4H", content, 18), 0
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", content, 18)
    is_masked = compression == 3 and bits in (*BMP_MASKED, 24)
    if bits not in BMP_BITS or (compression and not is_masked):
        raise ValueError(f"{BMP_RULE}. Received: {bits} bits, compression {compression}")
    if is_masked:
        masks = struct.unpack_from("<3I", content, 54)
        if (bits == 24 and masks != BMP_RGB) or (any(masks) and not all(masks)):
            raise ValueError(f"a BMP of {bits} bits per pixel with the masks {', '.join(map(hex, masks))}")
    return Header("BMP", abs(height), width, False)


def _webp(content: memoryview) -> Header:
    kind = bytes(content[12:16])
    if bytes(content[8:12]) != b"WEBP":
        raise ValueError(f"not {FORMATS}")
    orientation = exif.UPRIGHT
    if kind == b"VP8X":
        if content[20] & WEBP_MOVES:
            raise ValueError(WEBP_RULE)
        width, height = (1 + int.from_bytes(content[first : first + 3], "little") for first in (24, 27))
        if len(content) < 30:
            raise IndexError
        if content[20] & WEBP_HAS_EXIF:
            orientation = _webp_orientation(content)
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", content, 26))
    else:
        raise ValueError("a WebP with a broken header")
    return _upright(Header("WebP", height, width, False), orientation)


def _webp_orientation(content: memoryview) -> int:
    """Returns the orientation of a file that says that it has EXIF, which most often is behind the image.

    Raises:
      struct.error, IndexError: the content ends before.
    """
    offset, end = 12, 8 + struct.unpack_from("<I", content, 4)[0]
    while offset + 8 <= end:
        kind, length = struct.unpack_from("<4sI", content, offset)
        if kind == b"EXIF":
            if offset + 8 + length > len(content):
                raise IndexError
            return exif.orientation(content[offset + 8 : offset + 8 + length])
        offset += 8 + length + length % 2
    return exif.UPRIGHT


_READERS: dict[str, Callable[[memoryview], Header]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "GIF": _gif,
    "BMP": _bmp,
    "WebP": _webp,
}
