"""Uploads in one request and in many."""

import io

import pytest
import requests
from google.api_core import exceptions
from google.cloud import storage

from tests.gcs.server import Server

CHUNK = 256 * 1024


def _bytes(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@pytest.mark.parametrize(
    ("size", "announced"),
    # what is announced and of at most 8 MiB comes in one request
    [(0, False), (1, False), (4 * CHUNK, False), (12 * CHUNK + 3, False), (36 * CHUNK, True), (36 * CHUNK + 3, True)],
)
def test_an_upload_in_chunks(server: Server, bucket: storage.Bucket, size: int, announced: bool) -> None:
    blob = bucket.blob("chunks", chunk_size=4 * CHUNK)
    blob.upload_from_file(io.BytesIO(_bytes(size)), size=size if announced else None)
    assert bucket.blob("chunks").download_as_bytes() == _bytes(size)
    chunks = [record for record in server.requests if record.operation == "resumable.chunk"]
    assert sum(record.received for record in chunks) == size
    assert {record.name for record in chunks} == {"chunks"}
    assert [record.status for record in chunks] == [308] * (len(chunks) - 1) + [200]


def _begin(server: Server, http: requests.Session, query: str = "", headers: dict[str, str] | None = None) -> str:
    address = f"{server.url}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=x{query}"
    return http.post(address, headers=headers).headers["Location"]


def _chunk(http: requests.Session, address: str, content_range: str, body: bytes = b"") -> requests.Response:
    return http.put(address, body, headers={"Content-Range": content_range})


def test_an_upload_is_resumed_where_it_stopped(server: Server, http: requests.Session) -> None:
    data = _bytes(2 * CHUNK + 5)
    address = _begin(server, http)
    assert "Range" not in _chunk(http, address, "bytes */*").headers
    first = _chunk(http, address, f"bytes 0-{CHUNK - 1}/*", data[:CHUNK])
    assert (first.status_code, first.headers["Range"]) == (308, f"bytes=0-{CHUNK - 1}")
    assert _chunk(http, address, f"bytes */{len(data)}").headers["Range"] == f"bytes=0-{CHUNK - 1}"
    assert server.objects("bucket") == {}
    twice = _chunk(http, address, f"bytes 0-{2 * CHUNK - 1}/{len(data)}", data[: 2 * CHUNK])
    assert twice.headers["Range"] == f"bytes=0-{2 * CHUNK - 1}"
    last = _chunk(http, address, f"bytes {2 * CHUNK}-{2 * CHUNK + 4}/{len(data)}", data[2 * CHUNK :])
    assert (last.status_code, last.json()["size"]) == (200, str(len(data)))
    assert _chunk(http, address, "bytes */*").json() == last.json()
    assert server.objects("bucket") == {"x": data}


@pytest.mark.parametrize(
    ("content_range", "size"),
    [
        (f"bytes 0-{CHUNK}/*", CHUNK + 1),  # not a multiple of 256 KiB
        (f"bytes {CHUNK}-{2 * CHUNK - 1}/*", CHUNK),  # leaves a gap
        (f"bytes 0-{CHUNK - 1}/*", CHUNK - 1),  # is another length than it says
        ("bytes 0-9/9", 10),  # goes past the end
        ("bytes 0-9/20", 10),  # contradicts what was announced, 10
        ("0-9/10", 10),
    ],
)
def test_rejects_chunks(server: Server, http: requests.Session, content_range: str, size: int) -> None:
    announced = {"X-Upload-Content-Length": "10"} if size == 10 else None
    refused = _chunk(http, _begin(server, http, headers=announced), content_range, bytes(size))
    assert (refused.status_code, server.objects("bucket")) == (400, {})


def test_an_upload_is_cancelled(server: Server, http: requests.Session) -> None:
    address = _begin(server, http)
    assert http.delete(address).status_code == 499
    assert _chunk(http, address, "bytes 0-0/1", b"x").status_code == 404


def test_an_uploads_preconditions_hold_at_its_end_too(server: Server, http: requests.Session) -> None:
    address = _begin(server, http, "&ifGenerationMatch=0")
    server.put("bucket", "x", b"another's")
    assert _chunk(http, address, "bytes 0-0/1", b"x").status_code == 412
    assert server.objects("bucket") == {"x": b"another's"}


@pytest.mark.parametrize("checksum", [{"crc32c": "AAAAAA=="}, {"md5_hash": "AAAAAAAAAAAAAAAAAAAAAA=="}])
@pytest.mark.parametrize("chunk_size", [None, CHUNK])
def test_rejects_content_that_does_not_fit_its_checksum(
    server: Server, bucket: storage.Bucket, checksum: dict[str, str], chunk_size: int | None
) -> None:
    blob = bucket.blob("x", chunk_size=chunk_size)
    ((name, value),) = checksum.items()
    setattr(blob, name, value)
    with pytest.raises(exceptions.BadRequest, match="doesn't match calculated"):
        blob.upload_from_file(io.BytesIO(bytes(CHUNK + 1)), checksum=None)
    assert server.objects("bucket") == {}


def test_a_plain_upload_and_its_header(server: Server, http: requests.Session) -> None:
    address = f"{server.url}/upload/storage/v1/b/bucket/o?uploadType=media&name=x"
    assert http.post(address, b"hello", headers={"x-goog-hash": "crc32c=AAAAAA=="}).status_code == 400
    assert http.post(address, b"hello", headers={"x-goog-hash": "crc32c=mnG7TA=="}).json()["name"] == "x"
    assert http.post(address, iter([b"in ", b"chunks"])).status_code == 200
    assert server.objects("bucket") == {"x": b"in chunks"}
