"""One trial of a study in a process of its own, as a Keras user writes it. Prints val_accuracy after each epoch.

python -m benchmarks.peers.keras_trial '{"values": {…}, "data": …, "epochs": …, "seed": …, "core": …}'
"""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import keras

from benchmarks.peers import tuned_network
from trainer import data


def main(given: Mapping[str, Any]) -> None:
    if given["core"] is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {given["core"]})
    keras.utils.set_random_seed(given["seed"])
    loaded = data.load(given["data"], validation_split=0.1, seed=given["seed"])
    model = tuned_network.build(given["values"], loaded.form.shape, loaded.classes)
    report = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(logs["val_accuracy"], flush=True))
    model.fit(
        loaded.train.samples,
        loaded.train.targets,
        batch_size=int(given["values"].get("batch_size", 64)),
        epochs=given["epochs"],
        validation_data=(loaded.validation.samples, loaded.validation.targets),
        callbacks=[report],
        verbose=0,
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
