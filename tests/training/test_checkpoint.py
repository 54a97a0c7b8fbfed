import json
from pathlib import Path

import pytest

from trainer.errors import UsageError
from trainer.training.checkpoint import Store

CONFIGURATION = {"filters": 2}


def _store(folder: Path, keep: int = 2) -> Store:
    store = Store(folder, CONFIGURATION, keep)
    for step in (1, 2, 3):
        store.write(step, [f"state {step}".encode() * 100], best=1, about={"epoch": step})
    return store


def _silence(line: str) -> None:
    raise AssertionError(line)


def test_finds_the_newest_and_keeps_the_last_and_the_best(tmp_path: Path) -> None:
    manifest, content = _store(tmp_path).newest(_silence) or ({}, b"")
    assert (manifest["step"], manifest["epoch"], manifest["best"]) == (3, 3, 1)
    assert content == b"state 3" * 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "3", "best.json", "latest.json"]
    assert json.loads((tmp_path / "best.json").read_text())["step"] == 1
    _store(tmp_path / "other", keep=1)
    assert sorted(path.name for path in (tmp_path / "other").iterdir()) == ["1", "3", "best.json", "latest.json"]


def test_finds_nothing_where_nothing_is(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        store = Store(folder, CONFIGURATION)
        assert store.newest(_silence) is None
        assert not store.exists()
        assert store.result() is None


@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing"])
@pytest.mark.parametrize("file", ["state", "latest.json"])
def test_a_damaged_checkpoint_is_found_and_told(tmp_path: Path, damage: str, file: str) -> None:
    store, told = _store(tmp_path), []
    path = next((tmp_path / "3").glob("*.state")) if file == "state" else tmp_path / file
    content = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[:-9])
    elif damage == "flipped":
        path.write_bytes(content[:90] + bytes([content[90] ^ 1]) + content[91:])
    else:
        path.unlink()
    manifest, state = store.newest(told.append) or ({}, b"")
    expected = 2 if file == "state" else 3  # the manifest in the checkpoint's own folder is sound
    assert (manifest["step"], state) == (expected, f"state {expected}".encode() * 100)
    assert told
    assert all(path.name in line and line.endswith("trying an older one") for line in told)


@pytest.mark.parametrize("position", range(0, 500, 7))
def test_any_flipped_bit_of_the_manifest_is_found(tmp_path: Path, position: int) -> None:
    store, told = _store(tmp_path), []
    path = tmp_path / "latest.json"
    content = bytearray(path.read_bytes())
    position %= len(content)
    content[position] ^= 4
    path.write_bytes(content)
    manifest, _ = store.newest(told.append) or ({}, b"")
    assert manifest["step"] == 3
    assert told


def test_a_manifest_that_is_too_deep_is_damaged(tmp_path: Path) -> None:
    store = Store(tmp_path, {})
    store.write(1, [b"state"], 1, {})
    (tmp_path / "latest.json").write_text("[" * 100_000)  # found by tests.fuzz: run-1-54
    said: list[str] = []
    assert store.newest(said.append) is not None
    assert "latest.json is not what was written" in said[0]


def test_where_all_are_damaged_there_is_none(tmp_path: Path) -> None:
    store, told = _store(tmp_path), []
    for path in tmp_path.glob("*/*.state"):
        path.write_bytes(b"")
    assert store.newest(told.append) is None
    assert len(told) == 4
    assert store.exists()


def test_a_write_that_fails_leaves_the_former_checkpoint(tmp_path: Path) -> None:
    store = _store(tmp_path)
    (tmp_path / "4").touch()  # where a folder is to be
    with pytest.raises(OSError):
        store.write(4, [b"n", b"ew"], None, {})
    (tmp_path / "4").unlink()
    assert (store.newest(_silence) or [{}])[0]["step"] == 3


