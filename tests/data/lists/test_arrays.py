import io
import random
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import arrays
from trainer.data.lists.given import Given
from trainer.errors import UsageError

TISSUE = Path(__file__).parents[3] / "shared" / "data" / "volumes" / "tissue3d_16.npz"
LABELS = np.arange(6) % 2


def _zeros(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.zeros((6, *shape), dtype)


def _read(folder: Path, rank: int = 0, log: Callable[[str], object] = print, **content: Any) -> Given:
    path = folder / "some.npz"
    np.savez(path, **content)
    return arrays.read(path, "some.npz", SampleOptions(rank=rank), log)


def _error(folder: Path, content: Mapping[str, Any], rank: int = 0) -> str:
    with pytest.raises(UsageError) as caught:
        _read(folder, rank, **content)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("samples", "labels", "parts"),
    [
        ("{}_images", "{}_labels", ("train", "val", "test")),
        ("x_{}", "y_{}", ("train", "test")),
        ("X_{}", "y_{}", ("train", "val", "test")),
        ("{}_data", "{}_targets", ("training", "validation", "testing")),
        ("x", "y", ("",)),
        ("X", "y", ("",)),
        ("data", "labels", ("",)),
        ("features", "labels", ("",)),
        ("images", "labels", ("",)),
    ],
)
@pytest.mark.parametrize("column", [False, True])
def test_reads_the_forms_that_are_used(
    tmp_path: Path, samples: str, labels: str, parts: tuple[str, ...], column: bool
) -> None:
    content = {}
    for index, part in enumerate(parts):
        content[samples.format(part)] = _zeros(20, dtype=np.float64) + index
        content[labels.format(part)] = LABELS[:, None] if column else LABELS
    given = _read(tmp_path, **content)
    assert given.rank == 1
    assert given.class_names == ()
    assert len(given.parts) == len(parts)
    for index, (values, numbers) in enumerate(given.parts.values()):
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, index)
        np.testing.assert_array_equal(numbers.reshape(-1), LABELS)
    assert set(given.parts) <= {"train", "validation", "test"}


@pytest.mark.parametrize(
    ("shape", "dtype", "asked", "rank", "found"),
    [
        ((50,), "f4", 0, 1, (50,)),
        ((50, 1), "f4", 0, 1, (50, 1)),
        ((50, 6), "f4", 1, 1, (50, 6)),
        ((50, 6), "f4", 2, 2, (50, 6)),
        ((28, 28), "u1", 0, 2, (28, 28)),
        ((28, 28), "u1", 1, 1, (28, 28)),
        ((28, 28), "f4", 2, 2, (28, 28)),
        ((28, 20, 1), "f4", 0, 2, (28, 20, 1)),
        ((16, 16, 3), "u1", 0, 2, (16, 16, 3)),
        ((16, 16, 3), "u1", 3, 3, (16, 16, 3)),
        ((16, 16, 4), "u1", 0, 2, (16, 16, 3)),
        ((16, 16, 4), "u1", 3, 3, (16, 16, 4)),
        ((16, 16, 16), "u1", 0, 3, (16, 16, 16)),
        ((8, 9, 10), "f4", 0, 3, (8, 9, 10)),
        ((3, 32, 32), "f4", 3, 3, (3, 32, 32)),
        ((9, 9, 9, 2), "f4", 0, 3, (9, 9, 9, 2)),
        ((9, 9, 9, 7), "f4", 0, 3, (9, 9, 9, 7)),
    ],
)
def test_the_shape_says_the_rank_or_the_flag(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, asked: int, rank: int, found: tuple[int, ...]
) -> None:
    given = _read(tmp_path, asked, x=_zeros(*shape, dtype=dtype), y=LABELS)
    assert given.rank == rank
    assert given.parts["train"][0].shape[1:] == found


