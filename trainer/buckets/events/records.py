"""The records of an event file, as TensorFlow frames them: length and its checksum, content and its checksum.

https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

import os
import struct
from typing import BinaryIO

from trainer.buckets.objects.object import crc32c

_LENGTH = struct.Struct("<QI")
_CHECKSUM = 4  # bytes


def masked(content: bytes) -> int:
    """Returns the checksum in the form that a record stores."""
    checksum = crc32c(content)
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def complete(file: BinaryIO, start: int, stop: int, most: int | None = None) -> int:
    """Returns where the last complete record before `stop` ends; reads only the records' lengths.

    Args:
      file: an event file that may be growing.
      start: the start of a record.
      stop: the end of the search.
      most: the maximum number of records.
    """
    while most is None or most > 0:
        header = os.pread(file.fileno(), _LENGTH.size, start)
        if start + _LENGTH.size > stop or len(header) < _LENGTH.size:
            break
        length, checksum = _LENGTH.unpack(header)
        end = start + _LENGTH.size + length + _CHECKSUM
        if end > stop or checksum != masked(header[:8]):  # TensorBoard also stops here
            break
        start, most = end, None if most is None else most - 1
    return start
