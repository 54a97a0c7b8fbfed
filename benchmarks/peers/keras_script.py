"""The plain Keras script as a whole process: from `import keras` to the test accuracy.

    python -m benchmarks.peers.keras_script '{"data": …, "batch": …, "epochs": …, "seed": …, "folder": …}'

If `folder` is not empty, the script writes the same output as a run of trainer.task: TensorBoard's scalars, a
checkpoint with the optimizer's state after each epoch, and the model. Both train on all images of the training split.
"""

import json
import sys
from pathlib import Path

import keras

from benchmarks.peers import keras_model
from trainer import data


def main(name: str, batch: int, epochs: int, seed: int, folder: str) -> None:
    loaded = data.load(name, validation_split=0.1, seed=seed)
    keras.utils.set_random_seed(seed)
    model = keras_model.build(loaded.form.shape, 32, loaded.classes)
    model.fit(
        loaded.train.samples,
        loaded.train.targets,
        batch_size=batch,
        epochs=epochs,
        validation_data=(loaded.validation.samples, loaded.validation.targets),
        callbacks=_callbacks(Path(folder)) if folder else [],
        verbose=0,
    )
    accuracy = model.evaluate(loaded.test.samples, loaded.test.targets, verbose=0)[1]
    if folder:
        model.save(Path(folder) / "model.keras")
    print(f"test accuracy {accuracy:.2%}")


def _callbacks(folder: Path) -> list[keras.callbacks.Callback]:
    return [
        keras.callbacks.TensorBoard(folder / "logs", write_graph=False),
        keras.callbacks.ModelCheckpoint(folder / "checkpoint.keras"),
    ]


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    main(given["data"], given["batch"], given["epochs"], given["seed"], given["folder"])
