"""The best checkpoint of a finished run: its weights are still there, and no run resumes from it."""

from pathlib import Path

import numpy as np

from trainer.training import save
from trainer.training import state as states
from trainer.training.checkpoint import Store
from trainer.training.reduced import reduce_best

_WEIGHTS = 2  # the first variables; the others are the optimizer's


def _state(step: int) -> dict[str, object]:
    frozen = np.arange(40_000, dtype=np.float32)  # large enough for a file of its own
    learning = [np.full(20_000, step + part, np.float32) for part in (0.1, 0.2, 0.3)]
    return {"step": step, "variables": [frozen, *learning], "frozen": [0], "callbacks": {}}


def _store(folder: Path, best: int, keep: int = 2) -> Store:
    store = Store(folder, {}, keep)
    for step in (1, 2, 3, 4):
        content, *shared = states.pack_apart(_state(step), save.shared(_state(step)))
        store.write(step, content, best=best if step >= best else None, about={}, shared=shared)
    return store


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.state"))


def test_the_best_keeps_its_weights_alone(tmp_path: Path) -> None:
    store = _store(tmp_path, best=1)
    before = _bytes(tmp_path / "1")
    reduce_best(store, _WEIGHTS)
    assert _bytes(tmp_path / "1") < before / 2
    assert len([*tmp_path.glob("*/*.shared")]) == 1
    found = states.unpack(store.at(1))
    assert len(found["variables"]) == _WEIGHTS
    for one, expected in zip(found["variables"], _state(1)["variables"], strict=False):  # type: ignore[arg-type, call-overload]
        np.testing.assert_array_equal(one, expected)
    assert (tmp_path / "best.json").read_bytes() == (tmp_path / "1" / "manifest.json").read_bytes()
    again = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    reduce_best(store, _WEIGHTS)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == again


def test_no_run_resumes_from_it(tmp_path: Path) -> None:
    store = _store(tmp_path, best=1)
    reduce_best(store, _WEIGHTS)
    for step in (4, 3):
        manifest, _ = store.newest(lambda line: None) or ({}, b"")
        assert manifest["step"] == step
        for path in (tmp_path / str(step)).glob("*.state"):
            path.write_bytes(b"")
    told: list[str] = []
    assert store.newest(told.append) is None
    assert told[-1].endswith("1/manifest.json: it has the weights of the best epoch alone; trying an older one")


def test_a_best_one_that_is_one_of_the_last_stays_whole(tmp_path: Path) -> None:
    store = _store(tmp_path, best=3)
    before = store.at(3)
    reduce_best(store, _WEIGHTS)
    assert store.at(3) == before
    assert len(states.unpack(before)["variables"]) == 4


def test_a_damaged_one_stays_as_it_is(tmp_path: Path) -> None:
    store = _store(tmp_path, best=1)
    (damaged,) = (tmp_path / "1").glob("*.state")
    damaged.write_bytes(b"else")
    reduce_best(store, _WEIGHTS)
    assert damaged.read_bytes() == b"else"
    damaged.unlink()
    reduce_best(store, _WEIGHTS)
