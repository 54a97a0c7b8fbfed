import re
from pathlib import Path

import numpy as np
import pytest

from trainer import data
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import array_files, arrays
from trainer.data.lists.entries import PARTS, Entry
from trainer.data.lists.given import Given
from trainer.errors import UsageError

_EACH = 4  # files of a class


def _write(folder: Path, arrays: dict[str, np.ndarray]) -> list[Entry]:
    """Writes arrays as `train/CLASS/NAME.npy` and the like, and returns them as entries."""
    entries = []
    for name, array in arrays.items():
        path = folder / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
        part, label, _ = name.split("/")
        entries.append(Entry(str(path), label, name, part))
    return entries


def _read(entries: list[Entry], rank: int, **options: int) -> tuple[Given, list[str]]:
    log: list[str] = []
    return array_files.read(entries, rank, 0.1, SampleOptions(**options), log.append), log


def _in_parts(make: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{part}/{name}": array for part in ("train", "validation", "test") for name, array in make.items()}


@pytest.mark.parametrize(
    ("length", "expected", "said"),
    [
        (0, [[1, 2, 3, 4], [5, 6, 5.5, 5.5]], "of 6 series, 3 are shorter than 4 positions and padded"),
        (2, [[1, 2], [5, 6]], "of 6 series, 3 are longer than 2 positions and cut"),
        (5, [[1, 2, 3, 4, 2.5], [5, 6, 5.5, 5.5, 5.5]], "of 6 series, 6 are shorter than 5 positions and padded"),
    ],
)
def test_signals_are_brought_to_one_length(tmp_path: Path, length: int, expected: list[list[float]], said: str) -> None:
    entries = _write(tmp_path, _in_parts({"up/0": np.array([1, 2, 3, 4]), "down/0": np.array([[5.0], [6.0]])}))
    given, log = _read(entries, 1, length=length)
    assert (given.rank, given.class_names) == (1, ("down", "up"))
    samples, labels = given.parts["train"]
    assert samples.dtype == np.float32
    by_label = dict(zip(labels.tolist(), samples[..., 0].tolist(), strict=True))
    assert [by_label[1], by_label[0]] == expected
    assert len(log) == 1
    assert log[0].startswith(said)


def test_missing_values_of_signals_are_filled(tmp_path: Path) -> None:
    entries = _write(tmp_path, _in_parts({"a/0": np.array([0.0, np.nan, 2.0]), "b/0": np.zeros(3)}))
    given, log = _read(entries, 1)
    np.testing.assert_array_equal(given.parts["test"][0].max(0)[:, 0], [0, 1, 2])
    assert log == ["3 missing values are interpolated"]


@pytest.mark.parametrize(("stored", "kept"), [("u1", "u1"), ("f8", "f4"), ("i2", "f4")])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_keep_their_values(tmp_path: Path, stored: str, kept: str, channels: int) -> None:
    shape = (8, 9, channels) if channels > 1 else (8, 9)
    images = np.random.default_rng(0).integers(0, 200, (2, *shape)).astype(stored)
    given, log = _read(_write(tmp_path, _in_parts({"a/0": images[0], "b/0": images[1]})), 2)
    assert not log
    samples, labels = given.parts["validation"]
    assert samples.dtype == np.dtype(kept)
    np.testing.assert_array_equal(samples[labels], images.reshape(2, 8, 9, channels))


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 3), (8, 9, 4)])
@pytest.mark.parametrize("dtype", ["u1", "?", "f4"])
def test_images_are_as_in_an_npz_file(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    images = np.random.default_rng(0).integers(0, 2, (6, *shape)).astype(dtype)
    each = {f"{part}/{label}/0": images[i + 2 * j] for j, part in enumerate(PARTS) for i, label in enumerate("ab")}
    given, log = _read(_write(tmp_path, each), 2)
    named = {
        f"{part}_{what}": values
        for j, part in enumerate(PARTS)
        for what, values in (("images", images[2 * j : 2 * j + 2]), ("labels", np.array([0, 1])))
    }
    np.savez(tmp_path / "x.npz", **named)
    expected = arrays.read(tmp_path / "x.npz", "x.npz", SampleOptions(rank=2), log.append)
    for part in PARTS:
        (ours, labels), (theirs, _) = given.parts[part], expected.parts[part]
        ours = ours[np.argsort(labels)]
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))
    said = "the alpha channel of images is ignored"
    assert log == ([said, f"x.npz: `train_images`: {said}"] if shape[2:] == (4,) else [])


@pytest.mark.parametrize(
    ("rank", "other", "message"),
    [
        (1, np.zeros((5, 2)), r"/b/0.npy: must have the shape \(5, 1\), as .*Received: \(5, 2\)$"),
        (2, np.zeros((8, 10)), r"/b/0.npy: must have the shape \(8, 9, 1\), as .*Received: \(8, 10, 1\)$"),
        (2, np.zeros((2, 8, 9, 3)), r"/b/0.npy: must have 2 or 3 axes. Received: shape \(2, 8, 9, 3\)$"),
        (2, np.full((8, 9), np.nan), r"/b/0.npy: must contain finite numbers of at most 3e38. Received: "),
        (2, np.full((8, 9), 1e39), r"/b/0.npy: must contain finite numbers of at most 3e38. Received: "),
        (1, np.array([0, np.inf]), r"/b/0.npy: must have numbers of at most 3e38, or NaN .* Received: inf$"),
        (1, np.array([0, 1e39]), r"/b/0.npy: must have numbers of at most 3e38, or NaN .* Received: 1e\+39$"),
        (1, np.zeros(0), r"/b/0.npy: must be an array that can be read. Received: .* none empty$"),
        (1, np.array([None, 1]), r"/b/0.npy: must be an array that can be read. Received: "),
        (1, np.array([1j, 1]), r"/b/0.npy: must be an array that can be read. Received: "),
        (1, np.array(["a", "b"]), r"/b/0.npy: must be an array that can be read. Received: "),
    ],
)
def test_rejects_what_differs_or_is_no_sample(tmp_path: Path, rank: int, other: np.ndarray, message: str) -> None:
    first = np.zeros(5) if rank == 1 else np.zeros((8, 9))
    entries = _write(tmp_path, _in_parts({"a/0": first, "b/0": first}))
    np.save(tmp_path / "train" / "b" / "0.npy", other, allow_pickle=True)
    with pytest.raises(UsageError) as raised:
        _read(entries, rank)
    assert re.search(message, str(raised.value))
    assert "\n" not in str(raised.value)


def test_a_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    entries = _write(tmp_path, _in_parts({"a/0": np.zeros(50), "b/0": np.ones(50)}))
    broken = tmp_path / "train" / "b" / "0.npy"
    broken.write_bytes(broken.read_bytes()[:200])
    with pytest.raises(UsageError, match=r"train/b/0.npy: must be an array that can be read. Received: "):
        _read(entries, 1)


def test_a_folder_of_arrays_is_a_data_set(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(_EACH):
            np.save(tmp_path / label / f"{number}.npy", generator.normal(3, 2, 10 + number))
    loaded = data.load(str(tmp_path), 0.25, 0)
    assert loaded.form.shape == (10 + _EACH - 1, 1)
    assert not loaded.form.is_bounded
    assert loaded.class_names == ("a", "b")
    assert len(loaded.train) + len(loaded.validation) + len(loaded.test) == 2 * _EACH
