"""Requests per second and the 99th percentile of latency, compared with the usual ways to call a Keras model.

    python -m benchmarks.serving --clients=1,8,64 --seconds=10 --rounds=3

Each request is one PNG in base64. The load generator is Debian's `wrk` (apt-get install wrk) on the same machine, for
each server and number of clients in turn; a server runs only during its measurement. In addition, without any server,
`model.predict` runs on one image in this process, without the cost of HTTP.
"""

import argparse
import base64
import contextlib
import dataclasses
import json
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import trainer.layers  # noqa: F401 - which the model's file names
from trainer.serving import card

_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("{body}", "rb")
wrk.body = file:read("*a")
file:close()
"""
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclasses.dataclass(frozen=True)
class Load:
    """The result of clients that send requests as fast as they are answered.

    Attributes:
      requests: answered requests per second.
      p50, p99: percentiles of latency in milliseconds.
    """

    requests: float
    p50: float
    p99: float

    @classmethod
    def read(cls, text: str) -> "Load":
        """Returns the result from the output of `wrk --latency`.

        Raises:
          RuntimeError: some requests failed.
        """
        failures = [line.strip() for line in text.splitlines() if "Non-2xx" in line or "Socket errors" in line]
        if failures:
            raise RuntimeError(f"requests failed: {'; '.join(failures)}")
        (requests,) = re.findall(r"Requests/sec:\s+([\d.]+)", text)
        found = {share: float(value) * _UNITS[unit] for share, value, unit in re.findall(_SHARE, text)}
        return cls(float(requests), found["50"], found["99"])


_SHARE = r"(\d+)%\s+([\d.]+)(us|ms|s|m)\b"


def train(root: Path, data: str) -> Path:
    """Trains a model and returns the folder of its export."""
    arguments = [f"--data={data}", "--epochs=1", "--log_images=never", f"--job_dir={root}"]
    subprocess.run([sys.executable, "-m", "trainer.task", *arguments], check=True, stdout=subprocess.DEVNULL)
    return root / "model"


def servers(model: Path) -> dict[str, list[str]]:
    """Returns the command of each server, by name."""
    ours = ["trainer.serve", f"--model={model}", "--port=0"]
    theirs = ["benchmarks.peers.keras_server", str(model / "model.keras")]
    return {
        "trainer.serve": ours,
        "trainer.serve, no batching": [*ours, "--max_batch=1"],
        "model(x) in a server": [*theirs, "call"],
        "model.predict in a server": [*theirs, "predict"],
    }


@contextlib.contextmanager
def running(command: Sequence[str]) -> Iterator[str]:
    """Runs a server during the block, and yields its address."""
    with subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().rpartition(" ")[2].strip()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def measure(address: str, script: Path, clients: int, seconds: int) -> Load:
    command = ["wrk", "--latency", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout=30s", f"-s{script}", address]
    return Load.read(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def in_process(model: Path, seconds: float) -> Load:
    """Calls `model.predict` on one image after another."""
    loaded = keras.models.load_model(model / "model.keras")
    image = np.zeros((1, *loaded.input_shape[1:]), np.float32)
    loaded.predict(image, verbose=0)
    took, end = [], time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end:
        loaded.predict(image, verbose=0)
        took.append(1e3 * (time.perf_counter() - begin))
    return Load(1e3 * len(took) / sum(took), statistics.median(took), float(np.percentile(took, 99)))


def write_request(folder: Path, model: Path) -> Path:
    """Writes the request for `wrk`, and returns its script."""
    shape = card.form(card.read(model)).shape
    pixels = np.random.default_rng(0).integers(0, 256, shape)
    encoded = base64.b64encode(tf.io.encode_png(pixels.astype(np.uint8)).numpy()).decode()
    body, script = folder / "body.json", folder / "post.lua"
    body.write_text(json.dumps({"instances": [{"b64": encoded}]}))
    script.write_text(_SCRIPT.format(body=body))
    return script


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--model", type=Path, help="exported, in place of one trained for this")
    parser.add_argument("--clients", default="1,8,64")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        print("skipped: wrk, which makes the load, is not installed (apt-get install wrk)")
        return
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model or train(Path(folder) / "run", arguments.data)
        script = write_request(Path(folder), model)
        clients = [int(count) for count in arguments.clients.split(",")]
        found: dict[tuple[str, int], list[Load]] = {}
        for _ in range(arguments.rounds):
            for name, command in servers(model).items():
                with running(command) as address:
                    measure(address, script, max(clients), 1)  # warms up every batch size
                    for count in clients:
                        load = measure(address, script, count, arguments.seconds)
                        found.setdefault((name, count), []).append(load)
        bare = in_process(model, arguments.seconds)
    print(f"{'':<28}{'clients':>8}{'requests/s':>12}{'p50, ms':>10}{'p99, ms':>10}")
    for (name, count), loads in found.items():
        requests, p50, p99 = (
            statistics.median(values) for values in zip(*map(dataclasses.astuple, loads), strict=True)
        )
        print(f"{name:<28}{count:>8}{requests:>12,.0f}{p50:>10.1f}{p99:>10.1f}")
    print(f"{'model.predict, no server':<28}{1:>8}{bare.requests:>12,.0f}{bare.p50:>10.1f}{bare.p99:>10.1f}")


if __name__ == "__main__":
    main()
