"""What goes wrong between a program and the service, and when.

A hook is asked at every request: `hook(request) -> Fault | None`. It is called one request at a time.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Request:
    """A request of which only the headers have come.

    Attributes:
      number: from 1, in the order in which they came.
      method: GET, POST and so on.
      operation: "objects.insert", "objects.media", "resumable.chunk" and so on; see `routes.py`.
      bucket: "" where there is none.
      name: the object's, "" where there is none.
      size: how many bytes of a body the client announces.
      is_write: whether it would change anything.
    """

    number: int
    method: str
    operation: str
    bucket: str
    name: str
    size: int
    is_write: bool


@dataclass(frozen=True)
class Status:
    """The service refuses with this status, after it has read the body."""

    code: int
    retry_after: float | None = None


@dataclass(frozen=True)
class Reset:
    """The connection is reset after the body was read and before anything is done."""


@dataclass(frozen=True)
class LostReply:
    """What was asked is done, and the connection reset before a byte of the reply."""


@dataclass(frozen=True)
class CutRequest:
    """The connection is reset after so many bytes of the body; a resumable upload keeps its multiples of 256 KiB."""

    after: int


@dataclass(frozen=True)
class CutReply:
    """The connection is closed after so many bytes of the reply's body."""

    after: int


@dataclass(frozen=True)
class Flip:
    """All bits of one byte of the reply's body are flipped."""

    at: int = 0


@dataclass(frozen=True)
class Stall:
    """Nothing happens for so many seconds, or until `server.release` is set; then all goes on as usual."""

    seconds: float = threading.TIMEOUT_MAX


@dataclass(frozen=True)
class Delay:
    """The request takes so many seconds longer."""

    seconds: float


Fault = Status | Reset | LostReply | CutRequest | CutReply | Flip | Stall | Delay
Hook = Callable[[Request], Fault | None]
Test = Callable[[Request], bool]


def is_write(request: Request) -> bool:
    """Returns whether a request would change anything."""
    return request.is_write


def on(operation: str, name: str | None = None) -> Test:
    """Returns a test for one operation, on one object if it is named."""
    return lambda request: request.operation == operation and name in (None, request.name)


def when(test: Test, fault: Fault) -> Hook:
    """Every request that passes the test meets the fault."""
    return lambda request: fault if test(request) else None


def nth(numbers: int | range, fault: Fault, test: Test = is_write) -> Hook:
    """Of the requests that pass the test, the n-th, counted from 1, or those in a range, meet the fault."""
    counted = range(numbers, numbers + 1) if isinstance(numbers, int) else numbers
    seen: Counter[None] = Counter()

    def hook(request: Request) -> Fault | None:
        seen[None] += test(request)
        return fault if test(request) and seen[None] in counted else None

    return hook


def after(number: int, fault: Fault, test: Test = is_write) -> Hook:
    """Of the requests that pass the test, all after the n-th meet the fault."""
    return nth(range(number + 1, 2**63), fault, test)


def between(start: float, end: float, fault: Fault, clock: Callable[[], float]) -> Hook:
    """Every request from `start` to before `end` of a clock meets the fault."""
    return lambda request: fault if start <= clock() < end else None


def while_set(flag: threading.Event, fault: Fault) -> Hook:
    """Every request meets the fault while a flag is set."""
    return lambda request: fault if flag.is_set() else None


def first_of(*hooks: Hook) -> Hook:
    """Returns a hook that asks each hook, so that all count on, and takes the first fault."""
    return lambda request: next((fault for fault in [hook(request) for hook in hooks] if fault is not None), None)


TRANSIENT = (Status(429), Status(500), Status(502), Status(503), Status(504), Reset(), LostReply(), CutRequest(1000))


def random_faults(seed: int, share: float, faults: Sequence[Fault] = TRANSIENT) -> Hook:
    """A share of all requests meets one of the faults.

    Which does depends on the seed, the operation, the object and how often it was asked for, not on how threads happen
    to interleave, so that a schedule can be repeated.
    """
    seen: Counter[tuple[str, str, str]] = Counter()

    def hook(request: Request) -> Fault | None:
        key = (request.operation, request.bucket, request.name)
        seen[key] += 1
        random = Random(f"{seed} {key} {seen[key]}")
        return random.choice(faults) if random.random() < share else None

    return hook
