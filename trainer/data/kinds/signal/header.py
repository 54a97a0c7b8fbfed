"""The header of a WAVE file: its rate, its channels, the number of frames, and the sample format.

Sources: IBM and Microsoft, "Multimedia Programming Interface and Data Specifications 1.0", 1991; Microsoft,
"WAVEFORMATEXTENSIBLE"; EBU, "Tech 3306: MBWF / RF64", 2009, and ITU-R BS.2088, of files that may have more than 4 GB.
"""

import dataclasses
import struct

FILES = "RIFF WAVE"
MAXIMUM_RATE = 768_000  # of any recorder that is sold; a greater one takes memory to resample

RIFF, WAVE, FORMAT, DATA = b"RIFF", b"WAVE", b"fmt ", b"data"
BEGINNINGS = (RIFF, b"RF64", b"BW64")
FIRST_CHUNK = 12  # bytes before it
SIZES, SIZES_END = b"ds64", 36  # the first chunk of RF64 and BW64, and where its part ends that is read
SAMPLES_SIZE = 28  # the offset of the samples' bytes there
UNSAID = 2**32 - 1  # a size that this chunk says
CHUNK_HEAD = 8  # bytes: a chunk's name and its size
FORMAT_SIZE, EXTENSIBLE_SIZE = 16, 40  # bytes of the chunk `fmt ` that are read

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")  # behind the two bytes of a WAVEFORMATEXTENSIBLE's format
INTEGERS, FLOATS = (1, 2, 3, 4), (4, 8)  # bytes of a value
# Behind the head of a data chunk of 0 bytes: then nothing is recorded. Anything else there is a stream's samples.
FOLLOWING = (FORMAT, DATA, *(b"LIST", b"fact", b"cue ", b"PEAK", b"bext", b"JUNK", b"junk", b"PAD ", b"id3 ", b"smpl"))

# Error messages, the same in Python and in a graph.
CUT_OFF = "a truncated header, or no fmt or data chunk"
NO_FRAME = "no frame of samples"
WIDTH_RULE = "samples must be 8- to 32-bit integers or 32- or 64-bit floats that fill the bytes of a frame"
RATE_RULE = f"the sample rate must be from 1 to {MAXIMUM_RATE:,} Hz, with at least one channel"

COMPRESSED = {
    0x0002: "ADPCM",
    0x0006: "A-law",
    0x0007: "mu-law",
    0x0011: "IMA ADPCM",
    0x0031: "GSM 6.10",
    0x0040: "G.721 ADPCM",
    0x0045: "G.726 ADPCM",
    0x0050: "MPEG",
    0x0055: "MP3",
    0x0092: "AC-3",
    0x00FF: "AAC",
    0x0161: "Windows Media Audio",
    0xF1AC: "FLAC",
}
OTHERS = {  # files mistaken for one, by their first bytes
    b"RIFX": "RIFX, which is big-endian",
    b"riff": "Wave64",
    b"FORM": "AIFF",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b".snd": "AU",
    b"caff": "CAF",
    b"ID3": "MP3",
    b"version https://git-lfs": "a Git LFS pointer (`git lfs pull` fetches the file)",
}

_FIRST = 1 << 16  # bytes that may be the beginning of a longer file


