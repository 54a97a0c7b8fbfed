import itertools
import json
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.buckets.scripted import HASTY, PARTS, Run, files, framed, places, steps
from tests.gcs import faults, refusals
from tests.gcs.server import Server, serve
from trainer.buckets.location import SyncedFolder, is_remote
from trainer.buckets.objects.failure import FencedError, UnreachableError
from trainer.buckets.objects.patience import Patience
from trainer.buckets.storage import Storage
from trainer.errors import StorageError, UsageError

Begin = Callable[..., tuple[Storage, Path]]

ALL = {"storage.objects.create", "storage.objects.delete", "storage.objects.get", "storage.objects.list"}


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(rate_limit=False) as server:
        yield server


@pytest.fixture
def begin(server: Server, tmp_path: Path) -> Iterator[Begin]:
    """Begins a run on a machine of its own, and returns its storage and its root; lines go to `said`."""
    numbers, opened, client = itertools.count(), [], server.client()

    def begin(said: list[str] | None = None, **options: Any) -> tuple[Storage, Path]:
        root = tmp_path / str(next(numbers))
        options = {"client": client, "patience": HASTY, "interval": 0.01, **options}
        storage = Storage(places(root), log=(said if said is not None else []).append, **options)
        opened.append(storage)
        storage.begin()
        return storage, root

    yield begin
    for storage in opened:
        storage.close()


def _without_owner(server: Server) -> dict[str, bytes]:
    objects = {name.removeprefix("run/"): content for name, content in server.objects("bucket").items()}
    return {name: content for name, content in objects.items() if not name.startswith("owner.")}


def _operations(server: Server) -> Counter[str]:
    return Counter(record.operation for record in server.requests)


def test_the_bucket_has_the_run_object_for_file(server: Server, begin: Begin) -> None:
    storage, root = begin()
    storage.start()
    run = Run(root)
    (root / "logs" / "plugins" / "profile").mkdir(parents=True)
    (root / "logs" / "plugins" / "profile" / "host.pb").write_bytes(b"a profile")
    (root / "logs" / ".unfinished").write_bytes(b"")
    for _ in range(4):
        run.go_on(3)
        run.save()
        storage.notify()
    run.finish()
    storage.finish(10)
    (root / "logs" / ".unfinished").unlink()
    assert _without_owner(server) == files(root)
    assert storage.lag() == 0


def test_another_machine_goes_on_from_there(server: Server, begin: Begin) -> None:
    storage, root = begin()
    run = Run(root)
    for _ in range(3):
        run.go_on(2)
        run.save()
        storage.sync()
    run.go_on()  # after the last checkpoint: it will come again
    storage.sync()
    former = files(root)
    storage, root = begin()
    assert files(root).items() <= former.items()
    assert {"hparams.json", "checkpoints/latest.json", "checkpoints/best.json", "checkpoints/2/manifest.json"} <= {
        *files(root)
    }
    run = Run(root, session=1)
    assert run.step == 6
    storage.sync()
    assert "run/checkpoints/4/manifest.json" in server.objects("bucket")  # as long as there is no newer one
    run.go_on(2)
    run.save()
    run.finish()
    storage.sync(whole=True)
    assert steps(server.objects("bucket")) == steps(server.objects("bucket"), "train") == [*range(1, 9)]
    assert _without_owner(server) == files(root)
    storage, root = begin()
    assert files(root) == {name: one for name, one in _without_owner(server).items() if "/6/" not in name}
    assert Run(root, session=2).is_finished


def test_a_pass_takes_few_requests(server: Server, begin: Begin) -> None:
    storage, root = begin()
    assert _operations(server) == {"buckets.testIamPermissions": 1, "objects.list": 5, "objects.insert": 1}
    run = Run(root, pad=20_000)
    run.go_on()
    storage.sync()
    server.clear()
    storage.sync()
    assert _operations(server) == {"objects.list": 1}
    server.clear()
    run.go_on()
    storage.sync()
    assert _operations(server) == {"objects.list": 1, "objects.insert": 2, "objects.compose": 2, "objects.delete": 2}
    server.clear()
    run.save()
    storage.sync()
    assert _operations(server) == {"objects.list": 1, "objects.insert": 4}
    written = [record.name.removeprefix("run/checkpoints/") for record in server.requests if record.method == "POST"]
    assert written[1:] == ["2/manifest.json", "best.json", "latest.json"]


