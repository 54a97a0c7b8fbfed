import gzip
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.buckets.scripted import HASTY, files
from tests.gcs import faults
from tests.gcs.server import Server, serve
from trainer.buckets.fetch import fetch
from trainer.buckets.objects.patience import Patience
from trainer.errors import StorageError, UsageError

FILES = {"a.txt": b"a", "b/c.bin": b"c" * 5000, "b/d/e": b"", "ü #?.txt": b"name"}
LARGE = Random(0).randbytes((12 << 20) + 5)
MEDIA = faults.on("objects.media")

Get = Callable[..., Path]


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(rate_limit=False) as server:
        for name, content in FILES.items():
            server.put("bucket", f"data/{name}", content)
        server.put("bucket", "data2", b"another")
        server.put("bucket", "data/b/", b"")  # what the console makes for a folder
        yield server


@pytest.fixture
def get(server: Server, tmp_path: Path) -> Get:
    client = server.client()

    def get(location: str = "gs://bucket/data", said: list[str] | None = None, **options: Any) -> Path:
        tell = (said if said is not None else []).append
        return fetch(location, tmp_path / "cache", log=tell, **{"client": client, "patience": HASTY, **options})

    return get


def _fetched(server: Server) -> list[str]:
    names = [record.name.removeprefix("data/") for record in server.requests if record.operation == "objects.media"]
    server.clear()
    return sorted(names)


def test_the_folder_holds_what_the_bucket_does(server: Server, get: Get, tmp_path: Path) -> None:
    said: list[str] = []
    folder = get(said=said)
    assert files(folder) == FILES
    assert folder.is_relative_to(tmp_path / "cache" / "bucket")
    assert _fetched(server) == sorted(FILES)
    assert get("gs://bucket/data/", said) == folder
    assert _fetched(server) == []
    assert said == ["downloads 4 of 4 files, 0.0 MB, from gs://bucket/data"]


def test_a_folder_within_shares_what_was_fetched(server: Server, get: Get) -> None:
    get()
    _fetched(server)
    assert files(get("gs://bucket/data/b")) == {"c.bin": FILES["b/c.bin"], "d/e": b""}
    assert {*files(get("gs://bucket"))} == {*(f"data/{name}" for name in FILES), "data2"}
    assert _fetched(server) == ["data2"]


def test_one_object_is_one_file(server: Server, get: Get) -> None:
    path = get("gs://bucket/data/b/c.bin")
    assert (path.name, path.read_bytes()) == ("c.bin", FILES["b/c.bin"])
    assert get("gs://bucket/data2").read_bytes() == b"another"
    assert _fetched(server) == ["b/c.bin", "data2"]


def test_only_what_changed_is_fetched_again(server: Server, get: Get) -> None:
    former = get()
    _fetched(server)
    server.put("bucket", "data/a.txt", b"new")
    server.put("bucket", "data/f", b"f")
    server.remove("bucket", "data/b/c.bin")
    folder = get()
    assert _fetched(server) == ["a.txt", "f"]
    expected = {**FILES, "a.txt": b"new", "f": b"f"}
    del expected["b/c.bin"]
    assert files(folder) == expected
    assert files(former) == FILES


def test_what_changes_meanwhile_is_listed_again(server: Server, get: Get) -> None:
    changed: list[int] = []

    def change(request: faults.Request) -> None:
        if MEDIA(request) and len(changed) < 2:
            changed.append(server.put("bucket", "data/b/c.bin", b"changed" * len(changed)))

    server.fault = change
    folder = get()
    server.fault = None
    assert len(changed) == 2
    assert files(folder) == {**FILES, "b/c.bin": server.objects("bucket")["data/b/c.bin"]}


def test_what_never_stays_is_told(server: Server, get: Get) -> None:
    server.fault = lambda request: server.put("bucket", "data/a.txt", b"x") and None if MEDIA(request) else None
    with pytest.raises(StorageError, match="^gs://bucket/data keeps changing while it is downloaded$"):
        get("gs://bucket/data")


def test_what_was_broken_off_goes_on(server: Server, get: Get) -> None:
    server.put("bucket", "data/large", LARGE)
    server.fault = faults.after(5, faults.Status(503), MEDIA)
    with pytest.raises(StorageError, match="cannot read .*: 503 Service Unavailable"):
        get(patience=Patience(0.01, 0.001, 0.01))
    server.fault = None
    before = sum(record.sent for record in server.requests if MEDIA(record) and record.status < 300)
    server.clear()
    folder = get()
    assert files(folder) == {**FILES, "large": LARGE}
    after = sum(record.sent for record in server.requests if MEDIA(record))
    assert before + after == sum(map(len, FILES.values())) + len(LARGE)
    assert before > 0


