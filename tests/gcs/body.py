"""The body of a request, as it comes in."""

from collections.abc import Iterator, Mapping
from io import BufferedIOBase

_HEAD = 16 * 1024  # bytes; enough for custom metadata of 8 KiB, after which a name may come


class CutOffError(ConnectionError):
    """The client went away in the middle of a body; `part` is what came."""

    def __init__(self, part: bytes) -> None:
        super().__init__(f"the body ended after {len(part)} bytes")
        self.part = part


class Body:
    """Reads a body once, in one or two steps.

    TensorFlow announces both a length and chunks; the chunks are right: RFC 9112, 6.3.

    Attributes:
      size: how many bytes are announced, 0 where that is not said.
    """

    def __init__(self, stream: BufferedIOBase, headers: Mapping[str, str]) -> None:
        self.size = int(headers.get("content-length") or 0)
        chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        self._pieces = self._chunks(stream) if chunked else self._plain(stream)
        self._head = b""

    def head(self) -> bytes:
        """Returns the first bytes, which stay to be read."""
        self._head = self._head or next(self._pieces, b"")
        return self._head

    def read(self, most: int | None = None) -> bytes:
        """Returns the body, or its first bytes if there is a `most`; raises `CutOffError` where it breaks off."""
        pieces, size = [self._head], len(self._head)
        try:
            while most is None or size < most:
                pieces.append(next(self._pieces))
                size += len(pieces[-1])
        except StopIteration:
            pass
        except CutOffError as error:
            raise CutOffError(b"".join(pieces) + error.part) from None
        return b"".join(pieces)[:most]

    def _plain(self, stream: BufferedIOBase) -> Iterator[bytes]:
        for size in (min(self.size, _HEAD), max(self.size - _HEAD, 0)):
            if size:
                yield _exactly(stream, size)

    def _chunks(self, stream: BufferedIOBase) -> Iterator[bytes]:
        while size := int(stream.readline().split(b";")[0] or b"-1", 16):
            if size < 0:
                raise CutOffError(b"")
            yield _exactly(stream, size)
            stream.readline()
        while stream.readline().strip():
            pass


def _exactly(stream: BufferedIOBase, size: int) -> bytes:
    piece = stream.read(size)
    if len(piece) < size:
        raise CutOffError(piece)
    return piece
