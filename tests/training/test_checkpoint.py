import json
from pathlib import Path

import keras
import numpy as np
import pytest

from trainer.training import checkpoint


def _variables(value: float) -> list[keras.Variable]:
    return [keras.Variable(np.full((2, 3), value, np.float32)), keras.Variable(np.int64(value), dtype="int64")]


def test_restores_what_was_saved(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 7, _variables(5))
    variables = _variables(0)
    assert checkpoint.restore_latest(tmp_path, variables) == 7
    np.testing.assert_array_equal(variables[0], np.full((2, 3), 5))
    assert int(variables[1]) == 5


def test_keeps_the_newest_alone(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 1, _variables(1))
    checkpoint.save(tmp_path, 2, _variables(2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "latest.json"]
    assert json.loads((tmp_path / "latest.json").read_text())["step"] == 2


def test_nothing_is_restored_from_an_empty_folder(tmp_path: Path) -> None:
    variables = _variables(3)
    assert checkpoint.restore_latest(tmp_path, variables) == 0
    assert int(variables[1]) == 3


@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing", "no manifest", "half a manifest"])
def test_a_damaged_checkpoint_counts_as_none(tmp_path: Path, damage: str) -> None:
    checkpoint.save(tmp_path, 1, _variables(1))
    state, manifest = tmp_path / "1" / "state.npz", tmp_path / "latest.json"
    content = state.read_bytes()
    if damage == "truncated":
        state.write_bytes(content[:-9])
    elif damage == "flipped":
        state.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    elif damage == "missing":
        state.unlink()
    elif damage == "no manifest":
        manifest.unlink()
    else:
        manifest.write_text(manifest.read_text()[:20])
    assert checkpoint.restore_latest(tmp_path, _variables(0)) == 0