def test_the_log_of_a_long_run_is_sent_once(server: Server, begin: Begin) -> None:
    storage, root = begin()
    path = root / "logs" / "events.out.tfevents.1.host"
    path.parent.mkdir(parents=True)
    sent = framed(b"=" * 500) * 20
    for _ in range(200):
        with path.open("ab") as file:
            file.write(sent)
        storage.sync()
    assert server.objects("bucket")[f"run/logs/{path.name}"] == path.read_bytes()
    assert sum(record.received for record in server.requests) <= 1.1 * path.stat().st_size


def test_a_program_that_must_stop_sends_the_checkpoint_first(server: Server, begin: Begin) -> None:
    storage, root = begin()
    run = Run(root)
    run.go_on()
    run.save()
    server.clear()
    storage.sync(stopping=True)
    written = [record.name for record in server.requests if record.method == "POST"]
    assert [name.rpartition("/")[2] for name in written[-3:]] == [
        "latest.json",
        *2 * ["events.out.tfevents.000.host.v2"],
    ]


def test_what_is_most_pressing_interrupts_what_is_not(server: Server, begin: Begin) -> None:
    said: list[str] = []
    storage, root = begin(said, patience=Patience(seconds=100, first=50))
    Run(root).go_on()
    logs, met = "run/logs/events.out.tfevents.000.host.v2", threading.Event()

    def fault(request: faults.Request) -> faults.Fault | None:
        if request.name != logs:
            return None
        met.set()
        return faults.Status(503)

    server.fault = fault
    storage.start()
    assert met.wait(10)  # the logs are tried again in 50 s
    run = Run(root)
    run.go_on()
    run.save()
    begun = time.monotonic()
    with pytest.raises(StorageError, match=r"^gs://bucket/run: not uploaded within 1 s: logs \(events\.out\..*\)$"):
        storage.finish(1, stopping=True)
    assert time.monotonic() - begun < 5
    assert "run/checkpoints/latest.json" in server.objects("bucket")
    storage.close()


def test_says_what_has_not_landed(server: Server, begin: Begin) -> None:
    storage, root = begin()
    run = Run(root)
    run.go_on()
    run.save()
    server.fault = faults.when(lambda request: True, faults.Stall())
    begun = time.monotonic()
    with pytest.raises(StorageError) as raised:
        storage.finish(0.2)
    storage.close()
    assert time.monotonic() - begun < 2
    assert str(raised.value) == (
        "gs://bucket/run: not uploaded within 0 s: root (hparams.json), logs (events.out.tfevents.000.host.v2, "
        "train/events.out.tfevents.000.host.v2), checkpoints (latest.json, best.json)"
    )


def test_an_outage_is_survived(server: Server, begin: Begin) -> None:
    said: list[str] = []
    leaps = [0.0]
    hasty = Patience(seconds=0.01, first=0.001, longest=0.01)
    storage, root = begin(said, clock=lambda: leaps[0] + time.monotonic(), patience=hasty)
    run = Run(root)
    storage.start()
    server.fault = faults.when(lambda request: True, faults.Status(503))
    _wait(lambda: storage.lag() > 0)
    for minute in range(1, 11):
        run.go_on(10)
        run.save()
        leaps[0] = 60.0 * minute
        asked = len(server.requests)
        _wait(lambda asked=asked: len(server.requests) > asked)
    assert 600 < storage.lag() < 660
    server.fault = None
    storage.finish(600)
    _wait(lambda: said[-1] == "gs://bucket/run has caught up")
    assert steps(server.objects("bucket")) == [*range(1, 101)]
    line = r"gs://bucket/run is \d+ s behind: gs://bucket: cannot list run/owner\.: 503 Service Unavailable"
    assert 1 < len(said) <= 5  # after 1, 2, 4 and 8 minutes
    assert all(re.fullmatch(line, one) for one in said[:-1])
    assert storage.lag() == 0


