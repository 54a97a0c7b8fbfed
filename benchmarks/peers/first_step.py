"""A run of trainer.task that ends after its first training step, or its first call of several steps.

python -m benchmarks.peers.first_step --data=digits …    # the flags of trainer.task
"""

import os
import sys
from typing import Any

import keras

from benchmarks.peers import engine


class Stop(keras.callbacks.Callback):
    """Ends the process immediately: the shutdown of Python and TensorFlow is not part of the startup."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        os._exit(0)


if __name__ == "__main__":
    engine.run(sys.argv[1:], [Stop()])
    sys.exit("no step ended")
