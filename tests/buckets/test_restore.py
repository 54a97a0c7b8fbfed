import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.buckets.scripted import HASTY, Run, files, places, steps
from tests.gcs import faults
from tests.gcs.server import Server, serve
from trainer.buckets.storage import Storage


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(rate_limit=False) as server:
        yield server


def _storage(server: Server, root: Path, said: list[str] | None = None, remote: str = "gs://bucket/run") -> Storage:
    tell = (said if said is not None else []).append
    return Storage(places(root, remote), log=tell, client=server.client(), patience=HASTY)


@pytest.fixture
def former(server: Server, tmp_path: Path) -> Run:
    """A run with checkpoints of steps 2, 4 and 6, the best of which is 2, that ends after step 7."""
    storage = _storage(server, tmp_path / "former")
    storage.begin()
    run = Run(tmp_path / "former")
    for _ in range(3):
        run.go_on(2)
        run.save()
        storage.sync()
    run.go_on()
    storage.sync()
    storage.close()
    return run


def _begin(
    server: Server, root: Path, said: list[str] | None = None, remote: str = "gs://bucket/run"
) -> dict[str, bytes]:
    storage = _storage(server, root, said, remote)
    storage.begin()
    storage.close()
    return files(root)


def _spoil(change: Callable[[Server, str], None], server: Server, step: int) -> None:
    (name,) = (name for name in server.objects("bucket") if f"/{step}/" in name and "manifest" not in name)
    change(server, name)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda server, name: server.remove("bucket", name), "is missing"),
        (lambda server, name: server.put("bucket", name, b"short"), "is not what was written"),
        (
            lambda server, name: server.put("bucket", name, server.objects("bucket")[name].replace(b"6", b"7")),
            "is not what was written",
        ),
    ],
    ids=["missing", "cut", "changed"],
)
def test_an_older_checkpoint_where_the_newest_is_not_sound(
    server: Server, former: Run, tmp_path: Path, change: Callable[[Server, str], None], wrong: str
) -> None:
    _spoil(change, server, 6)
    said: list[str] = []
    found = _begin(server, tmp_path / "new", said)
    assert json.loads(found["checkpoints/latest.json"])["step"] == 4
    assert found["checkpoints/latest.json"] == found["checkpoints/4/manifest.json"]
    (name,) = (name for name in files(former.root) if "checkpoints/6/" in name and "manifest" not in name)
    assert said == [
        f"checkpoint gs://bucket/run/{where}: {name.removeprefix('checkpoints/')} {wrong}; trying an older one"
        for where in ("checkpoints/latest.json", "checkpoints/6/manifest.json")
    ]
    run = Run(tmp_path / "new", session=1)
    assert run.step == 4


def test_what_was_spoilt_before_it_was_sent_is_not_sound_either(server: Server, former: Run, tmp_path: Path) -> None:
    (path,) = (former.root / "checkpoints" / "6").glob("*[!n]")
    server.put("bucket", f"run/checkpoints/6/{path.name}", b"?" * path.stat().st_size)
    for name in ("latest.json", "6/manifest.json"):  # without the checksums that are noted beside them
        server.put("bucket", f"run/checkpoints/{name}", (former.root / "checkpoints" / name).read_bytes())
    said: list[str] = []
    assert json.loads(_begin(server, tmp_path / "new", said)["checkpoints/latest.json"])["step"] == 4
    assert len(said) == 2
    assert said[0].endswith("latest.json: its files have wrong checksums; trying an older one")


def test_a_manifest_that_is_none_is_passed_over(server: Server, former: Run, tmp_path: Path) -> None:
    server.put("bucket", "run/checkpoints/latest.json", b"nonsense")
    assert json.loads(_begin(server, tmp_path / "new")["checkpoints/latest.json"])["step"] == 6


def test_without_a_sound_checkpoint_the_run_begins_anew(server: Server, former: Run, tmp_path: Path) -> None:
    for step in (2, 4, 6):
        _spoil(lambda server, name: server.remove("bucket", name), server, step)
    storage = _storage(server, tmp_path / "new")
    storage.begin()
    run = Run(tmp_path / "new", session=1)
    assert run.step == 0
    run.go_on(3)
    storage.sync()
    assert steps(server.objects("bucket")) == [1, 2, 3]
    assert "run/checkpoints/6/manifest.json" in server.objects("bucket")
    run.save()
    storage.sync()
    assert "run/checkpoints/6/manifest.json" not in server.objects("bucket")
    storage.close()


def test_a_run_that_was_copied_is_sound(server: Server, former: Run, tmp_path: Path) -> None:
    bucket = server.client().bucket("bucket")
    for name in server.objects("bucket"):
        bucket.copy_blob(bucket.blob(name), bucket, name.replace("run/", "copy/"))
    said: list[str] = []
    found = _begin(server, tmp_path / "new", said, "gs://bucket/copy")
    assert json.loads(found["checkpoints/latest.json"])["step"] == 6
    assert said == []


