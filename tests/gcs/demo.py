"""The main job against a bucket, without an account: `make gcs-demo`

Everything behind the first argument that is none of these flags goes to `trainer.task`.
"""

import argparse
import os
import subprocess
import sys
import threading
from collections.abc import Sequence

from tests.gcs.server import Server, serve

_BUCKET, _RUN = "demo", "gs://demo/run"


def main(arguments: Sequence[str]) -> int:
    """Runs the job, shows what is on the bucket then, and returns the job's exit status."""
    parser = argparse.ArgumentParser(prog="make gcs-demo", allow_abbrev=False)
    parser.add_argument("--latency", type=float, default=0.06, help="seconds that every request takes at least")
    given, flags = parser.parse_known_args(arguments)
    with serve([_BUCKET], given.latency) as server:
        print(
            f"a bucket without an account: {_RUN} at {server.url}, {1e3 * given.latency:.0f} ms a request", flush=True
        )
        command = [sys.executable, "-m", "trainer.task", f"--job_dir={_RUN}", *flags]
        status = subprocess.run(
            command, env={**os.environ, "STORAGE_EMULATOR_HOST": server.url}, check=False
        ).returncode
        _show(server)
        if sys.stdin.isatty():
            _wait(server)
    return status


def _show(server: Server) -> None:
    print(f"on the bucket after {len(server.requests):,} requests:")
    for name, content in sorted(server.objects(_BUCKET).items()):
        print(f"  {len(content):>12,}  gs://{_BUCKET}/{name}")


def _wait(server: Server) -> None:
    print(
        "It stays there until Ctrl-C. In another terminal:",
        f"  STORAGE_EMULATOR_HOST={server.url} {sys.executable} -m trainer.tensorboard --logdir={_RUN}",
        sep="\n",
        flush=True,
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
