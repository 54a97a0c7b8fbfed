"""The frames of an animated GIF, without decoding them.

Source: CompuServe, "Graphics Interchange Format, Version 89a".
"""

import dataclasses
import struct

MAGIC = b"GIF8"
RULE = "a GIF must contain frames and a colour table"

_SCREEN = 13  # bytes of the header
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B


@dataclasses.dataclass(frozen=True, slots=True)
class Gif:
    """The frames of a file, as `tf.io.decode_gif` returns them.

    Attributes:
      frames: how many.
      height: of the highest frame, in pixels.
      width: of the widest.
      is_grey: whether all colours are grey.
    """

    frames: int
    height: int
    width: int
    is_grey: bool


def header(content: bytes) -> Gif:
    """Returns the header of a file; its frames are skipped, so the whole file is needed.

    Raises:
      ValueError: it is truncated, or has no frame or no colours.
    """
    try:
        return _walk(content)
    except (IndexError, struct.error):
        raise ValueError("a truncated GIF") from None


def _walk(content: bytes) -> Gif:
    common, offset = _palette(content, content[10], _SCREEN)
    is_grey, sizes = True, []
    while content[offset] != _TRAILER:
        if content[offset] == _EXTENSION:
            offset = _after_blocks(content, offset + 2)
            continue
        if content[offset] != _IMAGE:
            raise ValueError(RULE)
        width, height, flags = struct.unpack_from("<HHB", content, offset + 5)
        own, offset = _palette(content, flags, offset + 10)
        if not (own or common) or not width * height:
            raise ValueError(RULE)
        is_grey = is_grey and _is_grey(own or common)
        sizes.append((height, width))
        offset = _after_blocks(content, offset + 1)
    if not sizes:
        raise ValueError(RULE)
    return Gif(len(sizes), max(height for height, _ in sizes), max(width for _, width in sizes), is_grey)


def _palette(content: bytes, flags: int, offset: int) -> tuple[bytes, int]:
    """Returns the palette with these flags at an offset, and the offset after it."""
    end = offset + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    return content[offset:end], end


def _is_grey(palette: bytes) -> bool:
    return palette[::3] == palette[1::3] == palette[2::3]


def _after_blocks(content: bytes, offset: int) -> int:
    """Returns the offset after blocks, of which the last one is empty."""
    while content[offset]:
        offset += 1 + content[offset]
    return offset + 1
