"""A GPU: epochs compared with Keras, PyTorch and JAX with their data on it, and whole commands; at most 8 minutes.

    python -m benchmarks.accelerator                       # on the machine with the GPU
    python -m benchmarks.accelerator --only=speed --minutes=4
    python -m benchmarks.accelerator --only=commands --data=FOLDER

speed: images per second of whole epochs with validation, medians after the first epoch, one peer at a time. The goals
are 1.0 times each peer and 2.0 times Keras's tuned fit. commands: the time of whole commands and of their training;
whether equal seeds give equal weights, also after a stop and with `--feed=streamed`; what `--deterministic=no` saves;
float16; two trials of a study at a time; the tests of the layers. A check for which no time is left is skipped and
reported; the speeds get two thirds of the time. Without a GPU, the CPU is measured, which the output says.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks.peers import command, device_commands, device_epochs
from benchmarks.peers.deadline import Deadline

_PARTS = ("speed", "commands")
_SPEED_SHARE = 2 / 3  # of the time, where both are measured


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> None:
    """Prints the table; `popen` starts the processes."""
    options = _options(arguments)
    variables = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    try:
        for line in _lines(options, variables, popen):
            print(line, flush=True)
    except command.ProcessDiedError as error:
        sys.exit(f"benchmarks.accelerator: {error}")


def _lines(options: argparse.Namespace, variables: dict[str, str], popen: command.Popen) -> Iterator[str]:
    seconds, has_both = 60 * options.minutes, set(options.only) == set(_PARTS)
    deadline = Deadline(seconds, time.monotonic)
    yield command.measure("-c", _DEVICES, popen=popen, variables=variables).output.strip()
    if "speed" in options.only:
        rows = [
            device_epochs.Row(options.images, batch, filters) for batch in options.batch for filters in options.filters
        ]
        residual = device_epochs.Row(options.images, max(options.batch), min(options.filters), "residual")
        own = Deadline(seconds * _SPEED_SHARE, time.monotonic) if has_both else deadline
        yield from device_epochs.compare([*rows, residual], options.rounds, own, variables, popen)
    if "commands" in options.only:
        yield from device_commands.check(options.data, options.flags, deadline, variables, popen)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=list(_PARTS), metavar="PART", help="of the table")
    parser.add_argument("--minutes", type=float, default=7, help="after which nothing more is started")
    parser.add_argument("--images", type=int, default=50_400, help="of an epoch of the part speed")
    parser.add_argument("--batch", type=int, nargs="+", default=[128, 512], help="images per step")
    parser.add_argument("--filters", type=int, nargs="+", default=[32, 128], help="of the first convolution")
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each peer")
    parser.add_argument("--data", default="digits", help="of the part commands, as in trainer.task")
    parser.add_argument(
        "--flags", nargs="*", default=[], metavar="FLAG", help="of trainer.task there, such as epochs=1"
    )
    return parser.parse_args(arguments)


_DEVICES = """
import tensorflow as tf
gpus = tf.config.list_physical_devices("GPU")
details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
names = [f"{one.get('device_name')}, compute capability {one.get('compute_capability')}" for one in details]
print(f"TensorFlow {tf.__version__}; {'; '.join(names) or 'no GPU: what follows is the CPU'}")
"""


if __name__ == "__main__":
    main(sys.argv[1:])
