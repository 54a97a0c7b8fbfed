import os
import shutil
from pathlib import Path

import numpy as np

from tests.data.making import encoded, noise, write_classes
from trainer.data import SampleOptions, load
from trainer.data.fingerprint import Fingerprint
from trainer.hparams import HParams


def _taken(location: Path | str) -> Fingerprint:
    return load(str(location), 0.1, 0, options=SampleOptions(8)).fingerprint


def test_moved_and_differently_spelled_data_are_the_same(tmp_path: Path) -> None:
    write_classes(tmp_path / "g", {"cat": 12, "dog": 12})
    taken = _taken(tmp_path / "g")
    shutil.copytree(tmp_path / "g", tmp_path / "elsewhere" / "h")
    for same in (
        f"{tmp_path}/g/",
        f"{tmp_path}/./elsewhere/../g",
        os.path.relpath(tmp_path / "g"),
        tmp_path / "elsewhere/h",
    ):
        assert _taken(same) == taken
    assert Fingerprint.read(taken.content()) == taken
    assert taken.changes(taken) == []


def test_says_what_changed(tmp_path: Path) -> None:
    write_classes(tmp_path / "g", {"cat": 12, "dog": 12})
    former = _taken(tmp_path / "g")
    with (tmp_path / "g/cat/000.png").open("ab") as image:
        image.write(b"\0")
    assert _taken(tmp_path / "g").changes(former) == ["the contents of samples changed", "the sizes of samples changed"]
    (tmp_path / "g/cat/000.png").rename(tmp_path / "g/cat/zero.png")
    assert "the names of samples changed" in " ".join(_taken(tmp_path / "g").changes(former))
    (tmp_path / "g/cat").rename(tmp_path / "g/zebra")
    assert _taken(tmp_path / "g").changes(former)[:2] == ["class zebra is new", "class cat is gone"]


def test_a_manifests_exchanged_labels_are_a_change(tmp_path: Path) -> None:
    write_classes(tmp_path / "g", {"cat": 12, "dog": 12})
    rows = [f"{path.relative_to(tmp_path)},{path.parent.name}" for path in sorted(tmp_path.glob("g/*/*"))]
    (tmp_path / "a.csv").write_text("\n".join(["image,label", *rows]))
    former = _taken(tmp_path / "a.csv")
    other = [row.replace(",cat", ",x").replace(",dog", ",cat").replace(",x", ",dog") for row in rows]
    (tmp_path / "a.csv").write_text("\n".join(["image,label", *other]))
    assert _taken(tmp_path / "a.csv").changes(former) == ["the labels of samples changed"]


def test_samples_in_memory_have_one_of_their_values() -> None:
    counts = {"train": 2, "validation": 0, "test": 0}
    samples, labels = np.zeros((2, 4, 4), np.uint8), np.array([0, 1])
    one = Fingerprint.of_arrays([samples, labels], "ab", counts)
    assert Fingerprint.of_arrays([samples.copy(), labels], "ab", counts) == one
    assert Fingerprint.of_arrays([samples, labels[::-1]], "ab", counts).changes(one) == ["the samples changed"]
    assert Fingerprint.of_arrays([samples.reshape(2, 16, 1), labels], "ab", counts) != one


def test_digits_have_one() -> None:
    assert load(HParams().data, 0.1, 0).fingerprint.counts == {"train": 1293, "validation": 144, "test": 360}


def test_contents_of_one_size_that_were_exchanged_are_a_change(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for index in range(12):
            (tmp_path / label / f"{index}.bmp").write_bytes(encoded(noise(seed=index + 100 * (label == "dog")), "BMP"))
    former = _taken(tmp_path)
    (tmp_path / "cat").rename(tmp_path / "other")
    (tmp_path / "dog").rename(tmp_path / "cat")
    (tmp_path / "other").rename(tmp_path / "dog")
    assert _taken(tmp_path).changes(former) == ["the contents of samples changed"]
