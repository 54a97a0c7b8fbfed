import functools
import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from scipy.io import wavfile

from tests.data.kinds.signal import waves
from trainer.data.form import Form
from trainer.data.kinds.signal.decode import decode_whole, exported, make_decoder
from trainer.data.kinds.signal.header import Header


def _graph(decode: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[tf.Tensor], tf.Tensor]:
    return tf.function(decode, input_signature=[tf.TensorSpec((), tf.string)], autograph=False)


@functools.cache
def _whole() -> Callable[[tf.Tensor], tf.Tensor]:
    return _graph(decode_whole)


@functools.cache
def _exported(form: Form) -> Callable[[tf.Tensor], tf.Tensor]:
    return _graph(exported(form))


def _form(length: int, channels: int = 1, rate: int = 8000) -> Form:
    return Form((length,), channels, spacing=(1 / rate,) if rate else (), unit="s" if rate else "")


def _both(contents: list[bytes], form: Form) -> list[np.ndarray]:
    """Returns what the training decodes, after it has seen that the exported model decodes the same."""
    known = _graph(make_decoder([Header.read(one) for one in contents], form))
    any_file = _exported(form)
    assert known.get_concrete_function().output_shapes == any_file.get_concrete_function().output_shapes == form.shape
    found = [known(tf.constant(one)).numpy() for one in contents]
    for one, content in zip(found, contents, strict=True):
        np.testing.assert_array_equal(any_file(tf.constant(content)), one)
        assert one.shape == form.shape
        assert one.dtype == np.float32
    return found


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_reads_what_scipy_writes(kind: type, channels: int) -> None:
    values = waves.noise(1, 40, channels)
    steps = {np.uint8: 128, np.int16: 2**15, np.int32: 2**31}.get(kind, 0)
    numbers = (np.rint(values * (steps or 1)) + 128 * (kind is np.uint8)).astype(kind) if steps else values.astype(kind)
    file = io.BytesIO()
    wavfile.write(file, 8000, numbers)
    wanted = (numbers.astype(np.float64) - 128 * (kind is np.uint8)) / (steps or 1)
    (found,) = _both([file.getvalue()], _form(40, channels))
    np.testing.assert_allclose(found, wanted, atol=1e-7)
    np.testing.assert_array_equal(_whole()(tf.constant(file.getvalue())), found)


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_reads_integers_from_least_to_greatest(bits: int) -> None:
    values = np.array([[-1.0], [-0.5], [0.0], [0.5], [1.0]])
    (found,) = _both([waves.written(values, bits)], _form(5))
    np.testing.assert_allclose(found, values, atol=2.0 ** (1 - bits))
    assert found[0, 0] == -1.0
    assert found[2, 0] == 0.0


@pytest.mark.parametrize(("bits", "width"), [(12, 2), (20, 3), (24, 4)])
def test_values_of_fewer_bits_are_at_the_top_of_their_bytes(bits: int, width: int) -> None:
    values = np.array([[-0.5], [0.25]])
    content = waves.riff(waves.fmt(bits, width=width), waves.chunk(b"data", waves.stored(values, 8 * width)))
    np.testing.assert_array_equal(_whole()(tf.constant(content)), values)


@pytest.mark.parametrize("name", waves.UNUSUAL)
def test_reads_samples_whatever_is_around_them(name: str) -> None:
    wanted = _whole()(tf.constant(waves.written(waves.noise(0, 50))))
    np.testing.assert_array_equal(_whole()(tf.constant(waves.UNUSUAL[name])), wanted)
    np.testing.assert_array_equal(_both([waves.UNUSUAL[name]], _form(50))[0], wanted)


def test_files_of_all_formats_are_read_side_by_side() -> None:
    values = waves.noise(2, 30)
    contents = [waves.written(values, bits) for bits in (8, 16, 24, 32)]
    contents += [waves.written(values, bits, is_float=True) for bits in (32, 64)]
    for found, bits in zip(_both(contents, _form(30)), (8, 16, 24, 32, 32, 64), strict=True):
        np.testing.assert_allclose(found, values, atol=2.0**-bits + 1e-7)


@pytest.mark.parametrize("name", waves.REFUSED)
def test_rejects_in_a_graph_what_the_header_rejects(name: str) -> None:
    content, _, message = waves.REFUSED[name]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _whole()(tf.constant(content))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300, -1e30])
def test_rejects_values_that_are_not_finite(value: float) -> None:
    content = waves.written(np.array([[0.0], [value]]), 64, is_float=True)
    for decode in (decode_whole, make_decoder([Header.read(content)], _form(2))):
        with pytest.raises(tf.errors.InvalidArgumentError, match="must be finite"):
            _graph(decode)(tf.constant(content))


def test_rejects_a_file_that_changed_after_its_header_was_read() -> None:
    content = waves.written(waves.noise(0, 50))
    decode = _graph(make_decoder([Header.read(content)], _form(50)))
    for changed in (content[:44], content[:10], b"", content.replace(b"data", b"tada")):
        with pytest.raises(tf.errors.InvalidArgumentError, match="a RIFF WAVE file that has changed"):
            decode(tf.constant(changed))