@pytest.mark.parametrize("fault", [faults.Flip(0), faults.CutReply(0), faults.Reset(), faults.Status(429)], ids=str)
def test_faults_on_the_way_do_not_matter(server: Server, get: Get, fault: faults.Fault) -> None:
    server.fault = faults.nth(range(1, 4), fault, lambda request: True)
    assert files(get()) == FILES


def test_many_small_files_come_side_by_side(server: Server, get: Get) -> None:
    for number in range(200):
        server.put("bucket", f"many/{number % 7}/{number}", str(number).encode())
    server.latency = 0.06
    begun = time.monotonic()
    assert len(files(get("gs://bucket/many"))) == 200
    assert time.monotonic() - begun < 200 * 0.06 / 4


def test_processes_share_what_one_fetches(server: Server, tmp_path: Path) -> None:
    for number in range(50):
        server.put("bucket", f"data/many/{number}", b"=" * 1000)
    server.latency = 0.02
    program = (
        "import sys\nfrom pathlib import Path\nfrom trainer.buckets.fetch import fetch\n"
        f"print(fetch('gs://bucket/data', Path({str(tmp_path)!r}), log=print))"
    )
    environment = {**os.environ, "STORAGE_EMULATOR_HOST": server.url}
    running = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(3)
    ]
    said = [process.communicate()[0].splitlines() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len({lines[-1] for lines in said}) == 1
    assert len(files(Path(said[0][-1]))) == 54
    assert len(_fetched(server)) == 54
    assert sum("downloads 54 of 54 files" in line for lines in said for line in lines) == 1


def test_a_process_that_was_killed_leaves_nothing_in_the_way(server: Server, get: Get, tmp_path: Path) -> None:
    folder = get()
    (folder.parent / f".{folder.name}.{os.getpid()}").mkdir()
    for path in (tmp_path / "cache" / "bucket" / "objects").iterdir():
        if path.stat().st_size == 5000:
            path.unlink()
            path.write_bytes(b"")  # the power was lost before it was on the disk
    server.put("bucket", "data/f", b"f")
    _fetched(server)
    assert files(get()) == {**FILES, "f": b"f"}
    assert _fetched(server) == ["b/c.bin", "f"]


def test_a_full_disk_is_told(server: Server, get: Get, tmp_path: Path) -> None:
    server.put("bucket", "data/large", LARGE)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(StorageError, match=f"^{tmp_path}/cache/bucket/.* cannot be written: File too large$"):
            get()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"/file/bucket/locks cannot be written: Not a directory$"):
        fetch("gs://bucket/data", tmp_path / "file", log=print, client=server.client())


def test_rejects_what_is_not_there(server: Server, get: Get) -> None:
    for location, expected in {
        "gs://bucket/dat": "must be an existing folder or object. Received: gs://bucket/dat$",
        "gs://none-such/data": r"must be in a bucket that exists. Received: gs://none-such/data \(",
    }.items():
        with pytest.raises(UsageError, match=expected):
            get(location)
    server.grant("bucket", {"storage.objects.list"})
    with pytest.raises(UsageError, match=r"Received: gs://bucket/data \(.*storage.objects.get is missing \(403\)\)$"):
        get()


def _encode(server: Server, name: str, content: bytes, encoding: str) -> None:
    blob = server.client().bucket("bucket").blob(name)
    blob.content_encoding = encoding
    blob.upload_from_string(content)


def _packed(content: bytes) -> bytes:
    """Returns the same bytes each time, without the time, so that each worker names its tests alike."""
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("name", "stored", "encoding", "expected"),
    [
        ("a.csv", _packed(b"image,label"), "gzip", b"image,label"),
        ("large.bin", _packed(LARGE), "gzip", LARGE),  # fetched in ranges
        ("empty", _packed(b""), "gzip", b""),
        ("empty", b"", "gzip", b""),
        ("a.png", _packed(b"1") + _packed(b"2"), "GZIP", b"12"),
        ("a.png", _packed(_packed(b"1")), "gzip, gzip", b"1"),
        ("a.csv.gz", _packed(b"once"), "gzip", _packed(b"once")),  # as its name says
        ("a.csv.gz", _packed(_packed(b"twice")), "gzip", _packed(b"twice")),
        ("a.csv.gz", _packed(b"no encoding"), "", _packed(b"no encoding")),
        ("a.png", b"\x89PNG", "identity", b"\x89PNG"),
        ("a.csv", b"image,label", "utf-8", b"image,label"),  # no coding of the content, which many programs write there
    ],
)
def test_objects_stored_as_gzip_are_unpacked(
    server: Server, get: Get, name: str, stored: bytes, encoding: str, expected: bytes
) -> None:
    _encode(server, f"packed/{name}", stored, encoding)
    server.put("bucket", "packed/b", b"b")
    folder = get("gs://bucket/packed")
    found = files(folder)
    if name.endswith(".gz"):
        found[name], expected = gzip.decompress(found[name]), gzip.decompress(expected)
    assert found == {name: expected, "b": b"b"}
    assert get(f"gs://bucket/packed/{name}").read_bytes() == (folder / name).read_bytes()
    server.clear()
    assert get("gs://bucket/packed") == folder
    server.put("bucket", "packed/c", b"c")
    assert files(get("gs://bucket/packed")).keys() == {name, "b", "c"}
    assert not {record.name for record in server.requests if record.operation == "objects.media"} - {"packed/c"}


