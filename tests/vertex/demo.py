"""A job service without an account: `python -m tests.vertex.demo`, and in another terminal what it says.

Its tuning jobs go through a script: they wait, run with one trial more at each look, and succeed.
"""

import argparse
import datetime
import signal
import sys
from collections.abc import Sequence
from typing import Any

from tests.gcs.server import serve as serve_buckets
from tests.vertex import bodies
from tests.vertex.jobs import Script
from tests.vertex.server import PROJECT, serve
from trainer.study.vertex.service import OVERRIDE

_BUCKET, _REGION = "demo", "us-central1"  # where the fake's buckets are


def main(arguments: Sequence[str]) -> int:
    """Serves until Ctrl-C, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.vertex.demo", description=__doc__)
    parser.add_argument("--trials", type=int, default=6, help="trials of every tuning job")
    given = parser.parse_args(arguments)
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # waiting for an event misses a signal that comes just before it
    with serve(region=_REGION) as server, serve_buckets([_BUCKET]) as buckets:
        server.store.script = script(given.trials)
        print(
            f"export {OVERRIDE}={server.url}",
            f"export STORAGE_EMULATOR_HOST={buckets.url}",
            "export CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true NO_GCE_CHECK=true",
            f"python -m trainer.study --target=vertex --project={PROJECT} --region={_REGION} --bucket=gs://{_BUCKET} "
            "--watch",
            f"gcloud ai hp-tuning-jobs list --project={PROJECT} --region={_REGION}",
            sep="\n",
            flush=True,
        )
        signal.sigwait(ends)
    return 0


def script(trials: int) -> Script:
    """Returns what becomes of a job: at each look one trial more has ended."""
    numbers = range(1, trials + 1)
    looks: list[dict[str, Any]] = [{}]
    for running in numbers:
        now = bodies.trial(running, "ACTIVE", 0.5, startTime=_time(running), parameters=_parameters(running))
        looks.append({"state": "JOB_STATE_RUNNING", "trials": [*map(_ended, numbers[: running - 1]), now]})
    return [*looks, {"state": "JOB_STATE_SUCCEEDED", "trials": [*map(_ended, numbers)]}]


def _ended(number: int) -> dict[str, Any]:
    times = {"startTime": _time(number), "endTime": _time(number + 1), "parameters": _parameters(number)}
    if number % 5 == 0:
        reason = "The replica workerpool0-0 exited with status 3."
        return bodies.trial(number, "INFEASIBLE", infeasibleReason=reason, **times)
    return bodies.trial(number, "SUCCEEDED", *(1 - 0.5 / (epoch + number % 4) for epoch in (1, 2, 3)), **times)


def _parameters(number: int) -> list[dict[str, Any]]:
    """Returns what a trial tries, of config.yaml's parameters."""
    stride = 1 + number % 2
    values: dict[str, float | str] = {
        "filters": 8.0 * 2 ** (number % 4),
        "kernel_size": 3.0 + 2 * (number % 3),
        "padding": ("same", "valid")[number // 2 % 2],
        "stride": float(stride),
        **({"dilation_rate": 1.0 + number // 2 % 2} if stride == 1 else {}),
        "learning_rate": 0.0005 * (1 + number % 5),
        "batch_size": 32.0 * 2 ** (number % 3),
    }
    return [{"parameterId": name, "value": value} for name, value in values.items()]


def _time(number: int) -> str:
    """Returns when a trial begins: each 15 s after the one before."""
    begin = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=15 * number)
    return begin.isoformat().replace("+00:00", "Z")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
