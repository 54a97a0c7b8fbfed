"""The orientation that a camera or a program noted in an image file, as EXIF defines it, read in Python.

1 is upright. The others say which turn and mirroring make the image upright: 2 mirrored from side to side, 3 turned by
180 degrees, 4 mirrored from top to bottom, 5 to 8 those that exchange height and width.

Source: CIPA DC-008 (Exif 3.0), 4.6.4, tag 0x0112; TIFF 6.0, section 2.
"""

import struct

UPRIGHT = 1

_PREFIX = b"Exif\0\0"
_ORIENTATION = 0x0112
_WIDTHS = {3: "H", 4: "I"}  # of a value, by TIFF's types short and long
_ENTRY = 12  # bytes


def orientation(block: bytes | memoryview) -> int:
    """Returns the orientation in an EXIF block, 1 to 8; 1 if it has none, or an invalid one.

    Args:
      block: TIFF's header and directories, after `Exif` and two zeros or without them.
    """
    block = memoryview(block)
    block = block[len(_PREFIX) :] if block[: len(_PREFIX)] == _PREFIX else block
    order = {b"II": "<", b"MM": ">"}.get(bytes(block[:2]))
    if not order:
        return UPRIGHT
    try:
        magic, directory = struct.unpack_from(f"{order}HI", block, 2)
        (count,) = struct.unpack_from(f"{order}H", block, directory)
        begin = directory + 2
        whole = min(count, (len(block) - begin) // _ENTRY) if magic == 42 else 0
        for at in range(begin, begin + _ENTRY * whole, _ENTRY):
            tag, kind, values = struct.unpack_from(f"{order}HHI", block, at)
            if tag == _ORIENTATION and kind in _WIDTHS and values == 1:
                (value,) = struct.unpack_from(order + _WIDTHS[kind], block, at + 8)
                return value if 1 <= value <= 8 else UPRIGHT
    except struct.error:
        return UPRIGHT
    return UPRIGHT


def exchanges_sides(value: int) -> bool:
    """Returns whether an image of this orientation is made upright by a turn of 90 degrees."""
    return value >= 5
