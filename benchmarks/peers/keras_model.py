"""The benchmark's network as a plain Keras user writes it, and compiles one."""

import keras


def build(input_shape: tuple[int, ...], filters: int, classes: int, steps_per_execution: int = 1) -> keras.Model:
    """Returns the network, compiled; its precision is Keras's dtype policy."""
    model = keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(filters, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(2 * filters, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(classes, dtype="float32"),
        ]
    )
    return compiled(model, steps_per_execution)


def compiled(model: keras.Model, steps_per_execution: int = 1) -> keras.Model:
    """Returns the model, compiled with Adam for class numbers."""
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
    )
    return model