@dataclasses.dataclass(frozen=True, slots=True)  # a data set has as many as signals
class Header:
    """One file's samples.

    Attributes:
      rate: frames per second.
      channels: values of a frame.
      frames: how many there are.
      width: bytes of a value.
      is_float: whether values are floats; else they are integers.
      start: the offset of the first frame.
      is_riff: whether the file begins as RIFF; else its sizes are those of RF64.
    """

    rate: int
    channels: int
    frames: int
    width: int
    is_float: bool
    start: int
    is_riff: bool = True

    @property
    def format(self) -> str:
        """The sample format, for messages."""
        return f"{8 * self.width}-bit {'float' if self.is_float else 'PCM'}"

    def positions(self, rate: int) -> int:
        """Returns the number of positions of the signal at another rate."""
        return -(-self.frames * rate // self.rate)

    @classmethod
    def read(cls, content: bytes | memoryview, size: int | None = None) -> "Header":
        """Returns the header of a WAVE file's content.

        Args:
          content: the file's content, or its first 64 KiB.
          size: bytes of the whole file, where the content may be its beginning. Without it, exactly 64 KiB are taken
            for the beginning of a file that is as long as it says.

        Raises:
          ValueError: it is none that can be read, or its first 64 KiB do not suffice; the message says why.
        """
        content = memoryview(content)
        if not content:
            raise ValueError("an empty file")
        if bytes(content[:4]) not in BEGINNINGS or bytes(content[8:FIRST_CHUNK]) != WAVE[: max(0, len(content) - 8)]:
            raise ValueError(_strange(bytes(content[:64])))
        is_part = len(content) == _FIRST if size is None else len(content) < size
        fmt, start, declared = _chunks(content, is_part, is_part and size is None)
        if declared == UNSAID and bytes(content[FIRST_CHUNK : FIRST_CHUNK + 4]) == SIZES and len(content) >= SIZES_END:
            (declared,) = struct.unpack_from("<Q", content, SAMPLES_SIZE)
        rate, channels, width, is_float = _format(content, fmt)
        # An interrupted recorder, or one that wrote to a pipe, leaves a wrong size: the actual content counts.
        there = (len(content) if size is None else size) - start
        length = (declared if is_part and size is None else min(declared, there)) if declared else there
        frames = length // (channels * width)
        if frames < 1:
            raise ValueError(NO_FRAME)
        return cls(rate, channels, frames, width, is_float, start, bytes(content[:4]) == RIFF)


def _strange(start: bytes) -> str:
    """Returns a description of a file that is not a supported WAVE file."""
    named = next((name for magic, name in OTHERS.items() if start.startswith(magic)), "")
    return f"{named}, not {FILES}" if named else f"not {FILES}"


def _chunks(content: memoryview, is_part: bool, is_endless: bool) -> tuple[int, int, int]:
    """Returns the offsets of the format and of the samples, and the declared size of these; 0 is to the end.

    Args:
      content: of the file.
      is_part: whether it is only the file's beginning.
      is_endless: whether it is, and the length of the file is unknown.
    """
    fmt = start = declared = 0
    offset = FIRST_CHUNK
    while offset + CHUNK_HEAD <= len(content) and not (fmt and start):
        name, size = struct.unpack_from("<4sI", content, offset)
        offset += CHUNK_HEAD
        if name == FORMAT and not fmt:
            if size < FORMAT_SIZE or offset + FORMAT_SIZE > len(content):
                raise ValueError(CUT_OFF)
            fmt = offset
        if name == DATA and not start:
            following = bytes(content[offset : offset + 4])
            is_open = not size and following not in FOLLOWING
            if (is_endless and (is_open or size >> 31)) or (is_part and not size and len(following) < 4):
                raise ValueError("samples of unknown size")  # the whole file says it
            start, declared = offset, size
            if is_open:
                break
            if not size:
                raise ValueError(NO_FRAME)
        offset += size + size % 2
    if not (fmt and start):
        raise ValueError(CUT_OFF)
    return fmt, start, declared


def _format(content: memoryview, offset: int) -> tuple[int, int, int, bool]:
    """Returns the rate, the channels, the bytes of a value, and whether it is a float."""
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", content, offset)
    if tag == EXTENSIBLE:
        if offset + EXTENSIBLE_SIZE > len(content):
            raise ValueError(CUT_OFF)
        tag, rest = struct.unpack_from("<H14s", content, offset + 24)
        if rest != SUBFORMAT:
            raise ValueError("an unknown sample format")
    if tag not in (PCM, FLOAT):
        raise ValueError(f"{COMPRESSED.get(tag, f'format {tag:#06x}')}; samples must be PCM or float")
    if not (channels and 0 < rate <= MAXIMUM_RATE):
        raise ValueError(f"{RATE_RULE}. Received: {rate:,} Hz, {channels} channels")
    width = block // channels
    if tag == FLOAT:
        fits = width in FLOATS and bits == 8 * width
    else:
        fits = width in INTEGERS and min(9, 8 * width - 7) <= bits <= 8 * width
    if not fits or width * channels != block:
        raise ValueError(f"{WIDTH_RULE}. Received: {bits} bits in {block} bytes for {channels} channels")
    return rate, channels, width, tag == FLOAT
