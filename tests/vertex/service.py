"""One request to the fake, whichever way it came: its fault is met, then it is done."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tests.vertex.jobs import Store
from tests.vertex.refusals import Refused
from trainer.study.vertex.job import Kind


class Lost(Enum):
    """The connection breaks before anything is done, or before a byte of the reply."""

    REQUEST = "request"
    REPLY = "reply"


@dataclass(frozen=True)
class Request:
    """What was asked: `create`, `get`, `list` or `cancel`, of a job or, where it is new or many, of its parent."""

    verb: str
    collection: str
    name: str


Fault = Refused | Lost | None


class Service:
    """Does requests.

    Args:
      store: the jobs.

    Attributes:
      fault: asked at every request for what goes wrong with it.
    """

    def __init__(self, store: Store):
        self.store = store
        self.fault: Callable[[Request], Fault] = lambda request: None
        self._requests: list[Request] = []
        self._lock = threading.Lock()

    @property
    def requests(self) -> list[Request]:
        """What was asked, in order."""
        with self._lock:
            return [*self._requests]

    def do(self, verb: str, kind: Kind, name: str, call: Callable[[], Any]) -> Any:
        """Returns what a call returns.

        Raises:
          Refused: the service will not.
          ConnectionError: the connection breaks.
        """
        request = Request(verb, kind.collection, name)
        with self._lock:
            self._requests.append(request)
            fault = self.fault(request)
        if isinstance(fault, Refused):
            raise fault
        if fault is Lost.REQUEST:
            raise ConnectionError("the request is lost")
        result = call()
        if fault is Lost.REPLY:
            raise ConnectionError("the reply is lost")
        return result


def once(fault: Fault, verb: str, times: int = 1) -> Callable[[Request], Fault]:
    """Returns a hook that lets the first requests of a kind go wrong."""
    left = [times]

    def hook(request: Request) -> Fault:
        if request.verb != verb or not left[0]:
            return None
        left[0] -= 1
        return fault

    return hook