def test_a_later_checkpoint_that_was_not_gone_on_from_is_removed(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.write(2, [b"again"], 1, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "best.json", "latest.json"]
    assert len(list((tmp_path / "2").iterdir())) == 2, "what the former checkpoint of this step consisted of is gone"


FROZEN = b"frozen" * 20_000


def _files(folder: Path, suffix: str) -> list[str]:
    return sorted(path.relative_to(folder).as_posix().split("/")[0] for path in folder.glob(f"*/*{suffix}"))


def test_what_does_not_change_is_stored_once(tmp_path: Path) -> None:
    store = Store(tmp_path, CONFIGURATION, keep=1)
    for step in (1, 2, 3):
        store.write(step, [b"state", bytes([step])], best=2, about={}, shared=[[FROZEN[:10], FROZEN[10:]]])
    assert _files(tmp_path, ".shared") == ["1"]
    assert _files(tmp_path, "manifest.json") == _files(tmp_path, ".state") == ["2", "3"]
    _, content = store.newest(_silence) or ({}, b"")
    assert content == b"state\3" + FROZEN
    assert store.at(2) == b"state\2" + FROZEN
    store.finish({"test_accuracy": 0.5})
    assert (store.newest(_silence) or [{}])[0]["step"] == 3
    for step in (4, 5):  # another part is frozen
        store.write(step, [b"state", bytes([step])], best=5, about={}, shared=[[FROZEN[1:]]])
    assert _files(tmp_path, ".shared") == ["4"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["4", "5", "best.json", "latest.json"]


def test_a_damaged_file_of_two_checkpoints_is_not_used_by_the_next(tmp_path: Path) -> None:
    store, told = Store(tmp_path, CONFIGURATION), []
    for step in (1, 2):
        store.write(step, [b"state"], best=None, about={}, shared=[[FROZEN]])
    next(tmp_path.glob("1/*.shared")).write_bytes(FROZEN[:-1] + b"x")
    assert store.newest(told.append) is None
    assert all(".shared is not what was written, by its checksum" in line for line in told)
    store.write(3, [b"state"], best=None, about={}, shared=[[FROZEN]])
    assert (store.newest(_silence) or [{}])[0]["step"] == 3


def test_a_small_part_that_does_not_change_is_stored_with_the_rest(tmp_path: Path) -> None:
    store = Store(tmp_path, CONFIGURATION)
    store.write(1, [b"state"], best=None, about={}, shared=[[b"few"]])
    assert [path.suffix for path in tmp_path.glob("1/*.*")].count(".shared") == 0
    assert (store.newest(_silence) or [{}, b""])[1] == b"statefew"


def test_an_empty_part_has_no_file(tmp_path: Path) -> None:
    store = Store(tmp_path, CONFIGURATION)
    store.write(1, [b"state"], best=None, about={}, shared=[[FROZEN], [], [b"few"]])
    manifest, content = store.newest(_silence) or ({}, b"")
    assert [file["size"] for file in manifest["files"]] == [5, len(FROZEN), 3]
    assert content == b"state" + FROZEN + b"few"


def test_reads_a_checkpoint_of_format_4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.training.checkpoint._FORMAT", 4)
    store = _store(tmp_path)
    monkeypatch.undo()
    assert (store.newest(_silence) or [{}])[0]["format"] == 4


def test_says_what_a_run_came_to(tmp_path: Path) -> None:
    store = _store(tmp_path)
    assert store.result() is None
    (tmp_path / "latest.json").unlink()  # as where the run has gone on without it
    store.finish({"test_accuracy": 0.5})
    assert store.result() == {"test_accuracy": 0.5}
    assert (store.newest(_silence) or [{}])[0]["step"] == 3


def test_rejects_a_checkpoint_of_another_configuration(tmp_path: Path) -> None:
    _store(tmp_path)
    with pytest.raises(UsageError, match="of the same configuration. Received: .*--filters=2 before, 3 now"):
        Store(tmp_path, {"filters": 3}).newest(_silence)
