"""Objects with the Content-Encoding gzip, which clients receive unpacked."""

import gzip
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from trainer.buckets.objects.object import Object
from trainer.errors import UsageError

_GZIP = ("gzip", "x-gzip")
_OTHERS = ("br", "compress", "deflate", "zstd")
_MAGIC = b"\x1f\x8b"
_COMPRESSED_NAMES = (".gz", ".gzip", ".tgz")


def check(bucket: str, objects: Iterable[Object]) -> None:
    """Checks that objects can be unpacked.

    Raises:
      UsageError: an object is compressed in another way.
    """
    for one in objects:
        for coding in _codings(one):
            if coding in _OTHERS:
                raise UsageError(
                    "`gs://…` must contain objects without a Content-Encoding, or with gzip. "
                    f"Received: gs://{bucket}/{one.name}, {coding}"
                )


def layers(one: Object) -> int:
    """Returns how many times an object must be unpacked.

    Source: RFC 9110, section 8.4; https://cloud.google.com/storage/docs/transcoding.
    """
    return sum(coding in _GZIP for coding in _codings(one))


def unpack(one: Object, bucket: str, stored: Path, file: Path) -> None:
    """Unpacks an object's stored content to a file, and removes the stored content.

    Many programs set the encoding of `a.csv.gz` to gzip although its content is compressed only once. Such a file stays
    compressed, as its name says.

    Args:
      one: the object.
      bucket: the name of its bucket.
      stored: the file with its stored content.
      file: the new file, which is written atomically.

    Raises:
      UsageError: it is not gzip.
      OSError: the file cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix=".unpacking.", dir=file.parent) as folder:
        try:
            whole = _unpacked(one, bucket, stored, Path(folder))
            with whole.open("rb") as content:
                os.fsync(content.fileno())
            whole.replace(file)
            stored.unlink(missing_ok=True)
        except FileNotFoundError:  # another process that writes the same file was first
            if not file.exists():
                raise


def _unpacked(one: Object, bucket: str, stored: Path, folder: Path) -> Path:
    """Returns the file with the unpacked content, in a folder, or the stored file if it stays unchanged."""
    current = stored
    for layer in range(layers(one)):
        inner = folder / str(layer)
        try:
            with gzip.open(current) as packed, inner.open("wb") as plain:
                shutil.copyfileobj(packed, plain, 1 << 20)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise UsageError(
                f"`gs://…` must contain data that match its Content-Encoding, {one.encoding}. "
                f"Received: gs://{bucket}/{one.name}, which is not gzip"
            ) from None
        if one.name.lower().endswith(_COMPRESSED_NAMES) and not _is_gzip(inner):
            break
        current = inner
    return current


def _codings(one: Object) -> list[str]:
    return [coding.strip().lower() for coding in one.encoding.split(",")]


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC
