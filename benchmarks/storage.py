"""Output to a bucket compared with TensorFlow's gs:// file system, and input compared with Google's client.

    python -m benchmarks.storage                    # about eight minutes
    python -m benchmarks.storage --only checkpoint  # of: log, checkpoint, files

The service is the simulation of the tests, in this process, with 60 ms a request. Its limit of one write a second per
object is off, because it would slow down writers that write at each flush. Each contender is a separate process, and
all use the same TLS. The bytes sent are those of request bodies. The bytes and the number of requests are counted at
the service, from the first request to the last.

Our log is sent in the background, once a second: the output of several flushes is sent at once, so its figures depend
on the pace of the flushes, which its row names. The next row is the worst case, one pass per flush, which no run does.
TensorFlow's writer sends during each flush, so its flushes follow each other without a pause.

A checkpoint has arrived when the object exists that its readers look for, `latest.json` or `checkpoint`. The first two
of each are not counted, so each counted one also removes an older one. `enable_async` is not the default.

The files are downloaded to a local folder, with new clients each time. Google's client has as many threads as ours, and
keeps one connection for each, which is not its default.
"""

import argparse
import contextlib
import dataclasses
import os
import statistics
import struct
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from benchmarks import timing
from benchmarks.peers import gcs_checkpoint, gcs_files, gcs_log, gcs_process
from benchmarks.peers.gcs_process import Process
from benchmarks.peers.gcs_service import Service, serving
from benchmarks.peers.table import left_out

_SENT, _HELD = 1.1, 0.05  # maxima: bytes sent over bytes of the log; seconds of the training thread for a checkpoint
_UNCOUNTED = 2  # saves
_WIDTH = 48
_ROWS = ("log", "checkpoint", "files")
_BUCKETS = ("log", "log-passes", "log-theirs", "log-composed", "saved", "saved-theirs", "saved-beside", "files")
_NO_WAY = "trustme is not installed, without which TensorFlow finds no way to the fake"


@dataclasses.dataclass(frozen=True)
class Contender:
    """A program that works on a bucket.

    Attributes:
      name: the name of the row.
      process: the process; None if it cannot run.
      bucket: the bucket, which no other program uses.
      work: the function, called with the bucket and the arguments.
      arguments: further arguments.
      goal: the maximum of the row's figure.
    """

    name: str
    process: Process | None
    bucket: str
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    goal: float | None = None

    def run(self) -> Any:
        """Calls the function once."""
        assert self.process is not None
        return self.process.submit(self.work, self.bucket, *self.arguments).result()

    def reached(self, figure: float) -> str:
        """Returns whether the figure reaches the goal."""
        return f"<= {self.goal:.2f} {'yes' if figure <= self.goal else 'no'}" if self.goal is not None else ""


def compare_logs(there: Service, contenders: Sequence[Contender], flushes: int) -> None:
    """Prints the cost of a log, one contender after another."""
    print(
        f"\n{f'a log of {flushes} flushes of {gcs_log.FLUSH / 1e3:.0f} KB, each once':<{_WIDTH}}"
        f"{'MB sent':>9}{'/ log':>8}  {'to reach':<13}{'requests':>8}  {'ms a flush, middle half':>26}{'s in all':>10}"
    )
    for one in contenders:
        if one.process is None:
            print(left_out(one.name, _NO_WAY))
            continue
        seconds = one.run()
        there.settle()
        sent, requests = there.traffic(one.bucket)
        ratio = sent / _log_size(there.server.objects(one.bucket), flushes)
        print(
            f"{one.name:<{_WIDTH}}{sent / 1e6:>9.2f}{ratio:>8.3f}  {one.reached(ratio):<13}{requests:>8,}"
            f"  {_spread(seconds, 1e3):>26}{sum(seconds):>10.2f}",
            flush=True,
        )


def compare_checkpoints(there: Service, contenders: Sequence[Contender], megabytes: float, rounds: int) -> None:
    """Prints the cost of a checkpoint, all contenders in turn."""
    landed = {one.name: list[float]() for one in contenders}

    def sample(one: Contender) -> float:
        begun, seconds = one.run()
        landed[one.name].append(there.arrivals.after(one.bucket, begun) - begun)
        there.settle()
        return float(seconds)

    samplers = {one.name: partial(sample, one) for one in contenders if one.process}
    timing.interleave(samplers, _UNCOUNTED)
    begin = len(there.server.requests)
    held = timing.interleave(samplers, rounds)
    print(
        f"\n{f'a checkpoint of {megabytes:g} MB, {rounds} each, in turn':<{_WIDTH}}"
        f"{'s of the training thread':>28}  {'to reach':<13}{'s until it has landed':>24}{'requests':>10}{'MB sent':>9}"
    )
    for one in contenders:
        if one.process is None:
            print(left_out(one.name, _NO_WAY))
            continue
        sent, requests = there.traffic(one.bucket, begin)
        print(
            f"{one.name:<{_WIDTH}}{_spread(held[one.name], places=3):>28}"
            f"  {one.reached(statistics.median(held[one.name])):<13}{_spread(landed[one.name][_UNCOUNTED:]):>24}"
            f"{requests / rounds:>10.1f}{sent / rounds / 1e6:>9.2f}",
            flush=True,
        )


