import json
from pathlib import Path
from typing import Any

import pytest

from trainer.study.screen import tested

CARD: dict[str, Any] = {"samples": {"test": 360}, "accuracy": 0.9611111, "outcome": {"test_macro_f1": 0.95}}


def _read(root: Path, card: object) -> dict[str, Any]:
    (root / "model").mkdir(exist_ok=True)
    (root / "model" / "model.json").write_text(json.dumps(card))
    return tested.read(root, 3)


def test_reads_the_card_of_classes_and_of_others(tmp_path: Path) -> None:
    found = _read(tmp_path, CARD)
    assert found["summary"] == "test accuracy 96.11% (93.58 to 97.67%, 360 samples), macro_f1 0.9500"
    assert (found["trial"], found["samples"], found["macro_f1"]) == (3, 360, 0.95)
    assert tested.line(found).startswith("Trial 3 on the test part")
    of_numbers = {"samples": {"test": 1}, "result": {"summary": "test mean absolute error 0.1"}, "outcome": {}}
    assert _read(tmp_path, of_numbers)["summary"] == "test mean absolute error 0.1 (1 sample)"


@pytest.mark.parametrize("card", [{}, [], {**CARD, "samples": {"test": 0}}, {**CARD, "accuracy": None}])
def test_a_card_without_a_test_says_nothing(tmp_path: Path, card: object) -> None:
    assert _read(tmp_path, card) == {}
    assert tested.read(tmp_path / "nowhere", 3) == {}
    assert tested.line({}) == ""
