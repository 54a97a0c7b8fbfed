"""A program: trains a small network on real digits for 205 steps, alone or as one of several machines.

    python learn_digits.py FILE KIND DEVICES

KIND is the type of all numbers, DEVICES into how many this machine's CPU is divided; `CLUSTER_SPEC` names the other
machines. The chief writes the weights, and the logs of the last epoch, to FILE.
"""

import os
import sys

import keras
import numpy as np

from trainer import data
from trainer.cluster import Cluster
from trainer.layers import Conv2D, Dropout
from trainer.training import devices, optimizer
from trainer.training.feed import Feed
from trainer.training.loop import Loop, Stage

BATCH, EPOCHS, STEPS = 32, 5, 41  # steps in each epoch, the last on 13 samples: a second device has none of them


def _model(kind: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((28, 28, 1)),
        keras.layers.Rescaling(1 / 255, dtype=kind),
        Conv2D(4, 3, padding="same", activation="relu", dtype=kind),
        Conv2D(8, 3, strides=2, padding="same", activation="relu", dtype=kind),
        keras.layers.MaxPooling2D(dtype=kind),
        Dropout(0.3, whole_maps=True, seed=1, dtype=kind),
        keras.layers.Flatten(dtype=kind),
        keras.layers.Dense(32, activation="relu", dtype=kind),
        Dropout(0.3, seed=2, dtype=kind),
        keras.layers.Dense(10, dtype=kind),
    ]
    model = keras.Sequential(layers)
    model.compile(optimizer.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.optimizer.build(model.trainable_variables)
    return model


def main(file: str, kind: str, count: int) -> None:
    cluster = Cluster.read(os.environ)
    strategy = devices.choose("auto", cluster, None, count)
    digits = data.load("digits", 0.1, seed=0)
    with strategy.scope():
        model = _model(kind)
        loop = Loop(model, strategy, [keras.metrics.SparseCategoricalAccuracy(name="accuracy")])
    logs: dict[str, float] = {}
    validation = Feed(
        lambda context: data.evaluation_batches(digits.validation, devices.share(context)),
        data.evaluation_steps(digits.validation, strategy.num_replicas_in_sync),
    )
    training = Feed(
        lambda context: data.training_batches(
            digits.train, BATCH, 0, augment=True, steps=range(EPOCHS * STEPS), share=devices.share(context)
        ),
        EPOCHS * STEPS,
    )
    record = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, new: logs.update(new))
    loop.fit([Stage.whole(model, EPOCHS, training, validation)], STEPS, [record])
    if cluster is None or cluster.is_chief:
        kept = [logs[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy")]
        np.savez(file, logs=kept, **{str(index): variable.numpy() for index, variable in enumerate(model.variables)})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