def test_shorter_ones_are_padded_with_their_own_mean_and_longer_ones_cut() -> None:
    short, long = waves.noise(0, 20, 2) + 0.05, waves.noise(1, 60, 2)
    padded, cut = _both([waves.written(short, 32), waves.written(long, 32)], _form(40, 2))
    np.testing.assert_allclose(padded[:20], short, atol=1e-6)
    np.testing.assert_allclose(padded[20:], np.repeat(short.mean(0, keepdims=True), 20, 0), atol=1e-6)
    np.testing.assert_allclose(cut, long[:40], atol=1e-6)


@pytest.mark.parametrize(
    ("channels", "wanted", "weights"),
    [
        (2, 1, [[0.5], [0.5]]),
        (5, 1, [[0.2]] * 5),
        (5, 2, [[1 / 3, 0], [0, 0.5], [1 / 3, 0], [0, 0.5], [1 / 3, 0]]),
        (1, 3, [[1, 1, 1]]),
        (2, 3, [[1, 0, 1], [0, 1, 0]]),
    ],
)
def test_channels_are_mixed(channels: int, wanted: int, weights: list[list[float]]) -> None:
    values = waves.noise(3, 25, channels)
    alone, beside = waves.written(values, 32), waves.written(waves.noise(0, 25, wanted), 32)
    found, _ = _both([alone, beside], _form(25, wanted))
    np.testing.assert_allclose(found, values @ np.array(weights), atol=1e-6)


@pytest.mark.parametrize(
    ("rate", "wanted"), [(44100, 16000), (8000, 16000), (16000, 8000), (22050, 8001), (8000, 44100)]
)
def test_a_pure_tone_keeps_its_frequency_at_another_rate(rate: int, wanted: int) -> None:
    frequency, length = 1234.0, wanted // 4
    (found,) = _both([waves.written(waves.tone(frequency, rate, 0.25, 2), 32, rate)], _form(length, 2, wanted))
    ideal = waves.tone(frequency, wanted, 1, 2)[:length]
    middle = slice(length // 10, -length // 10)
    np.testing.assert_allclose(found[middle], ideal[middle], atol=1e-4)
    assert np.abs(found - ideal).max() < 0.4  # at the ends, of an amplitude of 0.5


def test_a_tone_above_the_nyquist_frequency_is_removed() -> None:
    content = waves.written(waves.tone(7000, 44100, 0.3), 32, 44100)
    (found,) = _both([content], _form(2400))
    assert np.abs(found[300:-300]).max() < 1e-3


@pytest.mark.parametrize("rate", [11025, 48000])
def test_a_constant_stays_one_at_another_rate(rate: int) -> None:
    (found,) = _both([waves.written(np.full((400, 1), 0.7), 32, rate)], _form(300))
    np.testing.assert_allclose(found, 0.7, atol=1e-5)


def test_a_long_file_is_resampled_as_its_beginning_is() -> None:
    values = waves.noise(4, 60_000)
    long, short = (waves.written(one, 32, 16000) for one in (values, values[:3000]))
    found, other = _both([long, short], _form(1000))
    np.testing.assert_allclose(found, other, atol=2e-3)


def test_files_of_several_rates_are_read_side_by_side() -> None:
    rates = (8000, 11025, 44100)
    contents = [waves.written(waves.tone(500, rate, 0.25), 32, rate) for rate in rates]
    ideal = waves.tone(500, 8000, 0.25)
    for found in _both(contents, _form(2000)):
        np.testing.assert_allclose(found[200:-200], ideal[200:-200], atol=1e-4)


def test_a_file_keeps_its_rate_where_the_form_has_none() -> None:
    values = waves.noise(5, 30)
    (found,) = _both([waves.written(values, 32, 44100)], _form(30, rate=0))
    np.testing.assert_allclose(found, values, atol=1e-6)


def test_mutated_files_are_read_alike_in_python_and_in_a_graph_or_end_in_a_plain_error() -> None:
    random = np.random.default_rng(0)
    sources = [*waves.UNUSUAL.values(), waves.written(waves.noise(0, 30, 3), 32, is_float=True)]
    decode = _exported(_form(20))
    read = 0
    for _ in range(600):
        content = bytearray(sources[random.integers(len(sources))])
        for _ in range(random.integers(1, 4)):
            content[random.integers(min(80, len(content)))] = random.choice([0, 1, 2, 3, 255, random.integers(256)])
        mutant = bytes(content[: random.integers(len(content) + 1)] if random.random() < 0.3 else content)
        try:
            frames, channels = (header := Header.read(mutant)).frames, header.channels
        except (ValueError, struct.error) as error:
            assert not isinstance(error, struct.error)
            frames, channels = 0, 0
        try:
            found = _whole()(tf.constant(mutant))
        except tf.errors.OpError as error:
            assert not frames or "finite" in str(error), (mutant, error)
            continue
        assert found.shape == (frames, channels)
        assert np.isfinite(decode(tf.constant(mutant))).all()
        read += 1
    assert 50 < read < 550
