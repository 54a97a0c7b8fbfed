import keras
import pytest

from trainer.metrics import ACCURACY, METRICS, Metric
from trainer.training.patience import Patience
from trainer.training.rates import UntilCooled

_SAME = [(0.5, 1.0)] * 30  # validation accuracy and loss of each epoch


def _stopped(
    epochs: list[tuple[float, float]], *, patience: int = 2, cool_down: int = 3, first: int = 0, most: int = 30
) -> tuple[int, int, list[str]]:
    logs = [{"val_accuracy": accuracy, "val_loss": loss} for accuracy, loss in epochs]
    return _ended(logs, patience=patience, cool_down=cool_down, first=first, most=most)


def _ended(
    epochs: list[dict[str, float]],
    *,
    patience: int = 2,
    cool_down: int = 3,
    first: int = 0,
    most: int = 30,
    metric: Metric = ACCURACY,
) -> tuple[int, int, list[str]]:
    """Returns the epoch of the last step, the optimizer's step at the cool-down, and the lines of a run."""
    schedule, lines = UntilCooled(1.0, 0, 10), list[str]()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(schedule), "mse")
    model.stop_training = False
    done, state = 0, None
    for done, logs in enumerate(epochs, 1):
        callback = Patience(patience, cool_down, first, most, lines.append, metric=metric)  # anew, as after each stop
        callback.set_model(model)
        if state:
            callback.set_state(state)
        model.optimizer.iterations.assign(10 * done)
        callback.on_epoch_end(done - 1, logs)
        state = callback.get_state()
        if model.stop_training:
            break
    return done, schedule.get_config()["begin"], lines


def test_cools_down_after_some_epochs_without_a_better_one_and_stops() -> None:
    assert _stopped([(0.5, 1.0), (0.75, 1.0), *_SAME]) == (
        7,
        40,
        [
            "no better for 2 epochs; the best was epoch 2 with 75.0 %; the learning rate decays to zero in 3 epochs",
            "stopped after epoch 7; the best was epoch 2 with 75.0 %",
        ],
    )


@pytest.mark.parametrize(
    ("epochs", "values", "last"),
    [
        ([(0.5, 1.0), (0.5, 0.9), (0.4, 0.1), (0.5, 0.8), *_SAME], {}, 9),  # of equal accuracies the lower loss
        ([(0.5, 1.0), (0.5, 1.0), (0.5, 1.0), (0.9, 1.0), *_SAME], {}, 6),  # a cool-down takes its time
        ([(0.9, 1.0), *_SAME], {"first": 5}, 10),  # in a stage before the last one
        ([(0.1 * epoch, 1.0) for epoch in range(40)], {}, 30),  # the most
        (_SAME, {"cool_down": 0}, 3),
        (_SAME, {"patience": 1}, 5),
    ],
)
def test_when_it_stops(epochs: list[tuple[float, float]], values: dict[str, int], last: int) -> None:
    assert _stopped(epochs, **values)[0] == last


@pytest.mark.parametrize(("name", "last"), [("loss", 8), ("macro_f1", 9), ("accuracy", 7)])
def test_another_metric_says_which_is_better(name: str, last: int) -> None:
    """The loss is the lowest in the third epoch, the F1 score the highest in the fourth, the accuracy in the second."""
    better = [(0.5, 1.0, 0.1), (0.75, 0.9, 0.2), (0.5, 0.25, 0.3), (0.5, 0.5, 0.5)]
    epochs = [
        {"val_accuracy": accuracy, "val_loss": loss, "val_macro_f1": f1}
        for accuracy, loss, f1 in [*better, *[(0.5, 0.5, 0.4)] * 20]
    ]
    done, _, lines = _ended(epochs, metric=METRICS[name])
    assert done == last
    shown = {"loss": "val_loss 0.2500", "macro_f1": "val_macro_f1 0.5000", "accuracy": "75.0 %"}[name]
    assert lines[1] == f"stopped after epoch {last}; the best was epoch {last - 5} with {shown}"


def test_says_why() -> None:
    assert _stopped(_SAME, cool_down=0, patience=1)[2] == [
        "no better for 1 epoch; stopped; the best was epoch 1 with 50.0 %"
    ]
    better = [(0.01 * epoch, 1.0) for epoch in range(40)]
    assert _stopped(better)[2][0] == (
        "30 epochs are the most of --epochs=auto; the best was epoch 27 with 26.0 %; the learning rate decays to zero "
        "in 3 epochs"
    )
