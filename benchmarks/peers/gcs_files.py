"""Downloads many small files from a bucket: with this package, with a loop, and with Google's threads."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers import gcs_process
from trainer.buckets.fetch import fetch

FOLDER = "data"
_SIZE = 2_000  # bytes
_THREADS = 32  # as many as in this package


def content(index: int) -> bytes:
    """Returns the content of a file."""
    return f"{index:08d}".encode() * (_SIZE // 8)


def name(index: int) -> str:
    """Returns a file's name in the folder."""
    return f"{index % 100:02d}/{index}.bin"


def ours(bucket: str, files: int) -> float:
    """Returns the seconds of `trainer.buckets.fetch`; like the others, from a new client to the last file."""

    def run(folder: Path) -> Path:
        return fetch(f"gs://{bucket}/{FOLDER}", folder, log=lambda line: None, client=gcs_process.client())

    return _timed(run, files)


def one_by_one(bucket: str, files: int) -> float:
    """Returns the seconds of a loop of single downloads with Google's client."""

    def run(folder: Path) -> Path:
        for blob in gcs_process.client().list_blobs(bucket, prefix=f"{FOLDER}/"):
            path = folder / blob.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(blob.download_as_bytes())
        return folder / FOLDER

    return _timed(run, files)


def by_threads(bucket: str, files: int) -> float:
    """Returns the seconds of the transfer manager of Google's client, which keeps a connection for each thread here."""

    def run(folder: Path) -> Path:
        from google.cloud.storage import transfer_manager

        client = gcs_process.client(_THREADS)
        names = [blob.name for blob in client.list_blobs(bucket, prefix=f"{FOLDER}/")]
        transfer_manager.download_many_to_path(
            client.bucket(bucket),
            names,
            str(folder),
            worker_type=transfer_manager.THREAD,
            max_workers=_THREADS,
            raise_exception=True,
        )
        return folder / FOLDER

    return _timed(run, files)


def _timed(run: Callable[[Path], Path], files: int) -> float:
    """Returns the seconds of a download, and checks that all files are there."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        found = run(Path(folder))
        seconds = time.perf_counter() - begin
        for index in range(files):
            assert (found / name(index)).read_bytes() == content(index), name(index)
    return seconds