def test_rejects_what_its_content_encoding_does_not_describe(server: Server, get: Get, tmp_path: Path) -> None:
    whole = gzip.compress(b"image,label" * 100)
    for number, (content, encoding, expected) in enumerate(
        [
            (b"plain", "gzip", "must contain data that match its Content-Encoding, gzip"),
            (gzip.compress(b"once"), "gzip, gzip", "must contain data that match its Content-Encoding, gzip, gzip"),
            (whole[:-20], "gzip", "must contain data that match its Content-Encoding, gzip"),
            (whole + b"trailing", "gzip", "must contain data that match its Content-Encoding, gzip"),
            (b"1", "br", "must contain objects without a Content-Encoding, or with gzip"),
        ]
    ):
        _encode(server, f"{number}/a", content, encoding)
        with pytest.raises(UsageError, match=rf"{expected}\. Received: gs://bucket/{number}/a, "):
            get(f"gs://bucket/{number}")
        assert not [*(tmp_path / "cache").rglob("*.unpacked*")]


def test_rejects_a_file_that_is_a_folder_too(server: Server, get: Get) -> None:
    for number, name in enumerate(["b", "b/d"]):
        server.put("bucket", f"{number}/{name}", b"")
        server.put("bucket", f"{number}/{name}/e", b"")
        with pytest.raises(
            UsageError, match=rf"Received: gs://bucket/{number}/{name} and gs://bucket/{number}/{name}/e$"
        ):
            get(f"gs://bucket/{number}")


def test_the_output_of_runs_is_left_out(server: Server, get: Get) -> None:
    run = ["owner.json", "owner.2.json", "hparams.json", "logs/events", "checkpoints/1/state", "model/a", ".parts/x"]
    for name in run:
        server.put("bucket", f"data/runs/1/{name}", b"")
        server.put("bucket", f"run/{name}", b"")
    server.put("bucket", "data/b/hparams.json", b"")  # by itself it shows no run
    server.put("bucket", "data/runs/1/cat.png", b"cat")
    said: list[str] = []
    folder = get(said=said)
    assert files(folder) == {**FILES, "b/hparams.json": b"", "runs/1/cat.png": b"cat"}
    assert said[0] == "skips gs://bucket/data/runs/1: it is the output of a run"
    server.put("bucket", "data/runs/1/checkpoints/2/state", b"")  # it goes on
    assert get() == folder
    assert files(get("gs://bucket/run")).keys() == {*run}  # asked for by its name
    server.remove("bucket", "data2")
    with pytest.raises(UsageError, match="must be an existing folder or object"):
        get("gs://bucket/data/runs/2")


def test_a_disk_that_ignores_case_is_told(server: Server, get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    link = Path.hardlink_to

    def folded(path: Path, target: Path) -> None:
        link(path.with_name(path.name.casefold()), target)

    monkeypatch.setattr(Path, "hardlink_to", folded)
    server.put("bucket", "data/b/C.bin", b"")
    with pytest.raises(UsageError, match=r"Received: gs://bucket/data/b/C.bin and gs://bucket/data/b/c.bin$"):
        get()


def test_long_names_and_names_alike_are_files(server: Server, get: Get) -> None:
    longest = "é" * 127 + "e"  # 255 bytes
    for name in (longest, "A", "a", "caf\u00e9", "cafe\u0301", "a\\b", " ", "-", "~", "*?[x]"):
        server.put("bucket", f"{longest}/{name}", name.encode())
    found = files(get(f"gs://bucket/{longest}"))
    assert len(found) == 10
    assert all(content.decode() == name for name, content in found.items())
    assert get(f"gs://bucket/{longest}/A").read_bytes() == b"A"


@pytest.mark.parametrize("name", ["../a", "a//b", "./a", "/a", "a" * 256, "é" * 128, "b/..", "a\0b"])
def test_rejects_names_that_no_file_can_have(server: Server, get: Get, name: str) -> None:
    server.put("bucket", f"odd/{name}", b"")
    with pytest.raises(
        UsageError, match=rf"must contain valid file names\. Received: gs://bucket/odd, {re.escape(repr(name))}$"
    ):
        get("gs://bucket/odd")
