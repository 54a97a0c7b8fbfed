import re
from pathlib import Path

import numpy as np
import pytest

from trainer.data.form import Form
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import series, ts_file
from trainer.data.lists.given import Given
from trainer.errors import UsageError

SHARED = Path(__file__).parents[4] / "shared" / "data" / "signals"
HEAD = "#A comment\n@problemName Toy\n@timeStamps false\n@univariate true\n@classLabel true up down\n@data\n"
WIDE = "@problemName Toy\n@univariate false\n@dimensions 2\n@classLabel true up down\n@data\n"
BOTH = "1,2,3:up\n3,2,1:down\n"


def _read(path: Path, length: int = 0) -> tuple[Given, list[str]]:
    log: list[str] = []
    return series.read(path, str(path), SampleOptions(length=length), log.append), log


def _ts(folder: Path, text: str, name: str = "toy.ts") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def _values(path: Path, length: int = 0) -> list[list[float]]:
    return _read(path, length)[0].parts["train"][0][..., 0].tolist()


@pytest.mark.parametrize(
    ("name", "train", "test", "classes"),
    [
        ("GunPoint", (50, 150, 1), (150, 150, 1), ("1", "2")),
        ("ItalyPowerDemand", (67, 24, 1), (1029, 24, 1), ("1", "2")),
        ("BasicMotions", (40, 100, 6), (40, 100, 6), ("Badminton", "Running", "Standing", "Walking")),
    ],
)
def test_reads_sets_of_the_archive(
    name: str, train: tuple[int, ...], test: tuple[int, ...], classes: tuple[str, ...]
) -> None:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip("no folder of the archive's sets beside the project")
    assert series.is_one(folder)
    given, log = _read(folder)
    assert not log
    assert given.class_names == classes
    assert (given.rank, [*given.parts]) == (1, ["train", "test"])
    for part, shape in (("train", train), ("test", test)):
        samples, labels = given.parts[part]
        assert (samples.shape, samples.dtype) == (shape, np.float32)
        lines = (folder / f"{name}_{part.upper()}.ts").read_text().partition("@data\n")[2].splitlines()
        for line, sample, label in zip(lines[::7], samples[::7], labels[::7], strict=True):
            *channels, written = line.split(":")
            np.testing.assert_array_equal(
                sample.T, np.array([one.split(",") for one in channels]).astype(float).astype("f")
            )
            assert classes[label] == written


def test_reads_several_channels_and_any_case_of_directives(tmp_path: Path) -> None:
    text = WIDE.replace("@classLabel", "@CLASSLABEL").replace("@data", "@Data").replace(" true", "\ttrue")
    path = _ts(tmp_path, f"{text}\n1,2:10,20:up\n# no series\n\n 3 , 4 :30,4e1: down \n", "toy.TS")
    given, log = _read(path)
    samples, labels = given.parts["train"]
    assert samples.tolist() == [[[1, 10], [2, 20]], [[3, 30], [4, 40]]]
    assert labels.tolist() == [1, 0]
    assert given.class_names == ("down", "up")
    assert not log


def test_classes_are_in_natural_order(tmp_path: Path) -> None:
    path = _ts(tmp_path, HEAD.replace("up down", "") + "1:10\n2:9\n3:1\n")
    assert _read(path)[0].class_names == ("1", "9", "10")


def test_a_class_is_found_in_another_case_where_that_is_one_class(tmp_path: Path) -> None:
    assert _read(_ts(tmp_path, HEAD + "1:UP\n2:Down\n"))[0].class_names == ("down", "up")


def test_lines_may_end_as_on_any_system_and_begin_with_a_mark(tmp_path: Path) -> None:
    for ending in ("\r\n", "\r", "\n"):
        path = tmp_path / "toy.ts"
        path.write_bytes(b"\xef\xbb\xbf" + (HEAD + BOTH).replace("\n", ending).encode())
        assert _values(path) == [[1, 2, 3], [3, 2, 1]]


def test_series_of_unequal_lengths_are_padded_with_their_mean_and_counted(tmp_path: Path) -> None:
    path = _ts(tmp_path, HEAD + "1,2,3,4:up\n1,3:down\n5:up\n")
    assert _values(path) == [[1, 2, 3, 4], [1, 3, 2, 2], [5, 5, 5, 5]]
    (line,) = _read(path)[1]
    assert line == (f"{path}: of 3 series, 2 are shorter than 4 positions and padded at the end with their own mean")