@pytest.mark.parametrize(
    ("shape", "dtype", "asked", "words"),
    [
        ((50, 6), "f4", 0, ("1 for signals of 50 positions with 6 channels", "2 for images of 50x6 pixels")),
        ((28, 28), "f4", 0, ("1 for signals of 28 positions with 28 channels", "2 for images of 28x28 pixels")),
        ((5, 5, 3), "f4", 0, ("2 for images of 5x5 pixels with 3 channels", "3 for volumes of 5x5x3 voxels")),
        ((3, 32, 32), "u1", 0, ("3 for volumes of 3x32x32 voxels; channels are the last axis",)),
        ((16, 16, 5), "u1", 0, ("3 for volumes of 16x16x5 voxels",)),
        ((1, 9, 9, 9), "u1", 0, ("3 for volumes of 1x9x9 voxels with 9 channels; channels are the last",)),
        ((50,), "f4", 2, ("`--rank` must be 1 for signals of 50 positions", "Received: 2")),
        ((16, 16, 16), "f4", 1, ("`--rank` must be 3 for volumes of 16x16x16 voxels", "Received: 1")),
        ((1, 28, 28, 28), "u1", 3, ("at most 16 channels", "1x28x28x28")),
        ((2, 2, 2, 2, 2), "u1", 0, ("samples of 1 to 4 axes", "2x2x2x2x2")),
        ((), "f4", 0, ("samples of no axis",)),
    ],
)
def test_rejects_a_shape_that_can_be_read_in_two_ways_or_none(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, asked: int, words: tuple[str, ...]
) -> None:
    text = _error(tmp_path, {"x": _zeros(*shape, dtype=dtype), "y": LABELS}, asked)
    for word in words:
        assert word in text
    assert "some.npz: `x`" in text


@pytest.mark.parametrize(
    ("dtype", "shape", "found", "top"),
    [
        ("u1", (20, 20), "u1", 1),
        ("?", (20, 20, 20), "u1", 255),
        ("u1", (20,), "f4", 1),
        ("?", (20,), "f4", 1),
        (">i2", (20, 20, 20), "f4", 1),
        ("f8", (20, 20, 20), "f4", 1),
        ("f2", (20,), "f4", 1),
    ],
)
def test_bytes_stay_and_other_numbers_become_float32(
    tmp_path: Path, dtype: str, shape: tuple[int, ...], found: str, top: int
) -> None:
    values = _read(tmp_path, x=np.ones((6, *shape), dtype), y=LABELS).parts["train"][0]
    assert values.dtype == found
    assert values.max() == values.min() == top


@pytest.mark.parametrize(
    ("labels", "names", "numbers", "classes"),
    [
        ([0, 1, 2, 0, 1, 2], None, [0, 1, 2, 0, 1, 2], ()),
        ([0.0, 1.0, 0.0, 1.0, 0.0, 1.0], None, [0, 1, 0, 1, 0, 1], ()),
        ([True, False] * 3, None, [1, 0, 1, 0, 1, 0], ()),
        ([2, 10, 7, 2, 10, 7], None, [0, 2, 1, 0, 2, 1], ("2", "7", "10")),
        (["a10", "a9"] * 3, None, [1, 0, 1, 0, 1, 0], ("a9", "a10")),
        ([b"dog", b"cat"] * 3, None, [1, 0, 1, 0, 1, 0], ("cat", "dog")),
        ([0, 1] * 3, ["no", "yes"], [0, 1, 0, 1, 0, 1], ("no", "yes")),
        ([0, 2] * 3, ["no", "perhaps", "yes"], [0, 1, 0, 1, 0, 1], ("no", "yes")),
        (["b", "a"] * 3, ["b", "a"], [0, 1, 0, 1, 0, 1], ("b", "a")),
    ],
)
def test_labels_become_class_numbers(
    tmp_path: Path, labels: list[Any], names: list[str] | None, numbers: list[int], classes: tuple[str, ...]
) -> None:
    more = {"class_names": np.array(names)} if names else {}
    lines: list[str] = []
    given = _read(tmp_path, log=lines.append, x=_zeros(20), y=np.array(labels), **more)
    assert given.parts["train"][1].tolist() == numbers
    assert given.class_names == classes
    assert bool(lines) == (bool(names) and len(names or ()) > len(classes))


