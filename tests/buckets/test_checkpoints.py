import json
import threading
from pathlib import Path

import pytest

from trainer.buckets import checkpoints
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.folder import Folder
from trainer.buckets.objects.object import Object
from trainer.buckets.objects.patience import Patience
from trainer.training.checkpoint import Store


class Client:
    def bucket(self, name: str) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, Bucket(Client(), "bucket", Patience()), "c/")


def _manifest(step: int = 3, size: int = 5) -> bytes:
    return json.dumps({"step": step, "files": [{"name": f"{step}/a.npz", "size": size, "sha256": "0" * 64}]}).encode()


def test_a_snapshot_is_held_while_checkpoints_are_removed(tmp_path: Path) -> None:
    store = Store(tmp_path, {}, keep=1)
    with checkpoints.snapshot(tmp_path) as none:
        assert none is None
    store.write(1, [b"one"], 1, {})
    store.write(2, [b"two"], 1, {})
    with checkpoints.snapshot(tmp_path) as snapshot:
        store.write(3, [b"three"], 3, {})
        assert sorted(path.name for path in tmp_path.iterdir()) == ["3", "best.json", "latest.json"]
        assert snapshot is not None
        assert snapshot.best is not None
        assert [file.read() for saved in snapshot.all for file in saved.files.values()] == [
            b"one",
            b"two",
            b"one",
            b"two",
        ]
        assert json.loads(snapshot.latest.content)["step"] == 2
        assert [saved.path.parent.name for saved in snapshot.steps] == ["1", "2"]
        assert not snapshot.latest.is_finished
    assert all(file.closed for saved in snapshot.all for file in saved.files.values())
    store.finish({"accuracy": 1})
    with checkpoints.snapshot(tmp_path) as snapshot:
        assert snapshot is not None
        assert snapshot.latest.is_finished


def test_a_snapshot_has_what_two_checkpoints_share(tmp_path: Path) -> None:
    store, shared = Store(tmp_path, {}, keep=1), b"shared" * 20_000
    for step in (1, 2):
        store.write(step, [str(step).encode()], None, {}, shared=[[shared]])
    with checkpoints.snapshot(tmp_path, every=True) as snapshot:
        store.write(3, [b"3"], None, {})
        assert sorted(path.name for path in tmp_path.iterdir()) == ["3", "latest.json"]
        assert snapshot is not None
        assert [saved.path.parent.name for saved in snapshot.steps] == ["2"]
        assert [path.parent.name for path in snapshot.latest.files] == ["2", "1"]
        assert [file.read() for file in snapshot.latest.files.values()] == [b"2", shared]


def test_a_snapshot_of_all(tmp_path: Path) -> None:
    for step in (5, 10, 9):
        Store(tmp_path, {}, keep=5).write(step, [str(step).encode()], 10, {})
    with checkpoints.snapshot(tmp_path, every=True) as snapshot:
        assert snapshot is not None
        assert [saved.path.parent.name for saved in snapshot.steps] == ["5", "9", "10"]


def test_a_snapshot_is_of_one_moment_while_a_run_writes(tmp_path: Path) -> None:
    store, ended = Store(tmp_path, {}, keep=1), threading.Event()

    def write() -> None:
        for step in range(1, 30):
            store.write(step, [str(step).encode()], step, {})
        ended.set()

    store.write(0, [b"0"], 0, {})
    thread = threading.Thread(target=write)
    thread.start()
    seen = set()
    while not ended.is_set():
        with checkpoints.snapshot(tmp_path) as snapshot:
            if snapshot is None:  # that often something was replaced; the next pass will see it
                continue
            (file,) = snapshot.latest.files.values()
            assert file.read().decode() == str(json.loads(snapshot.latest.content)["step"])
            seen.add(snapshot.latest.content)
    thread.join()
    assert len(seen) > 1


def test_a_damaged_folder_has_no_snapshot(tmp_path: Path) -> None:
    (tmp_path / "latest.json").write_bytes(b"nonsense")
    with checkpoints.snapshot(tmp_path) as snapshot:
        assert snapshot is None
    (tmp_path / "latest.json").write_bytes(_manifest())
    with checkpoints.snapshot(tmp_path) as snapshot:
        assert snapshot is None


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"files": []}', b'{"files": [{"name": "../a", "size": 1, "sha256": ""}]}']
)
def test_rejects_what_is_no_manifest(content: bytes) -> None:
    with pytest.raises(ValueError):
        checkpoints.files_of(content)


def test_what_a_manifest_names_must_be_there_and_as_it_was_written(folder: Folder) -> None:
    one = Object("c/3/a.npz", 5, 77, 1)
    folder.known[one.name] = one
    manifest = Object("c/latest.json", 1, 1, 1, checkpoints.note(folder, _manifest()))
    assert manifest.metadata == {"files": '{"3/a.npz": [5, 77, 1]}', "step": "3"}
    assert checkpoints.fault(folder, manifest, _manifest()) == ""
    assert checkpoints.fault(folder, Object("c/latest.json", 1, 1, 1), _manifest()) == ""
    assert checkpoints.fault(folder, manifest, b"nonsense") == "it is not a manifest"
    folder.known[one.name] = Object(one.name, 5, 77, 2)  # the run was copied
    assert checkpoints.fault(folder, manifest, _manifest()) == ""
    for other in (Object(one.name, 4, 77, 1), Object(one.name, 5, 78, 1)):
        folder.known[one.name] = other
        assert checkpoints.fault(folder, manifest, _manifest()) == "3/a.npz is not what was written"
    del folder.known[one.name]
    assert checkpoints.fault(folder, manifest, _manifest()) == "3/a.npz is missing"


def test_manifests_come_newest_first(folder: Folder) -> None:
    def note(name: str, **metadata: str) -> None:
        folder.note(f"c/{name}", Object(f"c/{name}", 1, 1, 1, metadata))

    for name in ("9/manifest.json", "10/manifest.json", "x/manifest.json", "9/a.npz", "best.json"):
        note(name)
    assert checkpoints.manifests(folder) == ["c/10/manifest.json", "c/9/manifest.json"]
    note("latest.json", step="9")
    assert checkpoints.manifests(folder) == ["c/latest.json", "c/10/manifest.json", "c/9/manifest.json"]
    note("10/manifest.json", **{"stands-in": "latest.json"})  # when that could not be replaced
    assert checkpoints.manifests(folder) == ["c/10/manifest.json", "c/latest.json", "c/9/manifest.json"]
    note("latest.json", step="10")
    assert checkpoints.manifests(folder) == ["c/latest.json", "c/10/manifest.json", "c/9/manifest.json"]
    note("latest.json")
    assert checkpoints.manifests(folder)[0] == "c/latest.json"


def test_files_are_sound_by_their_checksums(tmp_path: Path) -> None:
    Store(tmp_path, {}).write(1, [b"one"], None, {})
    content = (tmp_path / "latest.json").read_bytes()
    assert checkpoints.are_files_sound(tmp_path, content)
    (path,) = (path for path in (tmp_path / "1").iterdir() if path.name != "manifest.json")
    path.write_bytes(b"two")
    assert not checkpoints.are_files_sound(tmp_path, content)