@pytest.mark.parametrize(
    ("length", "first", "counts"),
    [
        (3, [1, 2, 3], "1 is shorter than 3 .*, 1 is longer than 3 positions and cut"),
        (6, [1, 2, 3, 4, 2.5, 2.5], "of 2 series, 2 are shorter than 6 positions .* mean$"),
    ],
)
def test_a_length_that_is_asked_for_pads_or_cuts(tmp_path: Path, length: int, first: list[float], counts: str) -> None:
    path = _ts(tmp_path, HEAD + "1,2,3,4:up\n1,3:down\n")
    assert _values(path, length)[0] == first
    (line,) = _read(path, length)[1]
    assert re.search(counts, line)


def test_channels_of_unequal_lengths_are_padded_each_with_its_mean(tmp_path: Path) -> None:
    path = _ts(tmp_path, WIDE + "1,2,6:10,20:up\n7,8:5,6:down\n")
    samples = _read(path)[0].parts["train"][0]
    assert samples[0].tolist() == [[1, 10], [2, 20], [6, 15]]
    assert samples[1].tolist() == [[7, 5], [8, 6], [7.5, 5.5]]


def test_the_longest_training_series_is_the_length(tmp_path: Path) -> None:
    _ts(tmp_path, HEAD + BOTH, "Toy_TRAIN.ts")
    _ts(tmp_path, HEAD + "1,2,3,4,5:up\n7:down\n", "Toy_TEST.ts")
    given, (line,) = _read(tmp_path)
    assert given.parts["test"][0][..., 0].tolist() == [[1, 2, 3], [7, 7, 7]]
    assert "1 is shorter than 3 positions" in line
    assert "1 is longer" in line


def test_missing_values_are_interpolated_and_counted(tmp_path: Path) -> None:
    path = _ts(tmp_path, WIDE + "?,1,?,NaN,4,nan:1,2,3,4,5,6:up\n?,?,?,?,?,?:0,0,0,0,0,?:down\n")
    given, (line,) = _read(path)
    samples = given.parts["train"][0]
    assert samples[0, :, 0].tolist() == [1, 1, 2, 3, 4, 4]
    assert samples[1].tolist() == [[0, 0]] * 6
    assert line == f"{path}: 5 missing values are interpolated; 1 channel of a series has no value and is 0"


def test_a_missing_value_beyond_the_length_changes_no_mean(tmp_path: Path) -> None:
    path = _ts(tmp_path, HEAD + "1,?,?:up\n1,2,3,4:down\n")
    assert _values(path) == [[1, 1, 1, 1], [1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("no classes.ts", WIDE.replace(" true up down", " false") + "1,2:3,4\n5,6:7,8\n"),
        ("a colon at the end.ts", WIDE.replace(" true up down", " false") + "1,2:3,4:\n5,6:7,8:\n"),
        ("no dimensions.ts", "@problemName Toy\n@classLabel false\n@data\n1,2:3,4\n5,6:7,8\n"),
        ("unknown.ts", WIDE + "1,2:3,4:?\n5,6:7,8:left\n"),
        ("numbers.ts", WIDE.replace("@classLabel true up down", "@targetLabel true") + "1,2:3,4:0.5\n5,6:7,8:1\n"),
    ],
)
def test_samples_need_no_classes(tmp_path: Path, name: str, text: str) -> None:
    """To predict; to train, such files are refused."""
    path = _ts(tmp_path, text, name)
    assert series.samples(path, name, Form((2,), 2)).tolist() == [[[1, 3], [2, 4]], [[5, 7], [6, 8]]]
    with pytest.raises(UsageError, match="class"):
        _read(path)


def test_samples_of_a_table_need_no_classes(tmp_path: Path) -> None:
    path = _ts(tmp_path, "?\t1\t2\n0.5\t3\t4\n", "toy.tsv")
    assert series.samples(path, "toy.tsv", Form((2,), 1))[..., 0].tolist() == [[1, 2], [3, 4]]