BAD_LABELS = [
    (np.eye(2)[LABELS], "6x2, one-hot vectors; their class numbers are y.argmax(1)"),
    (np.ones((6, 3)), "6x3, several labels each"),
    (np.ones((6, 1, 1)), "shape (6, 1, 1)"),
    (LABELS - 1, "class numbers from 0. Received: -1"),
    (LABELS + 0.5, "whole numbers. Received: 0.5, of sample 0"),
    (np.array([0, 1, np.nan] * 2), "whole numbers. Received: nan, of sample 2"),
    (np.zeros(6, int), "two classes. Received: only 0"),
    (np.arange(5) % 2, "one label for each of the 6 samples in `x`. Received: 5"),
    (np.array(["a", ""] * 3), "an empty text"),
    (np.array(["a", "nan"] * 3), "a missing value"),
    (LABELS.astype("c8"), "complex64"),
    (LABELS.astype("M8[s]"), "datetime64"),
    (np.array(["a", None] * 3, object), "pickled objects"),
    (np.zeros(0), "not empty"),
]


@pytest.mark.parametrize(("labels", "message"), BAD_LABELS)
def test_rejects_labels_that_are_no_classes(tmp_path: Path, labels: np.ndarray, message: str) -> None:
    text = _error(tmp_path, {"x": _zeros(20), "y": labels})
    assert message in text
    assert "some.npz: `y` must" in text


BAD_NAMES = [
    (np.array(["no"]), "class numbers from 0 to 0, as the file names 1 classes. Received: 1"),
    (np.array(["no", "no"]), "no twice"),
    (np.array(["no", ""]), "an empty name"),
    (np.array("no"), "the shape ()"),
    (np.array([0.5, 1]), "float64"),
    (np.array(["no", None], object), "pickled objects"),
]


@pytest.mark.parametrize(("names", "message"), BAD_NAMES)
def test_rejects_names_that_do_not_fit(tmp_path: Path, names: np.ndarray, message: str) -> None:
    assert message in _error(tmp_path, {"x": _zeros(20), "y": LABELS, "classes": names})


BAD_CONTENT = [
    ({"foo": LABELS}, "must contain training samples and their labels"),
    ({"x_test": _zeros(20), "y_test": LABELS}, "must contain training samples and their labels"),
    ({"x": _zeros(20)}, "`x` must have an array of labels. Received: x"),
    ({"train_labels": LABELS}, "`train_labels` must have an array of samples"),
    ({"x": _zeros(20), "images": _zeros(20), "y": LABELS}, "one array of samples per part. Received: x and images"),
    ({"x": _zeros(0), "y": LABELS}, "not empty. Received: the shape (6, 0)"),
    ({"x": _zeros(20, dtype="c8"), "y": LABELS}, "`x` must contain numbers. Received: complex64"),
    ({"x": np.array(["a"] * 6), "y": LABELS}, "`x` must contain numbers. Received: <U1"),
    ({"x": np.array([None] * 6, object), "y": LABELS}, "`x` must be an array that can be read. Received: pickled"),
    (
        {"x": np.full((6, 20), np.inf), "y": LABELS},
        "finite numbers of at most 3e38. Received: NaN",
    ),
    ({"x": np.full((6, 20), 1e300), "y": LABELS}, "a larger one in sample 0"),
    (
        {"x_train": _zeros(20), "y_train": LABELS, "x_test": _zeros(21), "y_test": LABELS},
        "`x_test` must have samples of 20, as `x_train`. Received: 21",
    ),
    (
        {"x_train": _zeros(9, 9, 9), "y_train": LABELS, "x_test": _zeros(9, 9, 9, dtype="u1"), "y_test": LABELS},
        "`x_test` must contain other numbers than bytes (uint8), as `x_train`. Received: bytes",
    ),
    (
        {"x_train": _zeros(20), "y_train": LABELS, "x_test": _zeros(20), "y_test": LABELS + 1},
        "`y_test` must have only classes of `y_train`. Received: 2",
    ),
]