def test_what_is_there_already_is_not_fetched(server: Server, former: Run, tmp_path: Path) -> None:
    first = _begin(server, tmp_path / "new")
    server.clear()
    assert _begin(server, tmp_path / "new") == first
    fetched = Counter(record.name for record in server.requests if record.operation == "objects.media")
    assert fetched == {"run/checkpoints/latest.json": 1, "run/checkpoints/best.json": 1}


def test_the_bucket_is_the_truth(server: Server, former: Run, tmp_path: Path) -> None:
    expected, root = _begin(server, tmp_path / "new"), tmp_path / "other"
    shutil.copytree(tmp_path / "former", root)
    run = Run(root, session=1)  # it was ahead, on a machine that was lost
    run.go_on(5)
    run.save()
    run.finish()
    (root / "logs" / "leftover").mkdir()
    (root / "logs" / "leftover" / "sprite.png").write_bytes(b"")
    (root / "checkpoints" / ".latest.json.partial").write_bytes(b"")
    assert _begin(server, root) == expected
    assert not (root / "logs" / "leftover").exists()


def test_logs_without_a_record_are_left_alone(server: Server, tmp_path: Path) -> None:
    server.put("bucket", "run/logs/events.out.tfevents.1.other", b"theirs")
    server.put("bucket", "run/logs/sprite.png", b"theirs")
    storage = _storage(server, tmp_path / "new")
    storage.begin()
    assert files(tmp_path / "new") == {}
    run = Run(tmp_path / "new")
    run.go_on()
    run.save()
    storage.sync(whole=True)
    storage.close()
    theirs = [name for name, content in server.objects("bucket").items() if content == b"theirs"]
    assert theirs == ["run/logs/events.out.tfevents.1.other", "run/logs/sprite.png"]


def test_parts_that_were_left_are_removed(server: Server, former: Run, tmp_path: Path) -> None:
    server.put("bucket", "run/logs/.parts/other/1-2-3", b"")
    server.put("bucket", "run/model/.parts/other/1-2-3", b"")
    _begin(server, tmp_path / "new")
    assert not [name for name in server.objects("bucket") if ".parts" in name]


def test_the_model_of_a_finished_run_is_fetched(server: Server, former: Run, tmp_path: Path) -> None:
    storage = _storage(server, tmp_path / "new")
    storage.begin()
    (tmp_path / "new" / "model").mkdir()
    (tmp_path / "new" / "model" / "model.keras").write_bytes(b"not yet")
    storage.sync()
    assert "model/model.keras" not in _begin(server, tmp_path / "newer")
    run = Run(tmp_path / "newer", session=1)
    storage = _storage(server, tmp_path / "newer")
    storage.begin()
    run.finish()
    storage.sync()
    storage.close()
    assert _begin(server, tmp_path / "newest")["model/model.keras"] == b"the model"


def test_large_files_are_fetched_in_ranges(server: Server, tmp_path: Path) -> None:
    storage = _storage(server, tmp_path / "former")
    storage.begin()
    run = Run(tmp_path / "former", pad=10 << 20)
    run.save()
    storage.sync()
    storage.close()
    server.clear()
    assert files(tmp_path / "former").items() >= _begin(server, tmp_path / "new").items()
    assert sum(record.operation == "objects.media" for record in server.requests) == 2 + 3 + 2 + 2


def test_a_look_takes_nothing_over(server: Server, former: Run, tmp_path: Path) -> None:
    root = tmp_path / "new"
    shutil.copytree(tmp_path / "former", root)
    (root / "hparams.json").write_bytes(b"another's")
    before = server.objects("bucket")
    storage = _storage(server, root)
    storage.look()
    assert server.objects("bucket") == before
    assert files(root) == files(tmp_path / "former")
    shutil.rmtree(root)
    storage.look()
    assert sorted(files(root)) == ["checkpoints/latest.json", "hparams.json"]
    storage.close()
    for name in before:
        server.remove("bucket", name)
    shutil.copytree(tmp_path / "former", root, dirs_exist_ok=True)
    storage = _storage(server, root)
    storage.look()
    storage.finish(0)  # it has not begun: there is nothing to land
    storage.close()
    assert not [name for name in files(root) if not name.startswith("logs")]


def test_faults_on_the_way_do_not_matter(server: Server, former: Run, tmp_path: Path) -> None:
    expected = _begin(server, tmp_path / "one")
    server.fault = faults.random_faults(1, 0.3, (*faults.TRANSIENT, faults.CutReply(20), faults.Flip(5)))
    assert _begin(server, tmp_path / "two") == expected


def test_what_a_former_process_removes_meanwhile_is_looked_at_again(
    server: Server, former: Run, tmp_path: Path
) -> None:
    removed: list[str] = []

    def remove(request: faults.Request) -> None:
        if request.operation == "objects.media" and "/6/" in request.name and not removed:
            removed.append(request.name)
            server.remove("bucket", request.name)

    server.fault = remove
    assert json.loads(_begin(server, tmp_path / "new")["checkpoints/latest.json"])["step"] == 4
    assert removed
