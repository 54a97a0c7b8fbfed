"""A peer's side of the protocol: it reads a line "go", trains one epoch, and writes a line of JSON, until EOF.

Before that, it trains an epoch to warm up and writes {"ready": true}.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping

Report = Mapping[str, object]


class Channel:
    """The standard streams of a peer. Create it first: later output of other code is kept out of the protocol."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._is_ready = False

    def report(self, seconds: float, images: int, results: Report) -> bool:
        """Reports the results of an epoch, without the time of the first one; returns whether another one is wanted."""
        epoch = {"seconds": seconds, "images": images} if self._is_ready else {"ready": True}
        self._is_ready = True
        print(json.dumps(epoch | {name: _plain(value) for name, value in results.items()}), file=self._out, flush=True)
        return sys.stdin.readline() != ""


def serve(channel: Channel, images: int, epoch: Callable[[], Report]) -> None:
    """Trains and validates one epoch for each request."""
    wanted = True
    while wanted:
        begin = time.perf_counter()
        results = epoch()
        wanted = channel.report(time.perf_counter() - begin, images, results)


def _plain(value: object) -> object:
    return value if isinstance(value, str) else float(value)  # type: ignore[arg-type]
