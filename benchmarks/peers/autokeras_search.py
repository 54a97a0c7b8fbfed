"""AutoKeras's search for a limited time, as a user writes it. Needs no part of this package.

    python benchmarks/peers/autokeras_search.py FILE.npz SECONDS FOLDER SEED

The file is one of `benchmarks.peers.whole_data`. The validation part chooses the model, and the test part measures it
once. Prints one line of JSON.
"""

import json
import logging
import sys
import time
from typing import Any

import autokeras
import keras
import numpy as np

_MORE = 1000  # trials than there is time for


class Deadline(keras.callbacks.Callback):
    """Stops the trial and the search when the time is over."""

    def __init__(self, search: Any, end: float):
        super().__init__()
        self._search, self._end = search, end

    def __deepcopy__(self, memory: Any) -> "Deadline":
        return self  # each trial has the same deadline

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if time.monotonic() > self._end:
            self.model.stop_training = True
            self._search.tuner.oracle.max_trials = 1  # 0 would mean no limit


def searcher(samples: np.ndarray, folder: str, seed: int) -> Any:
    """Returns AutoKeras's classifier of images, or, for signals, a search over its convolutional blocks."""
    options = {"max_trials": _MORE, "directory": folder, "seed": seed, "objective": "val_accuracy", "overwrite": True}
    if samples.ndim == 4:
        return autokeras.ImageClassifier(**options)
    begin = autokeras.Input()
    output = autokeras.ClassificationHead()(autokeras.ConvBlock()(autokeras.Normalization()(begin)))
    return autokeras.AutoModel(begin, output, **options)


def main(file: str, seconds: str, folder: str, seed: str) -> None:
    """Prints the number of trials, the best validation accuracy, and the accuracy on the test part."""
    end = time.monotonic() + float(seconds)
    logging.getLogger().setLevel(logging.ERROR)
    with np.load(file) as arrays:
        part = {name: arrays[name] for name in arrays.files}
    search = searcher(part["train_samples"], folder, int(seed))
    search.fit(
        part["train_samples"],
        part["train_targets"],
        validation_data=(part["validation_samples"], part["validation_targets"]),
        callbacks=[Deadline(search, end)],
        verbose=0,
    )
    scores = [trial.score for trial in search.tuner.oracle.trials.values() if trial.score is not None]
    predicted = search.predict(part["test_samples"], verbose=0).reshape(len(part["test_targets"]), -1)
    classes = predicted[:, 0] if predicted.shape[1] == 1 else predicted  # AutoKeras decodes them
    test = float(np.mean(classes.astype(part["test_targets"].dtype) == part["test_targets"]))
    print(json.dumps({"trials": len(scores), "validation": max(scores), "test": test}))


if __name__ == "__main__":
    main(*sys.argv[1:])
