import keras
import pytest

from trainer.errors import UsageError
from trainer.training import own

UP, DOWN = keras.metrics.SparseCategoricalAccuracy(name="accuracy"), keras.metrics.Mean(name="cost")
DIRECTIONS = {"loss": "down", "accuracy": "up"}


def test_knows_which_way_is_better() -> None:
    assert own.directions([UP, DOWN]) == {"loss": "down", "accuracy": "up"}


@pytest.mark.parametrize(("monitor", "mode"), [("val_accuracy", "max"), ("accuracy", "max"), ("val_loss", "min")])
@pytest.mark.parametrize("kind", [keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau])
def test_a_monitor_is_told_which_way_is_better(kind: type, monitor: str, mode: str) -> None:
    callback = kind(monitor)
    own.settle([callback], "constant", DIRECTIONS)
    assert callback.mode == mode


def test_a_mode_that_is_given_stays() -> None:
    callback = keras.callbacks.EarlyStopping("own_metric", mode="max")
    own.settle([callback, keras.callbacks.LambdaCallback(), keras.callbacks.CSVLogger("x")], "cosine", DIRECTIONS)
    assert callback.mode == "max"


class _Not:
    def on_epoch_end(self, epoch: int, logs: object = None) -> None: ...


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        (keras.callbacks.EarlyStopping(), "`callbacks` must be a list. Received: <keras"),
        ([keras.callbacks.EarlyStopping], "`callbacks` must be a list of objects .* Received: <class"),
        ([_Not()], "`callbacks` must be a list of objects .* Received: <.*_Not"),
        ([None], "`callbacks` must be a list of objects .* Received: None"),
        ([keras.callbacks.ReduceLROnPlateau()], "`--schedule` must be constant where ReduceLROnPlateau sets the rate"),
        ([keras.callbacks.LearningRateScheduler(abs)], "constant where LearningRateScheduler .* Received: cosine"),
        (
            [keras.callbacks.EarlyStopping("val_acc")],
            r"`EarlyStopping\(monitor=…\)` must be one of val_loss, val_accuracy, loss, accuracy, or have a `mode`",
        ),
        ([keras.callbacks.ModelCheckpoint("x.keras", "f1", save_best_only=True)], "`ModelCheckpoint.* Received: f1"),
    ],
)
def test_rejects(callbacks: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        own.settle(callbacks, "cosine", DIRECTIONS)  # type: ignore[arg-type]
