import math

import numpy as np
import pytest

from trainer.data.form import Form
from trainer.data.kinds.options import SampleOptions
from trainer.data.kinds.volume.fit import choose_form, fit_arrays, notes
from trainer.data.kinds.volume.header import Header
from trainer.errors import UsageError

SMALL = Header("npy", (16, 20, 24), 1, True)
OTHER = Header("npy", (16, 20, 25), 1, True)
LARGE = Header("npy", (65, 64, 64), 1, True)
FLOAT = Header("npy", (16, 20, 24), 1, False)
COLOUR = Header("GIF", (16, 20, 24), 3, True)
SCAN = Header("NIfTI", (40, 40, 20), 1, False, (1.0, 1.0, 2.0), "RAS")
FINE = Header("NIfTI", (60, 40, 20), 1, False, (0.5, 0.5, 3.0), "LPS")


@pytest.mark.parametrize(
    ("headers", "asked", "sizes", "channels", "is_bounded"),
    [
        ([SMALL, SMALL], 0, (16, 20, 24), 1, True),
        ([SMALL, SMALL], 10, (10, 10, 10), 1, True),
        ([SMALL, OTHER], 0, (32, 32, 32), 1, True),
        ([LARGE], 0, (32, 32, 32), 1, True),
        ([SMALL, FLOAT], 0, (16, 20, 24), 1, False),
        ([SMALL, COLOUR], 0, (16, 20, 24), 3, True),
    ],
)
def test_the_form_follows_from_the_headers(
    headers: list[Header], asked: int, sizes: tuple[int, ...], channels: int, is_bounded: bool
) -> None:
    form = choose_form(headers, SampleOptions(volume_size=asked))
    assert (form.sizes, form.channels, form.is_bounded) == (sizes, channels, is_bounded)
    assert (form.spacing, form.unit) == ((), "")


@pytest.mark.parametrize(
    ("headers", "asked", "sizes", "spacing"),
    [
        ([SCAN, SCAN], 0, (40, 40, 20), (1.0, 1.0, 2.0)),
        ([SCAN, SCAN], 20, (20, 20, 20), (2.0, 2.0, 2.0)),
        ([SCAN, FINE], 0, (32, 32, 32), (1.25, 1.25, 1.875)),
        ([SCAN, FLOAT], 0, (32, 32, 32), ()),
    ],
)
def test_the_longest_volume_fits_where_all_say_their_spacing(
    headers: list[Header], asked: int, sizes: tuple[int, ...], spacing: tuple[float, ...]
) -> None:
    form = choose_form(headers, SampleOptions(volume_size=asked))
    assert (form.sizes, form.spacing, form.unit) == (sizes, spacing, "mm" if spacing else "")
    assert (form.low, form.high) == (-math.inf, math.inf)


def test_rejects_channels_that_differ() -> None:
    with pytest.raises(UsageError, match="one number of channels. Received: 2 with 1, 1 with 2"):
        choose_form([SMALL, SMALL, Header("npy", (16, 20, 24), 2, True)], SampleOptions())


def test_notes_say_what_was_brought_to_one_form() -> None:
    headers = [SCAN, FINE, FINE]
    assert notes(headers, choose_form(headers, SampleOptions())) == [
        "2 of 3 volumes are reoriented from LPS to RAS (right, front, up)",
        "volumes from 40x40x20 to 60x40x20 voxels are resized to 32x32x32",
        "voxels from 0.5x0.5x3 to 1x1x2 mm are resampled to 1.25x1.25x1.875 mm",
    ]
    assert notes([SCAN, SCAN], choose_form([SCAN, SCAN], SampleOptions())) == []
    assert notes([SMALL, SMALL], Form((16, 20, 24), 1)) == []
    silent = Header("NIfTI", (40, 40, 20), 1, False)
    assert notes([SCAN, silent], choose_form([SCAN, silent], SampleOptions())) == [
        "1 of 2 volumes have no orientation and are not reoriented"
    ]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_arrays_keep_their_sizes_and_their_type(dtype: type) -> None:
    volumes = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 8)).astype(dtype)
    same = fit_arrays(volumes, SampleOptions())
    assert np.shares_memory(same, volumes)
    assert same.shape == (5, 6, 7, 8, 1)
    assert fit_arrays(same, SampleOptions()) is same
    cubes = fit_arrays(volumes, SampleOptions(volume_size=4))
    assert cubes.shape == (5, 4, 4, 4, 1)
    assert cubes.dtype == dtype
    assert abs(cubes.mean() - volumes.mean()) < 3


def test_many_arrays_are_resized_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    volumes = np.random.default_rng(0).normal(size=(7, 6, 6, 6)).astype(np.float32)
    whole = fit_arrays(volumes, SampleOptions(volume_size=4))
    monkeypatch.setattr("trainer.data.kinds.volume.fit._RESIZED", 500)
    np.testing.assert_allclose(fit_arrays(volumes, SampleOptions(volume_size=4)), whole, atol=1e-6)
