import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from trainer.data.cross_validation import CrossValidation
from trainer.data.held_out import HeldOut, path_of
from trainer.errors import UsageError


def _held_out(*pairs: tuple[int, int]) -> HeldOut:
    """Returns predictions of three classes for samples, each its class and the predicted one."""
    targets, predicted = (np.array(column, np.int32) for column in zip(*pairs, strict=True))
    probabilities = np.full((len(pairs), 3), 0.2, np.float32)
    probabilities[np.arange(len(pairs)), predicted] = 0.6
    return HeldOut([f"f\u00fcr/{i}.png" for i in range(len(pairs))], targets, probabilities, ["a", "b", "c"], "image")


def test_pools_the_samples_of_all_folds() -> None:
    found = CrossValidation.of([_held_out((0, 0), (1, 1), (1, 0), (0, 0)), _held_out((0, 0), (2, 2))])
    assert [(one.correct, one.samples) for one in found.folds] == [(3, 4), (2, 2)]
    assert found.whole.share == pytest.approx(5 / 6)
    assert found.mean == pytest.approx(0.875)
    assert found.deviation == pytest.approx(0.25 / math.sqrt(2))
    assert found.confusion.tolist() == [[3, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert found.small_classes() == {"c": 1}
    assert found.to_json()["folds"] == 2
    assert found.to_json()["interval"] == pytest.approx([0.436, 0.970], abs=0.001)


def test_predictions_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert CrossValidation.read(tmp_path, 2) is None
    for number in (1, 2):
        path_of(tmp_path, number).parent.mkdir(parents=True)
        _held_out((0, 0), (1, 2)).write(path_of(tmp_path, number))
    written, again = _held_out((0, 0), (1, 2)), HeldOut.read(path_of(tmp_path, 1))
    for field in dataclasses.fields(HeldOut):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(written, field.name))
    assert path_of(tmp_path, 1).read_bytes() == path_of(tmp_path, 2).read_bytes(), "without a time"
    found = CrossValidation.read(tmp_path, 2)
    assert found is not None
    assert found.whole.samples == 4


@pytest.mark.parametrize("content", [b"", b"no zip", "short"])
def test_rejects_damaged_predictions(content: bytes | str, tmp_path: Path) -> None:
    path = tmp_path / "predictions.npz"
    _held_out((0, 0)).write(path)
    path.write_bytes(content if isinstance(content, bytes) else path.read_bytes()[:300])
    with pytest.raises(UsageError, match=r"predictions.npz: must be the predictions of a fold; remove it, and"):
        HeldOut.read(path)
