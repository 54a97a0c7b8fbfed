"""The plain Keras script: `fit` on NumPy arrays, which Keras shuffles in each epoch."""

import sys

import keras

from benchmarks.peers import dataset, keras_model
from benchmarks.peers.protocol import Channel
from benchmarks.peers.served_epochs import FOREVER, ServedEpochs
from benchmarks.peers.setting import SEED, Setting
from benchmarks.peers.step_clock import StepClock


def main(setting: Setting, channel: Channel) -> None:
    arrays = dataset.read(setting.arrays)
    keras.utils.set_random_seed(SEED)
    if setting.precision != "float32":
        keras.config.set_dtype_policy(f"mixed_{setting.precision}")
    if setting.model:
        from benchmarks.peers import keras_copy  # imports this package, which the plain script does not need

        copy = keras_copy.build(setting, arrays.input_shape, arrays.classes)
        model = keras_model.compiled(copy, setting.steps_per_execution)
    else:
        model = keras_model.build(arrays.input_shape, setting.filters, arrays.classes, setting.steps_per_execution)
    clock = StepClock()
    images = arrays.images_per_epoch(setting.batch)  # `fit` cannot drop a partial last batch: there is none
    model.fit(
        arrays.images[:images],
        arrays.labels[:images],
        batch_size=setting.batch,
        epochs=FOREVER,
        validation_data=(arrays.validation_images, arrays.validation_labels),
        callbacks=[clock, ServedEpochs(channel, images, lambda _: {"step_seconds": clock.seconds})],
        verbose=0,
    )


if __name__ == "__main__":
    main(Setting.from_json(sys.argv[1]), Channel())