@pytest.mark.parametrize(("content", "message"), BAD_CONTENT)
def test_rejects_arrays_that_do_not_fit(tmp_path: Path, content: Mapping[str, Any], message: str) -> None:
    assert message in _error(tmp_path, content)


def test_the_sample_that_is_not_finite_is_named(tmp_path: Path) -> None:
    values = _zeros(20)
    values[4, 3] = np.nan
    assert "in sample 4, counted from 0" in _error(tmp_path, {"x": values, "y": LABELS})


def test_what_is_not_used_is_named_and_not_read(tmp_path: Path) -> None:
    lines: list[str] = []
    objects = np.array([None, 1], object)  # would be an error
    content = {"train_images": _zeros(20), "train_labels": LABELS, "images": objects, "notes": objects}
    assert len(_read(tmp_path, log=lines.append, **content).parts) == 1
    assert lines == ["ignored in some.npz: notes, images (no samples or labels of a part)"]


def test_another_way_to_read_colours_is_named(tmp_path: Path) -> None:
    lines: list[str] = []
    _read(tmp_path, log=lines.append, x=_zeros(16, 16, 3), y=LABELS)
    assert lines == [
        "some.npz: `x`: samples of 16x16x3 are read as images of 16x16 pixels with 3 channels; "
        "`--rank=3` reads volumes of 16x16x3 voxels"
    ]


def test_a_folder_with_one_file_is_that_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", x=_zeros(20), y=LABELS)
    (tmp_path / "README.md").write_text("about it")
    assert arrays.is_one(tmp_path)
    assert arrays.is_one(tmp_path / "some.npz")
    assert not arrays.is_one(tmp_path / "README.md")
    assert not arrays.is_one(tmp_path / "missing.npz")
    assert arrays.read(tmp_path, "folder/", SampleOptions(), print).rank == 1
    np.savez(tmp_path / "more.npz", x=_zeros(20), y=LABELS)
    with pytest.raises(
        UsageError, match=r"one \.npz file. Received: folder/, with 2 of them, as more.npz and some.npz"
    ):
        arrays.read(tmp_path, "folder/", SampleOptions(), print)
    (tmp_path / "cat").mkdir()
    assert not arrays.is_one(tmp_path)


def _npy() -> bytes:
    written = io.BytesIO()
    np.save(written, LABELS)
    return written.getvalue()


def _other_zip() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        file.writestr("x.npy", "not an array")
        file.writestr("y.npy", _npy())
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a zip of arrays"),
        (b"hello", "a zip of arrays"),
        (b"PK\3\4 cut off", "a zip of arrays"),
        (_npy(), "Received: a single array"),
        (_other_zip(), "`x` must be an array that can be read. Received: a file of another form"),
    ],
)
def test_rejects_files_of_another_form(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "some.npz").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        arrays.read(tmp_path / "some.npz", "some.npz", SampleOptions(), print)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_whatever_is_broken_ends_in_one_line(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "some.npz", x=np.random.default_rng(0).random((6, 20)), y=LABELS)
    sound, chance = (tmp_path / "some.npz").read_bytes(), random.Random(0)
    for _ in range(150):
        broken = bytearray(sound)
        for _ in range(chance.randint(1, 4)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        (tmp_path / "some.npz").write_bytes(broken)
        try:
            arrays.read(tmp_path / "some.npz", "some.npz", SampleOptions(), lambda line: None)
        except UsageError as error:
            assert "\n" not in str(error)


def test_reads_real_volumes() -> None:
    if not TISSUE.is_file():
        pytest.skip("no volumes beside the project")
    given = arrays.read(TISSUE, str(TISSUE), SampleOptions(), print)
    assert given.rank == 3
    assert given.class_names == ()
    assert {part: len(labels) for part, (_, labels) in given.parts.items()} == {
        "train": 1500,
        "validation": 300,
        "test": 600,
    }
    assert given.parts["train"][0].dtype == np.uint8
