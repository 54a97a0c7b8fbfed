import numpy as np
import pytest
import tensorflow as tf

from tests.data.kinds.signal import waves
from trainer.data.kinds.known import BY_RANK
from trainer.data.kinds.signal.kind import SIGNAL


def test_signals_are_the_kind_of_rank_1() -> None:
    assert BY_RANK[1] is SIGNAL


def test_describes_a_file_and_its_values() -> None:
    values = waves.noise(0, 500, 2) + 0.05
    described = SIGNAL.describe(waves.written(values, 32, 16000))
    assert described["mean"] == pytest.approx(values.mean(), abs=1e-6)
    assert described["square"] == pytest.approx((values**2).mean(), abs=1e-6)
    assert {name: described[name] for name in ("format", "rate", "channels", "frames")} == {
        "format": "32-bit PCM",
        "rate": 16000,
        "channels": 2,
        "frames": 500,
    }
    assert SIGNAL.features(described) == {
        "signal/format": "32-bit PCM",
        "signal/rate": 16000,
        "signal/channels": 2,
        "signal/frames": 500,
    }


def test_summarizes_what_files_are_like() -> None:
    files = [waves.written(waves.tone(100, 8000, seconds)) for seconds in (0.25, 0.5, 1)]
    files.append(waves.written(waves.tone(100, 16000, 1, 2), 32, 16000, is_float=True))
    assert SIGNAL.summarize([SIGNAL.describe(one) for one in files]) == {
        "formats": {"16-bit PCM": 3, "32-bit float": 1},
        "rates": {"8000": 3, "16000": 1},
        "channels": {"1": 3, "2": 1},
        "frames": {"smallest": 2000, "median": 6000, "largest": 16000},
        "seconds": {"smallest": 0.25, "median": 0.75, "largest": 1.0},
        "mean": pytest.approx(0, abs=1e-5),
        "deviation": pytest.approx(0.5 / np.sqrt(2), abs=1e-4),
    }


def test_checks_every_value() -> None:
    SIGNAL.check(waves.written(waves.noise(0, 30, 3)), None)
    SIGNAL.check(waves.written(waves.noise(0, 30, 3)), 1)
    with pytest.raises(ValueError, match="mu-law"):
        SIGNAL.check(waves.REFUSED["mu-law"][0], None)
    values = np.zeros((3000, 1))
    values[-1] = np.nan
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be finite"):
        SIGNAL.check(waves.written(values, 32, is_float=True), None)


def test_the_extent_is_what_is_decoded() -> None:
    content = waves.written(waves.noise(0, 30, 3))
    assert SIGNAL.extent(SIGNAL.read_header(content, len(content))) == 90