def compare_files(there: Service, contenders: Sequence[Contender], files: int, rounds: int) -> None:
    """Prints the time for many small files: the first contender once, the others in turn."""
    for index in range(files):
        there.server.put("files", f"{gcs_files.FOLDER}/{gcs_files.name(index)}", gcs_files.content(index))
    slow, *others = contenders
    seconds = {slow.name: [slow.run()]} | timing.interleave({one.name: one.run for one in others}, rounds)
    print(
        f"\n{f'{files:,} files of 2 KB, {rounds} times in turn, the loop once':<{_WIDTH}}{'s':>24}{'loop / this':>14}"
    )
    for one in (*others, slow):
        ratio = seconds[slow.name][0] / statistics.median(seconds[one.name])
        print(f"{one.name:<{_WIDTH}}{_spread(seconds[one.name]):>24}{ratio:>14.1f}")


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    machine = f"{os.cpu_count()} CPUs; other work: load {os.getloadavg()[0]:.1f}"
    print(f"{machine}; {1e3 * options.latency:.0f} ms a request, no limit of writes to an object", flush=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        there = stack.enter_context(serving(_BUCKETS, options.latency))

        def start(module: str, **variables: str) -> Process:
            return stack.enter_context(gcs_process.start({**there.variables, **variables}, module))

        def start_tensorflow(**variables: str) -> Process | None:
            return start("tensorflow", **variables) if there.is_tls else None

        if {"log", "checkpoint"} & {*options.only}:
            ours, theirs = start("trainer.training.save"), start_tensorflow()
        if "log" in options.only:
            composing = start_tensorflow(GCS_APPEND_MODE="compose")
            compare_logs(there, _logs(ours, theirs, composing, options.flushes, options.pace), options.flushes)
        if "checkpoint" in options.only:
            savers = _checkpoints(ours, theirs, options.megabytes, folder)
            compare_checkpoints(there, savers, options.megabytes, options.rounds)
        if "files" in options.only:
            fetchers = _files(start("google.cloud.storage"), options.files)
            compare_files(there, fetchers, options.files, options.rounds)


def _logs(
    ours: Process, theirs: Process | None, composing: Process | None, flushes: int, pace: float
) -> list[Contender]:
    write, write_theirs, composed = gcs_log.ours, gcs_log.theirs, "TensorFlow's writer, GCS_APPEND_MODE=compose"
    return [
        Contender(f"ours, coalesced, a flush each {pace:g} s", ours, "log", write, (flushes, pace), _SENT),
        Contender("ours, a pass after each flush", ours, "log-passes", write, (flushes, 0.0), _SENT),
        Contender("TensorFlow's writer", theirs, "log-theirs", write_theirs, (flushes,)),
        Contender(composed, composing, "log-composed", write_theirs, (flushes,)),
    ]


def _checkpoints(ours: Process, theirs: Process | None, megabytes: float, folder: str) -> list[Contender]:
    save, beside, manager = gcs_checkpoint.theirs, gcs_checkpoint.theirs_beside, "tf.train.CheckpointManager"
    return [
        Contender("ours", ours, "saved", gcs_checkpoint.ours, (megabytes, folder), _HELD),
        Contender(manager, theirs, "saved-theirs", save, (megabytes,)),
        Contender(f"{manager}, enable_async=True", theirs, "saved-beside", beside, (megabytes,)),
    ]


def _files(process: Process, files: int) -> list[Contender]:
    rows = {
        "a loop of Blob.download_as_bytes": gcs_files.one_by_one,
        "ours": gcs_files.ours,
        "transfer_manager, 32 threads": gcs_files.by_threads,
    }
    return [Contender(name, process, "files", work, (files,)) for name, work in rows.items()]


def _log_size(objects: Mapping[str, bytes], flushes: int) -> int:
    """Returns the bytes of the event files in a bucket, and checks that they contain every record once."""
    logs = [content for name, content in objects.items() if "tfevents" in name]
    count = 0
    for content in logs:
        start = 0
        while start < len(content):
            start += 16 + struct.unpack_from("<Q", content, start)[0]  # 16 of them frame the record
            count += 1
    if count != flushes + len(logs):  # the first record of each is the version
        sys.exit(f"benchmarks.storage: {count} records on the bucket, of {flushes + len(logs)}")
    return sum(map(len, logs))


def _spread(seconds: Sequence[float], factor: float = 1.0, places: int = 2) -> str:
    """Returns the median, and the middle half if there are several."""
    low, middle, high = statistics.quantiles(seconds, n=4) if len(seconds) > 1 else 3 * [*seconds]
    said = [f"{factor * value:.{places}f}" for value in (middle, low, high)]
    return f"{said[0]} ({said[1]} to {said[2]})" if len(seconds) > 1 else said[0]


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--flushes", type=int, default=200, help=f"of the log, {gcs_log.FLUSH:,} bytes each")
    parser.add_argument("--pace", type=float, default=0.1, help="seconds from one of our flushes to the next")
    parser.add_argument("--megabytes", type=float, default=40.0, help="of a checkpoint")
    parser.add_argument("--files", type=int, default=2000, help="of 2 KB each")
    parser.add_argument("--latency", type=float, default=0.06, help="seconds that every request takes at least")
    parser.add_argument("--rounds", type=int, default=5, help="checkpoints, and fetches of all files, of each kind")
    parser.add_argument("--only", nargs="+", choices=_ROWS, default=list(_ROWS), metavar="ROW", help=", ".join(_ROWS))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