def test_an_outage_takes_no_memory(server: Server, begin: Begin) -> None:
    storage, root = begin(patience=Patience(seconds=0.01, first=0.001, longest=0.01))
    server.fault = faults.when(lambda request: True, faults.Status(503))
    storage.start()
    run = Run(root, pad=1 << 20)
    tracemalloc.start()
    for _ in range(20):
        run.go_on(2)
        run.save()
        storage.notify()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20  # of 100 MiB written
    server.fault = None
    storage.finish(60)
    assert _without_owner(server) == files(root)


@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_refused_is_told_at_once_and_ends_the_run(server: Server, begin: Begin, is_known: bool) -> None:
    said: list[str] = []
    now = [0.0]
    storage, root = begin(said, clock=lambda: now[0])
    Run(root).go_on()
    server.grant("bucket", ALL - {"storage.objects.create"})
    server.authorized = is_known
    storage.start()
    _wait(lambda: bool(said))
    storage.raise_if_failed()
    now[0] = 61.0
    expected = (
        "^gs://bucket: cannot write run/.*: the permission storage.objects.create is missing .403., for 60 s now$"
        if is_known
        else "^gs://bucket: cannot list run/owner.: the service does not know this account .401.; it needs "
        "storage.objects.list, for 60 s now$"
    )
    with pytest.raises(StorageError, match=expected):
        storage.finish(1000)
    with pytest.raises(StorageError, match=expected):
        storage.raise_if_failed()
    assert len([line for line in said if "behind" not in line]) == 1


def test_a_permission_that_comes_back_is_enough(server: Server, begin: Begin) -> None:
    said: list[str] = []
    now = [0.0]
    storage, root = begin(said, clock=lambda: now[0] + time.monotonic())
    Run(root).go_on()
    server.grant("bucket", ALL - {"storage.objects.list"})
    storage.start()
    _wait(lambda: bool(said))
    server.grant("bucket", None)
    now[0] = 50.0
    storage.finish(1000)
    now[0] = 100.0
    storage.finish(1000)
    assert _without_owner(server) == files(root)


def test_rejects_where_it_cannot_write(server: Server, tmp_path: Path) -> None:
    for remote, permissions, expected in (
        (
            "gs://none-such/run",
            None,
            r"must be in a bucket that exists\. Received: gs://none-such/run \(.*does not exist",
        ),
        (
            "gs://bucket/run",
            ALL - {"storage.objects.create"},
            r"Received: gs://bucket/run \(.*storage\.objects\.create is",
        ),
        (
            "gs://bucket/run",
            ALL - {"storage.objects.list"},
            r"Received: gs://bucket/run \(.*storage\.objects\.list is mis",
        ),
    ):
        server.grant("bucket", permissions)
        storage = Storage(places(tmp_path, remote), log=lambda line: None, client=server.client(), patience=HASTY)
        with pytest.raises(UsageError, match=expected):
            storage.begin()
        storage.close()


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_server_that_does_not_say_what_is_allowed_is_used(server: Server, begin: Begin, status: int) -> None:
    server.fault = faults.when(faults.on("buckets.testIamPermissions"), faults.Status(status))
    said: list[str] = []
    storage, root = begin(said)
    (line,) = said
    assert line == (
        "gs://bucket: the server does not say whether storage.objects.delete is granted; "
        "testing it by writing and deleting an object"
    )
    Run(root).save()
    storage.sync()
    assert _without_owner(server) == files(root)
    assert _operations(server)["buckets.testIamPermissions"] == 1  # and not again


