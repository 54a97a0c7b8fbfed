from pathlib import Path

import numpy as np

from trainer.insight.observer import Examples
from trainer.tensorboard import projector


def test_a_sample_is_one_line_whatever_its_class_is_called(tmp_path: Path) -> None:
    classes = ("two\nlines", "tab\there", "猫", "caf\udce9\r")
    examples = Examples(np.zeros((4, 8, 8, 3), np.uint8), np.arange(4), classes)
    projector.write(tmp_path / "run", examples, np.eye(4)[::-1], np.zeros((4, 2)))
    assert (tmp_path / "run" / "labels.tsv").read_bytes().decode().split("\n") == [
        "label\tpredicted",
        "two\\nlines\tcaf\\udce9\\r",
        "tab\\there\t猫",
        "猫\ttab\\there",
        "caf\\udce9\\r\ttwo\\nlines",
        "",
    ]
    assert len((tmp_path / "run" / "embedding.tsv").read_text().splitlines()) == 4