def test_samples_without_classes_of_other_dimensions_are_refused(tmp_path: Path) -> None:
    path = _ts(tmp_path, WIDE.replace(" true up down", " false") + "1,2:3,4:5,6\n")
    with pytest.raises(UsageError, match=r"line 6: must have 2 dimensions, .* Received: 3 dimensions$"):
        series.samples(path, str(path), Form((2,), 2))


@pytest.mark.parametrize("ending", [".tsv", ".txt"])
@pytest.mark.parametrize("delimiter", ["\t", ",", "  "])
def test_reads_tables_whose_first_column_is_the_class(tmp_path: Path, ending: str, delimiter: str) -> None:
    for part in ("TRAIN", "TEST"):
        rows = [["-1", "0.5", "2e0", "3"], ["1.0000000e+00", "4", "5", "6"]]
        _ts(tmp_path, "\n".join(map(delimiter.join, rows)) + "\n", f"Toy_{part}{ending}")
    _ts(tmp_path, "# A readme\n", "README.txt")
    assert series.is_one(tmp_path)
    assert series.is_one(tmp_path / f"Toy_TRAIN{ending}")
    given, log = _read(tmp_path)
    assert not log
    assert given.class_names == ("1", "-1")
    for part in ("train", "test"):
        assert given.parts[part][0][..., 0].tolist() == [[0.5, 2, 3], [4, 5, 6]]
        assert given.parts[part][1].tolist() == [1, 0]


def test_missing_values_at_a_tables_end_are_beyond_the_series(tmp_path: Path) -> None:
    path = _ts(tmp_path, "1\t1\tNaN\t3\tNaN\tNaN\n2\t1\t2\t\t4\t5\n2\tNaN\tNaN\tNaN\tNaN\tNaN\n", "toy.tsv")
    assert _values(path) == [[1, 2, 3, 2, 2], [1, 2, 3, 4, 5], [0, 0, 0, 0, 0]]
    padded, filled = _read(path)[1]
    assert "2 are shorter than 5" in padded
    assert "2 missing values are interpolated; 1 channel of a series has no value and is 0" in filled


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("FreezerSmallTrain_TRAIN", "train"),
        ("FreezerSmallTrain_TEST", "test"),
        ("toy-train", "train"),
        ("Test.Val", "validation"),
        ("TOY_VALID", "validation"),
        ("train", "train"),
        ("validation", "validation"),
    ],
)
def test_the_last_word_of_a_name_says_the_part(tmp_path: Path, name: str, part: str) -> None:
    base = name[: -len(name.replace(".", "_").replace("-", "_").rpartition("_")[2])]
    for word in {"train", part}:
        _ts(tmp_path, HEAD + BOTH, f"{name}.ts" if word == part else f"{base}train.ts")
    given, _ = _read(tmp_path)
    assert {*given.parts} == {"train", part}


def test_a_file_without_a_part_is_the_training_part(tmp_path: Path) -> None:
    given, _ = _read(_ts(tmp_path, HEAD + BOTH))
    assert [*given.parts] == ["train"]
    assert series.is_one(tmp_path)
    assert [*_read(tmp_path)[0].parts] == ["train"]


def test_a_file_of_another_part_beside_is_said_to_be_passed_over(tmp_path: Path) -> None:
    path = _ts(tmp_path, HEAD + BOTH, "Toy_TRAIN.ts")
    _ts(tmp_path, HEAD + BOTH, "Toy_TEST.ts")
    _ts(tmp_path, HEAD + BOTH, "Other_TEST.ts")
    given, log = _read(path)
    assert [*given.parts] == ["train"]
    assert log == [f"Toy_TEST.ts next to {path} is ignored; set `--data` to their folder to use both"]


def test_of_several_formats_a_folder_has_the_first_is_read(tmp_path: Path) -> None:
    for part in ("TRAIN", "TEST"):
        _ts(tmp_path, HEAD + BOTH, f"Toy_{part}.ts")
        _ts(tmp_path, "1 7 7 7\n2 7 7 7\n", f"Toy_{part}.txt")
        _ts(tmp_path, "@relation Toy\n", f"Toy_{part}.arff")
    _ts(tmp_path, "text", "Toy.txt")
    assert _read(tmp_path)[0].class_names == ("down", "up")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.tsv", "image\tlabel\na.png\tcat\n"),
        ("list.tsv", "image_path\tlabel\twidth\na.png\tcat\t3\n"),
        ("Toy_TRAIN.tsv", "a.png\tcat\n"),
        ("Toy_TRAIN.tsv", ""),
        ("notes.txt", "1 2 3 4\n"),
        ("film.ts", "G\0@\x10"),
        ("program.ts", "import { a } from 'b';\n@Component()\n"),
        ("notes.md", HEAD + BOTH),
    ],
)
def test_a_folder_of_other_files_holds_no_series(tmp_path: Path, name: str, text: str) -> None:
    _ts(tmp_path, text, name)
    assert not series.is_one(tmp_path)
    assert not series.is_one(tmp_path / "absent.ts")


