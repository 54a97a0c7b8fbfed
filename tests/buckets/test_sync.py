from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.buckets.scripted import Run, files, places
from tests.gcs import faults
from tests.gcs.server import Server, serve
from trainer.buckets.location import Location
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.failure import InterruptedSyncError, UnreachableError
from trainer.buckets.objects.folder import Folder
from trainer.buckets.objects.patience import Patience
from trainer.buckets.objects.upload import Uploads
from trainer.buckets.objects.workers import Workers
from trainer.buckets.ownership import Ownership
from trainer.buckets.sync import Sync

PART = 1 << 10


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(rate_limit=False) as server:
        yield server


@pytest.fixture
def hurried() -> list[Callable[[], bool]]:
    """What a pass is given up for, if anything is in it."""
    return []


@pytest.fixture
def sync(server: Server, hurried: list[Callable[[], bool]], tmp_path: Path) -> Iterator[Sync]:
    bucket = Bucket(server.client(), "bucket", Patience(0.01, 0.001, 0.01))
    folders = {
        role: Folder(place.local, bucket, Location.parse(place.remote).prefix, role == "root")
        for role, place in places(tmp_path).items()
    }
    ownership, workers = Ownership(bucket, "run/", "token", {}), Workers(2)
    ownership.take()
    uploads = Uploads(workers, "token", PART, lambda: any(is_so() for is_so in hurried))
    yield Sync(folders, uploads, ownership, workers, lambda line: None)
    workers.close()


def _writes(server: Server) -> list[str]:
    """Returns the names that were written, without parts, in order."""
    names = [record.name.removeprefix("run/") for record in server.requests if record.method == "POST"]
    return [name for name in names if ".parts" not in name]


@pytest.mark.parametrize("pad", [0, 10 * PART], ids=["small", "in parts"])
def test_a_checkpoint_comes_after_all_that_it_needs(server: Server, sync: Sync, tmp_path: Path, pad: int) -> None:
    run = Run(tmp_path, pad=pad)
    run.go_on()
    run.save()
    run.finish()
    sync.run()
    names = _writes(server)
    assert names[-3:] == ["checkpoints/1/manifest.json", "checkpoints/best.json", "checkpoints/latest.json"]
    assert names[:2] == ["owner.json", "hparams.json"]
    assert {*names} - {"owner.json"} == {*files(tmp_path)}
    assert sync.waiting(sync.look()) == []


@pytest.mark.parametrize("what", ["tfevents", "hparams", "model.keras", "checkpoints/1/"])
def test_without_all_that_it_needs_no_checkpoint_lands(server: Server, sync: Sync, tmp_path: Path, what: str) -> None:
    run = Run(tmp_path)
    run.go_on()
    run.save()
    run.finish()
    server.fault = faults.when(lambda request: what in request.name, faults.Status(503))
    with pytest.raises(UnreachableError):
        sync.run()
    assert "run/checkpoints/latest.json" not in server.objects("bucket")
    assert tmp_path / "checkpoints" / "latest.json" in sync.waiting(sync.look())


def test_a_program_that_must_stop_sends_logs_last_and_removes_nothing(
    server: Server, sync: Sync, tmp_path: Path
) -> None:
    run = Run(tmp_path)
    for stopping in (False, True):
        run.go_on()
        run.save()
        run.go_on()
        run.save()
        server.clear()
        sync.run(stopping=stopping)
    assert [name for name in _writes(server) if "tfevents" in name] == _writes(server)[-2:]
    assert "run/checkpoints/2/manifest.json" in server.objects("bucket")
    sync.run()
    assert "run/checkpoints/2/manifest.json" not in server.objects("bucket")


def test_manifests_are_removed_before_their_files(server: Server, sync: Sync, tmp_path: Path) -> None:
    run = Run(tmp_path)
    for _ in range(4):
        run.go_on()
        run.save()
        server.clear()
        sync.run()
    removed = [record.name for record in server.requests if record.method == "DELETE"]
    assert [name.rpartition("/")[2] == "manifest.json" for name in removed] == [True, False]


def test_what_the_bucket_still_names_is_not_removed(server: Server, sync: Sync, tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.go_on()
    run.save()
    sync.run()
    run.go_on()
    (tmp_path / "checkpoints" / "best.json").rename(tmp_path / "checkpoints" / ".best")

    def remove(request: faults.Request) -> None:
        if request.name.endswith("latest.json") and run.step == 2:
            run.go_on()
            run.store = type(run.store)(run.store.folder, {}, keep=1)
            run.save(is_best=True)

    run.save()
    server.fault = remove
    sync.run()  # while it lands, the checkpoint is removed for a newer one
    server.fault = None
    assert not (tmp_path / "checkpoints" / "2").exists()
    assert "run/checkpoints/2/manifest.json" in server.objects("bucket")
    sync.run()
    assert "run/checkpoints/2/manifest.json" not in server.objects("bucket")


def test_parts_that_could_not_be_deleted_are_deleted_later(server: Server, sync: Sync, tmp_path: Path) -> None:
    Run(tmp_path, pad=10 * PART).go_on()
    server.fault = faults.when(faults.on("objects.delete"), faults.Status(503))
    sync.run()
    assert [name for name in server.objects("bucket") if ".parts" in name]
    with pytest.raises(UnreachableError, match="^parts of uploaded files could not be deleted$"):
        sync.run(whole=True)
    server.fault = None
    sync.run()
    assert not [name for name in server.objects("bucket") if ".parts" in name]


def test_event_files_that_are_gone_are_removed(server: Server, sync: Sync, tmp_path: Path) -> None:
    run = Run(tmp_path)
    (tmp_path / "logs" / "sprite.png").write_bytes(b"")
    run.go_on()
    sync.run()
    for path in (tmp_path / "logs").rglob("*"):
        if path.is_file():
            path.unlink()
    sync.run()
    assert [*server.objects("bucket")] == ["run/hparams.json", "run/logs/sprite.png", "run/owner.json"]


def test_a_pass_is_given_up_between_two_things(
    server: Server, sync: Sync, hurried: list[Callable[[], bool]], tmp_path: Path
) -> None:
    Run(tmp_path, pad=2 * PART).go_on()

    hurried.append(lambda: len(_writes(server)) > 2)
    with pytest.raises(InterruptedSyncError):
        sync.run()
    assert len(_writes(server)) == 3
    hurried.clear()
    sync.run()
    assert {name.removeprefix("run/") for name in server.objects("bucket")} - {"owner.json"} == {*files(tmp_path)}


def test_a_look_reads_nothing_and_sees_every_change(sync: Sync, tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.go_on()
    run.save()
    looks = [sync.look()]
    assert {path.name for path in looks[0]} == {
        *("hparams.json", "latest.json", "best.json", "events.out.tfevents.000.host.v2")
    }
    for change in (run.go_on, run.save, run.finish):
        change()
        looks.append(sync.look())
        assert looks[-1] != looks[-2]
    assert sync.look() == looks[-1]


def test_describes_a_few_files_of_each_folder(sync: Sync, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("hparams.json", "logs/a", "logs/b/c", "logs/d", "logs/e", "model/f")]
    assert sync.describe(paths) == "root (hparams.json), logs (a, b/c, d and 1 more), model (f)"
    assert sync.describe([]) == ""
