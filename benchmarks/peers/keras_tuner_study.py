"""A search with KerasTuner's BayesianOptimization, as a user writes it.

    python -m benchmarks.peers.keras_tuner_study '{"parameters": […], "trials": …, "data": …, "epochs": …, "seed": …,
        "folder": …, "core": …, "patience": …}'

`parameters` are those of a HyperparameterTuningJob, without conditional ones. If `core` is a number, the process runs
only on this core, as one of several workers; KerasTuner's own variables define the workers. If `patience` is a number,
a trial ends after as many epochs without progress. The results are in the `trial.json` files in the folder.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import keras_tuner

from benchmarks.peers import tuned_network
from trainer import data


class Network(keras_tuner.HyperModel):
    """The layers of this package's network, with Keras's training."""

    def __init__(self, parameters: Sequence[Mapping[str, Any]], input_shape: tuple[int, ...], classes: int):
        super().__init__()
        self._parameters, self._input_shape, self._classes = parameters, input_shape, classes

    def build(self, hp: Any) -> keras.Model:
        values = {parameter["parameterId"]: _define(hp, parameter) for parameter in self._parameters}
        return tuned_network.build(values, self._input_shape, self._classes)

    def fit(self, hp: Any, model: keras.Model, *args: Any, **kwargs: Any) -> Any:
        batch = int(hp.values.get("batch_size", 64))
        return model.fit(*args, batch_size=batch, **kwargs)


def _define(hp: Any, parameter: Mapping[str, Any]) -> Any:
    name, log = parameter["parameterId"], "LOG" in parameter.get("scaleType", "")
    sampling = "log" if log else "linear"
    if "discreteValueSpec" in parameter:
        return hp.Choice(name, list(map(float, parameter["discreteValueSpec"]["values"])), ordered=True)
    if "categoricalValueSpec" in parameter:
        return hp.Choice(name, parameter["categoricalValueSpec"]["values"])
    if "integerValueSpec" in parameter:
        ends = parameter["integerValueSpec"]
        return hp.Int(name, int(ends["minValue"]), int(ends["maxValue"]), sampling=sampling)
    ends = parameter["doubleValueSpec"]
    return hp.Float(name, float(ends["minValue"]), float(ends["maxValue"]), sampling=sampling)


def main(given: Mapping[str, Any]) -> None:
    if given["core"] is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {given["core"]})
    loaded = data.load(given["data"], validation_split=0.1, seed=given["seed"])
    tuner = keras_tuner.BayesianOptimization(
        Network(given["parameters"], loaded.form.shape, loaded.classes),
        objective="val_accuracy",
        max_trials=given["trials"],
        seed=given["seed"],
        executions_per_trial=1,
        directory=given["folder"],
        project_name="study",
        overwrite=True,
    )
    early = keras.callbacks.EarlyStopping("val_accuracy", patience=given["patience"] or 0)
    tuner.search(
        loaded.train.samples,
        loaded.train.targets,
        epochs=given["epochs"],
        validation_data=(loaded.validation.samples, loaded.validation.targets),
        callbacks=[early] if given["patience"] else [],
        verbose=0,
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
