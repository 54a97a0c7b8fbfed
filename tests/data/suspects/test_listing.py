import csv
from pathlib import Path

import pytest

from trainer.data.lists.dropped import Dropped
from trainer.data.suspects import listing
from trainer.data.suspects.listing import Suspect
from trainer.errors import UsageError

SUSPECTS = [
    Suspect('a, "b".png', "train", "ö", predicted="cat", probability=0.9, label_probability=0.05),
    Suspect("shard, 12 bytes from 3", "validation", "cat", like="test/7", like_part="test", distance=0.0),
    Suspect("16", "train", "a;b", predicted="missing c", probability=0.9, label_probability=0.1, wrong="labels"),
    Suspect("19", "train", "1.5", predicted="3", residual=-4.25, wrong="number"),
    Suspect("17", "train", "cat", like="18", like_part="train", distance=0.03),
]


def test_what_is_written_can_be_dropped(tmp_path: Path) -> None:
    path = tmp_path / "suspects.csv"
    for _ in range(2):
        listing.write(path, SUSPECTS)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["problem"] for row in rows] == ["label", "copy across parts", "labels", "number", "near-duplicate"]
    assert rows[0]["probability"] == "0.9000"
    assert (rows[3]["probability"], rows[3]["residual"]) == ("", "-4.2500")
    assert [*Dropped.read(str(path)).lines.items()] == [(one.name, line) for line, one in enumerate(SUSPECTS, 2)]


def test_another_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "suspects.csv"
    path.write_text("my notes")
    with pytest.raises(UsageError, match=r"suspects\.csv must be a new file or a list of suspects"):
        listing.write(path, SUSPECTS)
    assert path.read_text() == "my notes"
