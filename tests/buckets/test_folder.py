from pathlib import Path

from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.folder import Folder, Signature
from trainer.buckets.objects.object import Object
from trainer.buckets.objects.patience import Patience


class Client:
    def bucket(self, name: str) -> None:
        pass


def _folder(local: Path, prefix: str = "run/", *, is_shallow: bool = False) -> Folder:
    return Folder(local, Bucket(Client(), "bucket", Patience()), prefix, is_shallow)


def test_names_on_both_sides(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    assert folder.name(tmp_path / "a" / "b") == "run/a/b"
    assert folder.path("run/a/b") == tmp_path / "a" / "b"
    assert str(folder) == "gs://bucket/run"
    whole = _folder(tmp_path, "")
    assert (whole.name(tmp_path / "a"), whole.path("a"), str(whole)) == ("a", tmp_path / "a", "gs://bucket")


def test_unfinished_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("b", "a/c", ".b.partial", "a/.d", ".hidden/e"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    found = dict(_folder(tmp_path).files())
    assert [*found] == [tmp_path / "b", tmp_path / "a" / "c"]
    assert found[tmp_path / "b"] == Signature.of((tmp_path / "b").stat())
    assert [*dict(_folder(tmp_path, is_shallow=True).files())] == [tmp_path / "b"]
    assert [*_folder(tmp_path / "none").files()] == []


def test_a_change_shows_in_the_signature(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    before = dict(_folder(tmp_path).files())
    (tmp_path / "b").write_bytes(b"2")
    (tmp_path / "b").replace(tmp_path / "a")
    assert dict(_folder(tmp_path).files()) != before


def test_remembers_what_is_known(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    assert folder.generation("run/a") == 0
    folder.note("run/a", Object("run/a", 1, 2, 3))
    assert folder.generation("run/a") == 3
    folder.note("run/a", None)
    folder.note("run/a", None)
    assert folder.generation("run/a") == 0
