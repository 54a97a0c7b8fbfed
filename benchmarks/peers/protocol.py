"""A peer's end of the conversation: one line "go" in, one epoch, one line of JSON out, until the input ends.

The first line out comes by itself, after an epoch that warms up: {"ready": true}.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping

Report = Mapping[str, object]


class Channel:
    """The standard streams of a peer. It is made first: from then on whatever else is printed is no part of it."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._is_ready = False

    def report(self, seconds: float, images: int, results: Report) -> bool:
        """Says what an epoch came to, the first one's time left out, and returns whether another one is wanted."""
        epoch = {"seconds": seconds, "images": images} if self._is_ready else {"ready": True}
        self._is_ready = True
        print(json.dumps(epoch | {name: _plain(value) for name, value in results.items()}), file=self._out, flush=True)
        return sys.stdin.readline() != ""


def serve(channel: Channel, images: int, epoch: Callable[[], Report]) -> None:
    """Trains epoch after epoch, each with its validation, when asked to."""
    wanted = True
    while wanted:
        begin = time.perf_counter()
        results = epoch()
        wanted = channel.report(time.perf_counter() - begin, images, results)


def _plain(value: object) -> object:
    return value if isinstance(value, str) else float(value)  # type: ignore[arg-type]
