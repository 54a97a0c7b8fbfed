import io
import struct
import wave

import numpy as np
import pytest

from tests.data.kinds.signal import waves
from trainer.data.kinds.signal.header import Header


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("channels", [1, 2, 7])
def test_reads_what_the_standard_library_writes(bits: int, channels: int) -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((channels, bits // 8, 11025, 0, "NONE", ""))
        written.writeframes(waves.stored(waves.noise(0, 33, channels), bits))
    header = Header.read(file.getvalue())
    assert (header.rate, header.channels, header.frames, header.width) == (11025, channels, 33, bits // 8)
    assert header.format == f"{bits}-bit PCM"


@pytest.mark.parametrize("name", waves.UNUSUAL)
def test_reads_the_frames_that_are_there(name: str) -> None:
    header = Header.read(waves.UNUSUAL[name])
    assert (header.rate, header.channels, header.width, header.frames) == (8000, 1, 2, 50)


@pytest.mark.parametrize("bits", [32, 64])
def test_reads_floats(bits: int) -> None:
    for content in (
        waves.written(waves.noise(0, 9, 2), bits, is_float=True),
        waves.riff(waves.extensible(bits, waves.FLOAT, 2), waves.chunk(b"data", bytes(9 * 2 * bits // 8))),
    ):
        header = Header.read(content)
        assert header.is_float
        assert (header.frames, header.format) == (9, f"{bits}-bit float")


@pytest.mark.parametrize(("bits", "width"), [(12, 2), (20, 3), (24, 4), (5, 1)])
def test_values_may_have_fewer_bits_than_their_bytes(bits: int, width: int) -> None:
    header = Header.read(waves.riff(waves.fmt(bits, 2, width=width), waves.chunk(b"data", bytes(24))))
    assert (header.width, header.frames) == (width, 24 // (2 * width))


@pytest.mark.parametrize("name", waves.REFUSED)
def test_rejects_a_file_by_what_it_is(name: str) -> None:
    content, message, _ = waves.REFUSED[name]
    with pytest.raises(ValueError, match=message):
        Header.read(content)


def test_the_first_64_kib_suffice_where_they_say_the_size() -> None:
    content = waves.written(np.zeros((100_000, 1)))
    first = content[: 1 << 16]
    assert Header.read(first) == Header.read(first, len(content)) == Header.read(content)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000])
def test_a_streamed_file_is_read_whole_unless_its_length_is_known(size: int) -> None:
    content = waves.written(np.zeros((100_000, 1)), size=size)
    first = content[: 1 << 16]
    assert Header.read(first, len(content)).frames == Header.read(content).frames == 100_000
    if size >> 31 or not size:
        with pytest.raises(ValueError, match="samples of unknown size"):
            Header.read(first)


def test_a_header_behind_the_first_64_kib_is_in_the_whole_file() -> None:
    content = waves.riff(waves.chunk(b"id3 ", bytes(70_001)), waves.fmt(16), waves.chunk(b"data", bytes(20)))
    assert Header.read(content).frames == 10
    with pytest.raises(ValueError, match="truncated"):
        Header.read(content[: 1 << 16])


def test_every_beginning_ends_in_a_plain_error() -> None:
    content = waves.UNUSUAL["an odd chunk before"]
    start = content.index(b"data") + 8
    for length in range(start + 2):
        with pytest.raises(ValueError, match=r".") as error:
            Header.read(content[:length])
        assert not isinstance(error.value, struct.error)
    assert Header.read(content[: start + 2]).frames == 1


@pytest.mark.parametrize(("rate", "positions"), [(8000, 50), (16000, 100), (4000, 25), (3000, 19), (1, 1)])
def test_positions_at_another_rate_are_rounded_up(rate: int, positions: int) -> None:
    assert Header.read(waves.UNUSUAL["chunks behind"]).positions(rate) == positions