# By name: a file, and what is said of it.
BROKEN = {
    "regression": (
        HEAD.replace("@classLabel true up down", "@targetlabel true") + BOTH,
        r", line 5: must have classes, which @classLabel lists\. Received: @targetLabel, for numbers",
    ),
    "no classes": (
        HEAD.replace("true up down", "false") + BOTH,
        r", line 5: @classLabel must be true and list the classes\. Received: false",
    ),
    "time stamps": (
        HEAD.replace("@timeStamps false", "@timestamps True") + "(0,1),(1,2):up\n",
        r", line 3: @timeStamps must be false, as series with time stamps are not read\. Received: true",
    ),
    "time stamps that are not said": (HEAD + "(0,1),(1,2):up\n", ", line 7: .* without a time stamp, .*: (0"),
    "a strange class": (HEAD + BOTH + "1:left\n", r", line 9: a class must be .* lists, up, down\. Received: left"),
    "no class": (HEAD + "1,2,3:\n", ", line 7: must have its class, .* Received: nothing"),
    "a missing class": (HEAD.replace("up down", "") + "1,2,3:?\n", r", line 7: must have its class.* Received: \?"),
    "no colon": (HEAD + "1,2,3\n", ", line 7: must have 1 dimension and a class.* Received: 0 colons"),
    "too many dimensions": (HEAD + "1:2:up\n", ", line 7: must have 1 dimension and .* Received: 2 colons"),
    "too few dimensions": (WIDE + "1:2:up\n1:up\n", ", line 7: must have 2 dimensions and .* Received: 1 colon$"),
    "dimensions that differ": (
        WIDE.replace("@dimensions 2\n", "") + "1:2:3:up\n1:2:up\n",
        ", line 6: must have 3 dimensions and a class, .* Received: 2 colons",
    ),
    "dimensions that are no number": (WIDE.replace("s 2", "s two") + BOTH, "line 3: @dimensions must be .*: two"),
    "a word": (HEAD + "1,2,x:up\n", r", line 7: a value must be a finite number, or \? where .* Received: x"),
    "nothing between commas": (HEAD + "1,,2:up\n", ", line 7: a value must be .* Received: nothing"),
    "a comma at the end": (HEAD + "1,2,:up\n", ", line 7: a value must be .* Received: nothing"),
    "two numbers": (HEAD + "1 2,3:up\n", ", line 7: a value must be .* Received: 1 2"),
    "infinity": (HEAD + "1,inf:up\n", ", line 7: a value must be a finite .* Received: inf"),
    "a number beyond float64": (HEAD + "1,1e400:up\n", ", line 7: a value must be a finite .* Received: 1e400"),
    "a number beyond float32": (HEAD + "1,1e39:up\n", r", line 7: a value must be within float32.* Received: 1e\+39"),
    "a question": (HEAD + "1,?5:up\n", r", line 7: a value must be .* Received: \?5"),
    "no data": (HEAD.replace("@data\n", ""), ": must have a line @data, and a series .* Received: none"),
    "no series": (HEAD, r": must have a series in a line after @data\. Received: none"),
    "values before @data": (HEAD.replace("@data\n", "") + BOTH, ", line 6: must be a directive, .* Received: 1,2,3:up"),
    "binary": (HEAD + "\0\1:up\n", r": must be text in UTF-8\. Received: binary content"),
    "empty": (" \n", ": must contain series. Received: an empty file"),
    "a pointer": ("version https://git-lfs.github.com/spec/v1\noid x\n", "Received: a Git LFS pointer"),
    "one class": (HEAD + "1:up\n2:up\n", ": must contain at least two classes. Received: up$"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_rejects_a_broken_file_in_one_line(tmp_path: Path, name: str) -> None:
    text, message = BROKEN[name]
    path = _ts(tmp_path, text)
    assert series.is_one(path)
    with pytest.raises(UsageError, match=message.replace("(0", r"\(0")) as error:
        _read(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\t1\t2\n2\t1\tx\n", "line 2: a value must be a finite number, or NaN where it is missing. Received: x"),
        ("1\t1\t2\n2\n", "line 2: must be a class and the values of a series. Received: no value"),
        ("1\t1\t2\n\t1\t2\n", "line 2: must have its class, a name or a whole number. Received: nothing"),
        ("1\t1\t2\n0.5\t1\t2\n", "line 2: must begin with its class, a name or a whole number. Received: 0.5"),
        ("1\t1\t2\nnan\t1\t2\n", "line 2: must have its class, a name or a whole number. Received: nan"),
        ("1\t1\t2\n1\t1\t2\n", "must contain at least two classes. Received: 1"),
        ("label\tt0\tt1\n1\t1\t2\n", "line 1: a value must be a finite number, .* Received: t0"),
    ],
)
def test_rejects_a_broken_table_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = _ts(tmp_path, text, "toy.tsv")
    with pytest.raises(UsageError, match=message):
        _read(path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"A_TRAIN.ts": HEAD + BOTH, "A_TEST.ts": HEAD.replace("up", "left") + "1:left\n"},
            r"A_TEST.ts, line 7: a class must have a series in the training part\. Received: left",
        ),
        (
            {"A_TRAIN.ts": HEAD + BOTH, "A_TEST.ts": WIDE + "1:2:up\n"},
            r"A_TEST.ts, line 6: must have 1 dimension, as .*A_TRAIN.ts, line 7\. Received: 2",
        ),
        ({"A_TEST.ts": HEAD + BOTH}, "must contain series to train on, as NAME_TRAIN does. Received: only test"),
        (
            {"A_TRAIN.ts": HEAD + BOTH, "B_TEST.ts": HEAD + BOTH},
            "must contain one data set, such as NAME_TRAIN.ts and NAME_TEST.ts. Received: A_TRAIN.ts, B_TEST.ts",
        ),
        ({"A_VAL.ts": HEAD + BOTH, "A_VALID.ts": HEAD + BOTH}, "must contain one data set.* A_VAL.ts, A_VALID.ts"),
    ],
)
def test_rejects_files_that_do_not_fit_together(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        _ts(tmp_path, text, name)
    with pytest.raises(UsageError, match=message):
        _read(tmp_path)


def test_rejects_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "A_TRAIN.ts"
    path.mkdir()
    with pytest.raises(UsageError, match=r"must be a file that can be read\. Received: Is a directory"):
        ts_file.read(path, str(path))


def test_rejects_one_long_series_that_would_make_all_others_long(tmp_path: Path) -> None:
    rows = "".join(f"{row}:{('up', 'down')[row % 2]}\n" for row in range(400))
    path = _ts(tmp_path, HEAD + rows)
    with pytest.raises(
        UsageError, match=r"`--length` must be smaller, .* Received: 1,000,000, which makes 400,000,000"
    ):
        _read(path, 1_000_000)
    assert _read(path, 1000)[0].parts["train"][0].shape == (400, 1000, 1)


def test_any_text_is_read_or_ends_in_one_line(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    sources = [HEAD + BOTH, WIDE + "1,2:3,?:up\n2:1:down\n", "1\t2\t3\n2\t4\tNaN\n"]
    pieces = [":", ",", "\n", "?", "@", "#", "(", "nan", "1e9", "\t", "x", "é", " ", "-", "@data\n", "1", "\r"]
    read = 0
    for _ in range(600):
        text = [*sources[random.integers(3)]]
        for _ in range(random.integers(1, 4)):
            text[random.integers(len(text))] = pieces[random.integers(len(pieces))] * random.integers(3)
        path = _ts(tmp_path, "".join(text), "toy.ts" if text[0] in "#@" else "toy.tsv")
        try:
            given = _read(path)[0]
        except UsageError as error:
            assert "\n" not in str(error)
            continue
        assert np.isfinite(given.parts["train"][0]).all()
        read += 1
    assert 30 < read < 570
