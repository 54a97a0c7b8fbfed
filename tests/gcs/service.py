"""What all connections to the fake share: what answers, what goes wrong, and the log."""

import itertools
import threading
from dataclasses import dataclass, field

from tests.gcs.api import Api
from tests.gcs.faults import Fault, Hook, Request
from tests.gcs.routes import Route


@dataclass
class Record:
    """One request, as the log has it.

    Attributes:
      number: from 1, in the order in which they came.
      bucket: of a copy, where it goes to; so is the name.
      status: 0 where no reply was sent; 308 is a resumable upload that goes on.
      received: bytes of the request's body that were read.
      sent: bytes of the reply's body.
      batched: whether it came inside a batch, whose own record has the bytes.
      fault: what it met.
    """

    number: int
    method: str
    operation: str
    bucket: str
    name: str
    status: int = 0
    received: int = 0
    sent: int = 0
    batched: bool = False
    fault: Fault | None = None


@dataclass
class Service:
    """What all connections share.

    Attributes:
      api: what answers.
      latency: seconds that every request takes at least.
      fault: the hook.
      authorized: whether callers are known; if not, all is answered 401.
      release: set, it lets all that is stalled go on.
      closing: set, it ends all waiting.
      records: the log.
    """

    api: Api
    latency: float = 0.0
    fault: Hook | None = None
    authorized: bool = True
    release: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)
    records: list[Record] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)  # a hook may look at the log
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def note(self, method: str, route: Route, size: int) -> Record:
        """Writes a request into the log and asks the hook for its fault."""
        with self.lock:
            record = self._append(method, route)
            if self.fault:
                asked = (record.number, method, route.operation, record.bucket, record.name, size, route.is_write)
                record.fault = self.fault(Request(*asked))
            return record

    def note_batched(self, method: str, route: Route, status: int) -> None:
        """Writes a call that came in a batch into the log."""
        with self.lock:
            record = self._append(method, route)
            record.status, record.batched = status, True

    def wait(self, seconds: float, *, release: bool = False) -> None:
        """Waits, but not past the end of the server; `release`: nor past the event of that name."""
        if seconds > 0:
            (self.release if release else self.closing).wait(seconds)
        if self.closing.is_set():
            raise ConnectionAbortedError("the server is closing")

    def _append(self, method: str, route: Route) -> Record:
        bucket, name = (route.to_bucket, route.to_name) if route.to_bucket else (route.bucket, route.name)
        self.records.append(Record(next(self._numbers), method, route.operation, bucket, name))
        return self.records[-1]
