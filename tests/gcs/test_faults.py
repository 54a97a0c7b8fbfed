"""What goes wrong on purpose, as Google's own client meets it."""

import contextlib
import io
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from google.api_core import exceptions
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY

from tests.gcs import faults
from tests.gcs.faults import Request
from tests.gcs.server import Server, serve

QUICK = DEFAULT_RETRY.with_delay(initial=0.01, maximum=0.02)
CHUNK = 256 * 1024


def _statuses(server: Server) -> list[int]:
    return [record.status for record in server.requests]


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_status_that_passes_is_tried_again(server: Server, bucket: storage.Bucket, code: int) -> None:
    server.fault = faults.nth(range(1, 3), faults.Status(code))
    bucket.blob("x").upload_from_string(b"x", retry=QUICK)
    assert _statuses(server) == [code, code, 200]
    assert server.requests[0].fault == faults.Status(code)


def test_a_status_that_lasts_is_an_error(server: Server, bucket: storage.Bucket) -> None:
    server.fault = faults.when(faults.on("objects.insert", "x"), faults.Status(403, retry_after=7))
    with pytest.raises(exceptions.Forbidden, match="The fault that a test asked for") as caught:
        bucket.blob("x").upload_from_string(b"x", retry=QUICK)
    assert caught.value.response.headers["Retry-After"] == "7"
    bucket.blob("y").upload_from_string(b"y")
    assert server.objects("bucket") == {"y": b"y"}


@pytest.mark.parametrize("fault", [faults.Reset(), faults.CutRequest(10)])
def test_nothing_is_done_when_the_connection_breaks_first(
    server: Server, bucket: storage.Bucket, fault: faults.Fault
) -> None:
    server.fault = faults.nth(1, fault)
    with pytest.raises(requests.exceptions.ConnectionError):
        bucket.blob("x").upload_from_string(b"x" * 100, retry=None)
    assert (server.objects("bucket"), _statuses(server)) == ({}, [0])
    bucket.blob("x").upload_from_string(b"x", retry=QUICK, if_generation_match=0)
    assert server.objects("bucket") == {"x": b"x"}


def test_a_lost_reply_makes_a_false_412(server: Server, bucket: storage.Bucket) -> None:
    server.fault = faults.nth(1, faults.LostReply())
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("x").upload_from_string(b"x", if_generation_match=0, retry=QUICK)
    assert (server.objects("bucket"), _statuses(server)) == ({"x": b"x"}, [0, 412])


