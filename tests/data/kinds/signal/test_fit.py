import math

import numpy as np
import pytest

from trainer.data.form import Form
from trainer.data.kinds.options import SampleOptions
from trainer.data.kinds.signal.decode import rate_of
from trainer.data.kinds.signal.fit import MOST_POSITIONS, choose_form, fit_arrays, notes
from trainer.data.kinds.signal.header import Header


def _header(frames: int, rate: int = 8000, channels: int = 1) -> Header:
    return Header(rate, channels, frames, 2, False, 44)


def test_the_form_is_the_longest_signal_at_the_lowest_rate_with_the_fewest_channels() -> None:
    form = choose_form([_header(100, 8000, 2), _header(900, 44100, 4), _header(3, 8000, 2)], SampleOptions())
    assert form == Form((164,), 2, -math.inf, math.inf, spacing=(1 / 8000,), unit="s")
    assert Form.from_json(form.to_json()) == form


def test_the_form_is_as_it_is_asked_for() -> None:
    form = choose_form([_header(100), _header(50, 16000)], SampleOptions(length=77, rate=4000))
    assert (form.sizes, rate_of(form)) == ((77,), 4000)
    assert choose_form([_header(100)], SampleOptions(rate=16000)).sizes == (200,)


def test_nobody_gets_a_length_without_bound_that_is_not_asked_for() -> None:
    headers = [_header(10**6)]
    assert choose_form(headers, SampleOptions()).sizes == (MOST_POSITIONS,)
    assert choose_form(headers, SampleOptions(length=10**6)).sizes == (10**6,)


@pytest.mark.parametrize("rate", [1, 7, 8000, 11025, 44100, 768_000])
def test_a_rate_is_kept_in_the_form(rate: int) -> None:
    form = choose_form([_header(10, rate)], SampleOptions())
    assert rate_of(Form.from_json(form.to_json())) == rate


def test_what_is_changed_is_counted_in_a_line() -> None:
    headers = [_header(100), _header(50), _header(1000, 44100, 2), _header(120)]
    form = choose_form(headers, SampleOptions(length=100))
    assert notes(headers, form) == [
        "of 4 signals, converted to 100 positions (0.0125 s at 8,000 Hz), 1 padded at the end with their own mean, "
        "2 cut (`--length`), 1 resampled from up to 44,100 Hz (`--rate`), 1 mixed from up to 2 channels"
    ]
    assert notes(headers[:1], form) == []


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.float16, np.float64, bool])
@pytest.mark.parametrize("channels", [None, 1, 3])
def test_arrays_become_float32_of_the_length(kind: type, channels: int | None) -> None:
    shape = (5, 12) if channels is None else (5, 12, channels)
    signals = np.random.default_rng(0).integers(0, 2, shape).astype(kind)
    whole = signals.reshape(5, 12, -1).astype(np.float32)
    for length in (0, 12, 7, 20):
        fitted = fit_arrays(signals, SampleOptions(length=length))
        assert fitted.dtype == np.float32
        assert fitted.shape == (5, length or 12, channels or 1)
        np.testing.assert_array_equal(fitted[:, :12], whole[:, : length or 12])
        for row, own in zip(fitted[:, 12:], whole, strict=True):
            np.testing.assert_allclose(row, np.repeat(own.mean(0, keepdims=True), len(row), 0), rtol=1e-6)