def test_a_server_that_does_not_say_what_is_allowed_is_tried(server: Server, begin: Begin) -> None:
    server.fault = faults.when(faults.on("buckets.testIamPermissions"), faults.Status(404))
    server.grant("bucket", ALL - {"storage.objects.delete"})
    said: list[str] = []
    begin(said)
    assert said[1] == (
        "gs://bucket/run: the permission storage.objects.delete is missing; "
        "logs are uploaded in pieces, and nothing is deleted"
    )
    server.grant("bucket", ALL - {"storage.objects.create"})
    with pytest.raises(UsageError, match=r"Received: gs://bucket/run \(.*storage\.objects\.create is missing"):
        begin()


@pytest.mark.parametrize("words", ["Not Found", "Bucket none-such does not exist", "404 page not found"])
def test_rejects_a_bucket_that_an_emulator_does_not_have(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setattr(refusals, "no_bucket", lambda: refusals.Refused(404, words))
    storage = Storage(
        places(tmp_path, "gs://none-such/run"), log=lambda line: None, client=server.client(), patience=HASTY
    )
    expected = r"must be in a bucket that exists\. Received: gs://none-such/run \(.*: the bucket does not exist\)$"
    for step in (storage.look, storage.begin):
        with pytest.raises(UsageError, match=expected):
            step()
    storage.close()


def test_rejects_what_is_no_folder_in_a_bucket(tmp_path: Path) -> None:
    assert is_remote("gs://bucket/run")
    assert not is_remote("/gcs/bucket/run")
    with pytest.raises(UsageError, match="must be a bucket, or a folder in one, .* Received: gs://a//b$"):
        Storage({"root": SyncedFolder(tmp_path, "gs://a//b")}, log=lambda line: None)


def test_a_former_process_that_still_lives_writes_no_more(server: Server, begin: Begin) -> None:
    twin, root = begin()
    run = Run(root, pad=20_000)
    run.go_on(2)
    run.save()
    twin.sync()
    run.go_on()
    begin()
    with pytest.raises(
        FencedError, match=r"^another process has taken over gs://bucket/run \(.*, process \d+, since 20"
    ):
        twin.sync()
    assert steps(server.objects("bucket")) == [1, 2]


@pytest.mark.parametrize("pad", [0, 20_000], ids=["whole", "added"])
def test_a_former_process_in_the_middle_of_a_pass_writes_no_more(server: Server, begin: Begin, pad: int) -> None:
    twin, root = begin()
    former = Run(root, pad=pad)
    former.go_on(2)
    former.save()
    twin.sync()
    former.go_on()
    former.save()
    raised: list[BaseException] = []

    def sync() -> None:
        try:
            twin.sync()
        except FencedError as error:
            raised.append(error)

    server.fault = faults.nth(
        range(1, 3), faults.Stall(), lambda request: request.is_write and "tfevents" in request.name
    )
    thread = threading.Thread(target=sync)
    thread.start()
    _wait(lambda: sum(isinstance(record.fault, faults.Stall) for record in server.requests) == 2)
    storage, root = begin()
    server.release.set()
    thread.join()
    assert len(raised) == 1
    run = Run(root, session=1)
    run.go_on(2)
    run.save()
    storage.sync()
    assert steps(server.objects("bucket")) == steps(server.objects("bucket"), "train") == [1, 2, 3, 4]


def test_a_run_whose_objects_were_removed_writes_them_again(server: Server, begin: Begin) -> None:
    storage, root = begin()
    run = Run(root, pad=20_000)
    run.go_on(2)
    run.save()
    storage.sync()
    for name in server.objects("bucket"):
        server.remove("bucket", name)
    run.go_on()
    run.save()
    storage.sync(whole=True)
    assert steps(server.objects("bucket")) == [1, 2, 3]
    assert "run/owner.json" in server.objects("bucket")


def test_where_nothing_can_be_replaced_logs_land_in_pieces(server: Server, begin: Begin) -> None:
    server.grant("bucket", ALL - {"storage.objects.delete"})
    said: list[str] = []
    storage, root = begin(said)
    assert said == [
        "gs://bucket/run: the permission storage.objects.delete is missing; "
        "logs are uploaded in pieces, and nothing is deleted"
    ]
    run = Run(root)
    for _ in range(3):
        run.go_on(2)
        run.save()
        storage.sync()
    run.go_on()
    storage.sync()
    assert len([name for name in server.objects("bucket") if "tfevents" in name]) == 8
    assert steps(server.objects("bucket")) == [*range(1, 8)]
    former = files(root)
    storage, root = begin(said)
    logs = {name: content for name, content in files(root).items() if name.startswith("logs")}
    assert logs == {name: content for name, content in former.items() if name.startswith("logs")}
    run = Run(root, session=1)
    assert run.step == 6
    run.go_on()
    run.finish()
    storage.start()
    storage.finish(10)
    assert json.loads(server.objects("bucket")["run/checkpoints/latest.json"])["result"]
    assert sorted(name for name in _without_owner(server) if name.endswith("manifest.json")) == [
        f"checkpoints/{step}/manifest.json" for step in (2, 4, 6)
    ]
    assert sorted(name for name in server.objects("bucket") if "owner" in name) == [
        "run/owner.2.json",
        "run/owner.json",
    ]
    with pytest.raises(StorageError, match="has taken over"):
        storage, root = begin()[0] and (storage, root)
        storage.sync()


def test_a_permission_that_is_lost_in_the_middle(server: Server, begin: Begin) -> None:
    said: list[str] = []
    storage, root = begin(said)
    run = Run(root, pad=20_000)
    run.go_on(2)
    run.save()
    storage.sync()
    server.grant("bucket", ALL - {"storage.objects.delete"})
    run.go_on(2)
    run.save()
    storage.start()
    storage.finish(10)
    (line,) = said
    assert "the permission storage.objects.delete is missing (403)" in line
    assert steps(server.objects("bucket")) == steps(server.objects("bucket"), "train") == [1, 2, 3, 4]
    _, root = begin()
    assert Run(root, session=1).step == 4
    server.grant("bucket", None)
    storage, root = begin()
    run = Run(root, session=2)
    run.go_on()
    run.save()
    storage.sync()
    assert {name.rpartition("/")[2] for name in server.objects("bucket") if "tfevents" in name} == {
        "events.out.tfevents.000.host.v2",
        "events.out.tfevents.002.host.v2",
    }
    assert steps(server.objects("bucket")) == [1, 2, 3, 4, 5]


def test_local_files_need_no_library(tmp_path: Path) -> None:
    program = (
        "import sys, trainer.buckets.storage, trainer.buckets.fetch\n"
        "found = [name for name in sys.modules if name.startswith(('google', 'tensorflow', 'keras', 'requests'))]\n"
        # What only makes these two names is some package's .pth file, at the start of any Python.
        "assert not set(found) - {'google', 'google.cloud'}, found"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def _wait(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits until something is so, for a short while each time: there is no event that tells of it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.mark.parametrize("fault", [faults.Status(503), faults.LostReply()], ids=["refused", "answers lost"])
def test_cut_point_ladder(server: Server, begin: Begin, fault: faults.Fault) -> None:
    hasty = {"patience": Patience(seconds=0.01, first=0.001, longest=0.01)}
    for point in range(1, 60):
        for name in server.objects("bucket"):
            server.remove("bucket", name)
        storage, root = begin(**hasty)
        run, landed, saved = Run(root, pad=9_000), 0, 0
        server.fault = faults.after(point, fault)
        try:
            for step in range(1, 6):
                run.go_on()
                if step % 2:
                    run.save()
                storage.sync()
                landed, saved = step, run.saved
        except UnreachableError:
            pass
        else:
            assert point > 30
            return
        finally:
            server.fault = None
        for part in PARTS:
            found = steps(server.objects("bucket"), part)
            assert len(found) >= landed
            assert found == [*range(1, len(found) + 1)]
        storage, root = begin(**hasty)
        run = Run(root, session=1, pad=9_000)
        assert run.step >= saved
        run.go_on(5 - run.step)
        run.save()
        storage.sync()
        assert steps(server.objects("bucket")) == steps(server.objects("bucket"), "train") == [*range(1, 6)]
        assert {name for name in _without_owner(server) if "/.parts/" in name} == set()
    pytest.fail("the writes never came to an end")


def test_a_checkpoint_that_landed_unseen_is_removed_with_the_local_one(server: Server, begin: Begin) -> None:
    storage, root = begin(patience=Patience(seconds=0.01, first=0.001, longest=0.01))
    run = Run(root)
    run.go_on()
    run.save()
    state = next(path for path in (root / "checkpoints" / "1").iterdir() if path.suffix == ".state")
    is_unseen = faults.on("objects.insert", f"run/checkpoints/1/{state.name}")
    server.fault = faults.when(
        lambda request: is_unseen(request) or request.operation == "objects.get", faults.LostReply()
    )
    with pytest.raises(UnreachableError):
        storage.sync()
    server.fault = None
    assert f"run/checkpoints/1/{state.name}" in server.objects("bucket")
    shutil.rmtree(state.parent)  # a newer checkpoint takes its place before the next pass
    (root / "checkpoints" / "best.json").unlink(missing_ok=True)
    run.go_on()
    run.save()
    storage.sync(whole=True)
    assert _without_owner(server) == files(root)


FAULTS = (*faults.TRANSIENT, faults.Status(408), faults.CutReply(10), faults.Flip(), faults.Delay(0.002))


@pytest.mark.parametrize("schedules", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_random_faults_lose_nothing_and_double_nothing(server: Server, tmp_path: Path, schedules: int) -> None:
    met: Counter[str] = Counter()
    client = server.client()
    for seed in range(schedules):
        _run_with_faults(server, client, tmp_path / str(seed), seed, met)
    print("\nfault         met", *(f"{name:<13} {count}" for name, count in sorted(met.items())), sep="\n")  # pytest -s
    assert {"Status 429", "Status 503", "Reset", "LostReply", "CutRequest", "CutReply", "Flip"} <= {*met}
    assert min(met.values()) > schedules // 20


def _run_with_faults(server: Server, client: Any, folder: Path, seed: int, met: Counter[str]) -> None:
    """Runs to the end on several machines, of which all but the last are lost, with a share of requests failing."""
    chance, remote = random.Random(seed), f"gs://bucket/{seed}"
    server.clear()
    server.fault = faults.random_faults(seed, share=chance.choice([0.03, 0.1, 0.3]), faults=FAULTS)
    patience = Patience(seconds=0.02, first=0.001, longest=0.004)
    landed = 0  # the step of the last checkpoint that surely has
    for session in itertools.count():
        storage = Storage(
            places(folder / str(session), remote),
            log=lambda line: None,
            client=client,
            patience=patience,
            interval=0.001,
        )
        try:
            storage.begin()
        except UnreachableError:
            continue
        run = Run(folder / str(session), session, pad=chance.choice([0, 9_000]))
        assert run.step >= landed
        end = 6 if session > 1 else chance.randrange(7)
        while run.step < end:
            run.go_on(chance.randrange(1, 3))
            if chance.random() < 0.6:
                run.save(is_best=chance.random() < 0.3)
            if chance.random() < 0.7:
                try:
                    storage.sync()
                    landed = max(landed, run.saved)
                except UnreachableError:
                    pass
        if end == 6:
            run.save()
            run.finish()
            storage.finish(60)
            storage.close()
            break
        storage.close()
    server.fault = None
    met.update(_name(record.fault) for record in server.requests if record.fault)
    prefix = f"{seed}/"
    objects = {name: content for name, content in server.objects("bucket").items() if name.startswith(prefix)}
    assert steps(objects, prefix=prefix) == steps(objects, "train", prefix) == [*range(1, run.step + 1)]
    assert not [name for name in objects if "/.parts/" in name]
    there = {name.removeprefix(prefix): content for name, content in objects.items() if "owner" not in name}
    assert there == files(run.root)


def _name(fault: faults.Fault) -> str:
    return f"Status {fault.code}" if isinstance(fault, faults.Status) else type(fault).__name__