@pytest.mark.parametrize("number", [2, 4])  # in the middle and at the end
@pytest.mark.parametrize(
    "fault", [faults.Reset(), faults.Status(503), faults.LostReply(), faults.CutRequest(3 * CHUNK + 17)]
)
def test_a_chunk_that_broke_is_sent_again(
    server: Server, bucket: storage.Bucket, fault: faults.Fault, number: int
) -> None:
    data = bytes(range(256)) * (CHUNK // 256 * 16 - 1)
    server.fault = faults.nth(number, fault, faults.on("resumable.chunk"))
    bucket.blob("x", chunk_size=4 * CHUNK).upload_from_file(io.BytesIO(data), retry=QUICK)
    assert server.objects("bucket") == {"x": data}
    chunks = [record.received for record in server.requests if record.operation == "resumable.chunk"]
    assert len(chunks) == 5
    assert sum(chunks) - chunks[number - 1] == len(data)


@pytest.mark.parametrize(
    ("fault", "kept"),
    [
        (faults.Reset(), 0),
        (faults.LostReply(), 4 * CHUNK),
        (faults.CutRequest(3 * CHUNK + 17), 3 * CHUNK),
        (faults.CutRequest(CHUNK - 1), 0),
    ],
)
def test_of_a_chunk_that_was_cut_multiples_of_256_kib_are_kept(server: Server, fault: faults.Fault, kept: int) -> None:
    server.fault = faults.nth(1, fault, faults.on("resumable.chunk", "x"))
    with requests.Session() as http:
        start = f"{server.url}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=x"
        address = http.post(start).headers["Location"]
        with pytest.raises(requests.exceptions.ConnectionError):
            http.put(address, bytes(4 * CHUNK), headers={"Content-Range": f"bytes 0-{4 * CHUNK - 1}/*"})
        state = http.put(address, headers={"Content-Range": "bytes */*"})
    assert (state.status_code, state.headers.get("Range")) == (308, f"bytes=0-{kept - 1}" if kept else None)


def test_a_client_that_dies_leaves_nothing(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as client:
        client.sendall(
            b"POST /upload/storage/v1/b/bucket/o?uploadType=media&name=x HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: 100\r\n\r\nonly this"
        )
        client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            assert client.recv(1) == b""
    assert (server.objects("bucket"), server.requests[0].received) == ({}, len("only this"))


def test_a_download_goes_on_where_it_was_cut(server: Server, bucket: storage.Bucket) -> None:
    data = bytes(range(256)) * 4000
    server.put("bucket", "x", data)
    server.fault = faults.nth(1, faults.CutReply(900_000), faults.on("objects.media"))
    assert bucket.blob("x").download_as_bytes(retry=QUICK) == data
    cut, *others = server.requests
    assert (cut.status, cut.sent) == (200, 900_000)
    assert sum(record.sent for record in others) < len(data)


def test_a_flipped_byte_is_found(server: Server, bucket: storage.Bucket) -> None:
    server.put("bucket", "x", bytes(10))
    server.fault = faults.nth(1, faults.Flip(at=3), faults.on("objects.media"))
    with pytest.raises(DataCorruption):
        bucket.blob("x").download_as_bytes()
    assert bucket.blob("x").download_as_bytes() == bytes(10)


def test_a_stall_lasts_until_it_is_released(server: Server, bucket: storage.Bucket) -> None:
    reached = threading.Event()

    def hook(request: Request) -> faults.Fault | None:
        reached.set()
        return faults.Stall()

    server.fault = hook
    with ThreadPoolExecutor(1) as pool:
        upload = pool.submit(bucket.blob("x").upload_from_string, b"x")
        assert reached.wait(20)
        assert not upload.done()
        server.release.set()
        upload.result(20)
    assert server.objects("bucket") == {"x": b"x"}


@pytest.mark.parametrize("fault", [faults.Stall(), faults.Delay(3600), None])
def test_the_server_ends_whatever_is_going_on(fault: faults.Fault | None) -> None:
    reached = threading.Event()

    def hook(request: Request) -> faults.Fault | None:
        reached.set()
        return fault

    with ThreadPoolExecutor(1) as pool:
        with serve(fault=hook, latency=0 if fault else 3600) as server:
            upload = pool.submit(server.client().bucket("bucket").blob("x").upload_from_string, b"x", retry=None)
            assert reached.wait(20)
        with pytest.raises(requests.exceptions.ConnectionError):
            upload.result(20)
    assert server.objects("bucket") == {}
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name == "listener" or "process_request" in name]


def _asked(hook: faults.Hook, operations: str) -> list[bool]:
    """Returns at which of a row of requests a hook has a fault; w is a write, r a read."""
    requests = [Request(number, "", "", "", "", 0, kind == "w") for number, kind in enumerate(operations, 1)]
    return [hook(request) is not None for request in requests]


def test_when_faults_come() -> None:
    down, time, flag = faults.Status(503), [0.0], threading.Event()
    assert _asked(faults.after(1, down), "rwrwrw") == [False, False, False, True, False, True]
    assert _asked(faults.nth(2, down), "wrww") == [False, False, True, False]
    assert _asked(faults.nth(range(2, 4), down, lambda request: True), "rrrr") == [False, True, True, False]
    outage, switched = faults.between(10, 20, down, lambda: time[0]), faults.while_set(flag, down)
    for now, is_down in ((9, False), (10, True), (19.9, True), (20, False)):
        time[0] = now
        assert _asked(outage, "r") == [is_down]
    assert _asked(switched, "w") == [False]
    flag.set()
    assert _asked(switched, "w") == [True]
    both = faults.first_of(faults.nth(1, down), faults.nth(2, faults.Reset()))
    assert [both(Request(1, "", "", "", "", 0, is_write=True)) for _ in range(3)] == [down, faults.Reset(), None]


def test_random_faults_depend_on_the_seed_and_not_on_the_order() -> None:
    requests = [Request(0, "", "objects.insert", "bucket", str(number % 50), 0, True) for number in range(1000)]
    hook, again, other = (faults.random_faults(seed, 0.2) for seed in (1, 1, 2))
    drawn = [hook(request) for request in requests]
    assert [again(request) for request in sorted(requests, key=lambda request: request.name)] == [
        fault for _, fault in sorted(zip(requests, drawn, strict=True), key=lambda pair: pair[0].name)
    ]
    assert [other(request) for request in requests] != drawn
    assert 150 < sum(fault is not None for fault in drawn) < 250
    assert set(drawn) == {None, *faults.TRANSIENT}


def test_a_program_that_tries_again_gets_through_random_faults(server: Server, bucket: storage.Bucket) -> None:
    server.fault = faults.random_faults(seed=3, share=0.3)
    for number in range(20):
        bucket.blob(f"{number}").upload_from_string(bytes(2000), retry=QUICK)
        assert bucket.blob(f"{number}").download_as_bytes(retry=QUICK) == bytes(2000)
    assert len(server.requests) > 45
