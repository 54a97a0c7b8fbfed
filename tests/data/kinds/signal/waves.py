"""WAVE files, written byte by byte."""

import struct

import numpy as np

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
GUID = bytes.fromhex("000000001000800000aa00389b71")


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    """Returns a chunk, with its pad byte; of another size than it says where one is given."""
    return name + struct.pack("<I", len(content) if size is None else size) + content + b"\0" * (len(content) % 2)


def riff(*chunks: bytes) -> bytes:
    """Returns a file of chunks."""
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def fmt(bits: int, channels: int = 1, rate: int = 8000, tag: int = PCM, width: int = 0, more: bytes = b"") -> bytes:
    """Returns a chunk `fmt `; values of the width that their bits need, or of another one."""
    block = channels * (width or -(-bits // 8))
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits) + more)


def extensible(bits: int, tag: int = PCM, channels: int = 1, guid: bytes = GUID) -> bytes:
    """Returns a chunk `fmt ` of the form WAVEFORMATEXTENSIBLE."""
    return fmt(bits, channels, tag=EXTENSIBLE, more=struct.pack("<HHIH", 22, bits, 0, tag) + guid)


def stored(values: np.ndarray, bits: int, is_float: bool = False) -> bytes:
    """Returns values from -1 to 1, `(frames, channels)`, as a file holds them."""
    if is_float:
        return values.astype(f"<f{bits // 8}").tobytes()
    whole = np.clip(np.rint(values * 2.0 ** (bits - 1)), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(np.int64)
    if bits == 8:
        return (whole + 128).astype(np.uint8).tobytes()
    return b"".join(int(value).to_bytes(bits // 8, "little", signed=True) for value in whole.reshape(-1))


def written(
    values: np.ndarray, bits: int = 16, rate: int = 8000, is_float: bool = False, size: int | None = None
) -> bytes:
    """Returns a file of values from -1 to 1, `(frames, channels)`."""
    data = stored(values, bits, is_float)
    return riff(fmt(bits, values.shape[1], rate, FLOAT if is_float else PCM), chunk(b"data", data, size))


def rf64(*chunks: bytes, size: int, magic: bytes = b"RF64") -> bytes:
    """Returns a file of chunks, behind one that says the bytes of the samples."""
    body = b"WAVE" + chunk(b"ds64", struct.pack("<QQQI", 0, size, 0, 0)) + b"".join(chunks)
    return magic + b"\xff\xff\xff\xff" + body


def tone(frequency: float, rate: int, seconds: float, channels: int = 1) -> np.ndarray:
    """Returns a sine of amplitude 0.5, `(frames, channels)`."""
    times = np.arange(round(rate * seconds)) / rate
    return np.repeat(0.5 * np.sin(2 * np.pi * frequency * times)[:, None], channels, 1)


def noise(seed: int, frames: int, channels: int = 1) -> np.ndarray:
    """Returns values from -0.9 to 0.9, `(frames, channels)`."""
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (frames, channels))


_DATA = chunk(b"data", stored(noise(0, 50), 16))
_LIST = chunk(b"LIST", b"INFOISFT\x05\0\0\0abcd\0")  # of an odd size

# By name: files of 50 frames of 16 bits that are read, whatever is around their samples.
UNUSUAL = {
    "RF64": rf64(fmt(16), _DATA, size=0),
    "RF64 with its size": rf64(fmt(16), _DATA[:4] + b"\xff\xff\xff\xff" + _DATA[8:], _LIST, size=100),
    "BW64 that is cut off": rf64(fmt(16), _DATA[:4] + b"\xff" * 4 + _DATA[8:], size=10**10, magic=b"BW64"),
    "an odd chunk before": riff(_LIST, fmt(16), _DATA),
    "chunks between": riff(fmt(16), chunk(b"fact", b"\x32\0\0\0"), _LIST, _DATA),
    "chunks behind": riff(fmt(16), _DATA, _LIST),
    "the format behind": riff(_DATA, fmt(16)),
    "a long format": riff(fmt(16, more=b"\0\0"), _DATA),
    "extensible": riff(extensible(16), _DATA),
    "streamed, 0": riff(fmt(16), chunk(b"data", stored(noise(0, 50), 16), 0)),
    "streamed, -1": riff(fmt(16), chunk(b"data", stored(noise(0, 50), 16), 0xFFFFFFFF)),
    "streamed, sox": riff(fmt(16), chunk(b"data", stored(noise(0, 50), 16), 0x7FFFF000)),
    "cut off": riff(fmt(16), chunk(b"data", stored(noise(0, 50), 16), 4000)),
    "half a frame more": riff(fmt(16), chunk(b"data", stored(noise(0, 50), 16) + b"\1")),
    "a wrong size of the whole": b"RIFF\0\0\0\0" + riff(fmt(16), _DATA)[8:],
}

# By name: files that are refused, and what Python and a graph say of them.
REFUSED = {
    "A-law": (riff(fmt(8, tag=6), _DATA), "A-law", "PCM or float"),
    "mu-law": (riff(fmt(8, tag=7), _DATA), "mu-law", "PCM or float"),
    "ADPCM": (riff(fmt(4, tag=2), _DATA), "ADPCM", "PCM or float"),
    "IMA ADPCM": (riff(fmt(4, tag=0x11), _DATA), "IMA ADPCM", "PCM or float"),
    "MP3": (riff(fmt(16, tag=0x55), _DATA), "MP3", "PCM or float"),
    "unknown": (riff(fmt(16, tag=0x1234), _DATA), "format 0x1234", "PCM or float"),
    "extensible A-law": (riff(extensible(8, tag=6), _DATA), "A-law", "PCM or float"),
    "extensible, another": (riff(extensible(16, guid=b"\1" * 14), _DATA), "unknown sample format", "PCM or float"),
    "extensible, short": (riff(fmt(16, tag=EXTENSIBLE)), "truncated", "truncated"),
    "RIFX": (b"RIFX" + riff(fmt(16), _DATA)[4:], "RIFX", "not RIFF WAVE"),
    "RF64 of another form": (b"RF64" + bytes(4) + b"AVI " + bytes(40), "not RIFF WAVE", "not RIFF WAVE"),
    "AVI": (riff(fmt(16), _DATA).replace(b"WAVE", b"AVI "), "not RIFF WAVE", "not RIFF WAVE"),
    "FLAC": (b"fLaC" + bytes(60), "FLAC, not RIFF WAVE", "not RIFF WAVE"),
    "Ogg": (b"OggS" + bytes(60), "Ogg, not RIFF WAVE", "not RIFF WAVE"),
    "text": (b"hello", "not RIFF WAVE", "not RIFF WAVE"),
    "nothing": (b"", "an empty file", "not RIFF WAVE"),
    "no frame": (riff(fmt(16), chunk(b"data", b"")), "no frame", "no frame"),
    "no frame, then more": (riff(fmt(16), chunk(b"data", b""), _LIST), "no frame", "no frame"),
    "less than a frame": (riff(fmt(16, 4), chunk(b"data", bytes(6))), "no frame", "no frame"),
    "no samples": (riff(fmt(16), _LIST), "no fmt or data", "no fmt or data"),
    "no format": (riff(_DATA), "no fmt or data", "no fmt or data"),
    "a short format": (riff(chunk(b"fmt ", bytes(14)), _DATA), "no fmt", "no fmt"),
    "no channel": (riff(fmt(16, 0), _DATA), "with at least one channel", "with at least one channel"),
    "no rate": (riff(fmt(16, rate=0), _DATA), "sample rate must be from 1", "sample rate must be from 1"),
    "a great rate": (riff(fmt(16, rate=10**9), _DATA), "1,000,000,000 Hz", "sample rate must be from 1"),
    "64 bits": (riff(fmt(64), _DATA), "64 bits in 8 bytes", "samples must be 8- to 32-bit"),
    "16-bit floats": (riff(fmt(16, tag=FLOAT), _DATA), "samples must be", "32- or 64-bit floats"),
    "no bits": (riff(fmt(0, width=2), _DATA), "0 bits in 2 bytes", "fill the bytes of a frame"),
    "a wrong block": (riff(fmt(24, width=2), _DATA), "24 bits in 2 bytes", "fill the bytes of a frame"),
}
