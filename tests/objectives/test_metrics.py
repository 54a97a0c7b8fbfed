"""The metrics of `--metric` against those of scikit-learn, on one device and on several."""

import json
import math
import os
import sys
import warnings

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from sklearn import metrics as theirs

from tests import forked
from trainer import data
from trainer.errors import UsageError
from trainer.metrics import ACCURACY, METRICS, of_tag
from trainer.objectives import classes, goals, labels, metrics, numbers, scores
from trainer.run.feeds import Feeds
from trainer.training import devices
from trainer.training.loop import Loop

COUNT, CLASSES = 643, 5
NAMES = [one.name for one in goals.BY_TARGET["classes"]]


def _part(count: int = COUNT, *, seed: int = 0) -> tuple[data.Memory, npt.NDArray[np.float64]]:
    """Returns samples whose values are logits, of classes of unequal sizes, with ties; and their probabilities."""
    random = np.random.default_rng(seed)
    targets = random.choice(CLASSES, count, p=[0.5, 0.3, 0.1, 0.06, 0.04]).astype(np.int32)
    logits = (random.normal(size=(count, CLASSES)) + 1.5 * np.eye(CLASSES)[targets]).round(1).astype(np.float32)
    return data.Memory(logits[:, :, None], targets, data.Form((CLASSES,), 1)), scores.softmax(logits)


def _expected(name: str, targets: npt.NDArray[np.int32], probabilities: npt.NDArray[np.float64]) -> float:
    predicted, every = probabilities.argmax(1), range(probabilities.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a class that is predicted and not there
        return float(
            {
                "accuracy": lambda: theirs.accuracy_score(targets, predicted),
                "balanced_accuracy": lambda: theirs.balanced_accuracy_score(targets, predicted),
                "macro_f1": lambda: theirs.f1_score(targets, predicted, average="macro"),
                "auc": lambda: theirs.roc_auc_score(targets, probabilities, multi_class="ovr", labels=every),
                "loss": lambda: theirs.log_loss(targets, probabilities, labels=every),
            }[name]()
        )


def evaluated(count: int, *, is_resident: bool = False, is_compiled: bool = False) -> list[dict[str, float]]:
    """Returns all metrics of two parts, evaluated one after the other on so many devices."""
    strategy = devices.choose("auto", None, None, count)
    with strategy.scope():
        model = keras.Sequential([keras.Input((CLASSES, 1)), keras.layers.Flatten()])
        objective = classes.objective([*map(str, range(CLASSES))])
        model.compile(keras.optimizers.SGD(0.1), objective.loss)
        own = [make(COUNT) for make in objective.evaluated.values()]
        loop = Loop(model, strategy, objective.metrics(), is_compiled=is_compiled, evaluated=own)
    found = []
    for store in (_part()[0], _part(COUNT - 100, seed=1)[0]):
        feeds = Feeds(store, strategy, 8, 0, "none", 0.0, is_compiled, is_resident)
        found.append(loop.evaluate(feeds.evaluation(store)))
    return found


def _check(found: list[dict[str, float]]) -> None:
    for one, (store, probabilities) in zip(found, (_part(), _part(COUNT - 100, seed=1)), strict=True):
        assert {*one} == {*NAMES}
        for name, value in one.items():
            assert value == pytest.approx(_expected(name, store.targets, probabilities), abs=1e-6), name


@pytest.mark.parametrize(("is_resident", "is_compiled"), [(False, False), (True, False), (True, True)])
def test_agrees_with_scikit_learn(is_resident: bool, is_compiled: bool) -> None:
    _check(evaluated(1, is_resident=is_resident, is_compiled=is_compiled))


_DEVICES = """
import json, sys
from tests.objectives import test_metrics

print(json.dumps([test_metrics.evaluated(int(sys.argv[1]), is_resident=one) for one in (False, True)]))
"""


@pytest.mark.parametrize("count", [2, 3])
def test_agrees_with_scikit_learn_on_several_devices(count: int) -> None:
    command = [sys.executable, "-c", _DEVICES, str(count)]
    environment = {**os.environ, "PYTHONPATH": str(forked.ROOT)}
    ran = forked.run(command, check=True, capture_output=True, text=True, env=environment)
    for found in json.loads(ran.stdout):
        _check(found)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kept", [range(CLASSES), [0, 1, 3]])  # without two classes, which are predicted
def test_the_score_of_probabilities_is_scikit_learns(name: str, kept: list[int]) -> None:
    store, probabilities = _part()
    rows = np.isin(store.targets, kept)
    targets, probabilities = store.targets[rows], probabilities[rows]
    found = scores.score(name, targets, probabilities)
    if name == "auc":  # scikit-learn has none if a class is missing
        expected = np.mean([theirs.roc_auc_score(targets == one, probabilities[:, one]) for one in kept])
    else:
        expected = _expected(name, targets, probabilities)
    assert found == pytest.approx(expected, rel=1e-9)


def test_two_classes_have_the_area_of_either() -> None:
    random = np.random.default_rng(0)
    targets, values = random.integers(0, 2, 50), random.random(50).round(1)
    expected = theirs.roc_auc_score(targets, values)
    assert scores.area_under_curve(targets, np.stack([1 - values, values], 1)) == pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_undefined_is_nan(name: str) -> None:
    assert math.isnan(scores.score(name, np.zeros(0, int), np.zeros((0, 3))))
    assert math.isnan(scores.area_under_curve(np.zeros(4, int), np.ones((4, 2))))


def test_a_certain_mistake_has_a_finite_loss() -> None:
    assert 700 < scores.cross_entropy(np.array([0]), np.array([[0.0, 1.0]])) < math.inf


def test_rejects_another_metric() -> None:
    with pytest.raises(ValueError, match="`metric` must be one of accuracy, .*, loss. Received: f1"):
        scores.score("f1", np.zeros(1, int), np.ones((1, 2)))


OBJECTIVES = {
    "classes": lambda: classes.objective("abc"),
    "labels": lambda: labels.objective("abc"),
    "numbers": lambda: numbers.objective("ab", np.eye(2, dtype=np.float32)),
}


@pytest.mark.parametrize("target", OBJECTIVES)
def test_every_name_is_computed(target: str) -> None:
    objective = OBJECTIVES[target]()
    known = [*objective.evaluated, *(metric.name for metric in objective.metrics()), "loss"]
    assert sorted(known) == sorted(one.name for one in goals.BY_TARGET[target])
    for name, make in objective.evaluated.items():
        assert make(4).name == name


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_of_some_target_and_refused_for_others(name: str) -> None:
    own = [target for target, metrics in goals.BY_TARGET.items() if METRICS[name] in metrics]
    assert own
    for target in goals.BY_TARGET:
        if target in own:
            assert goals.metric_of(target, name) is METRICS[name]
        else:
            with pytest.raises(UsageError, match=f"`--metric` must be one of .*, loss for {target}. Received: {name}"):
                goals.metric_of(target, name)


@pytest.mark.parametrize(
    ("target", "name"), [("classes", "accuracy"), ("labels", "average_precision"), ("numbers", "mean_absolute_error")]
)
def test_the_usual_metric_is_the_first_of_the_target(target: str, name: str) -> None:
    assert goals.metric_of(target, "auto").name == name


def test_the_best_epoch_is_that_of_the_goal() -> None:
    better, worse = {"val_loss": 0.5, "val_accuracy": 0.6}, {"val_loss": 0.75, "val_accuracy": 0.5}
    for metric in (METRICS["loss"], ACCURACY):
        assert metric.rank(better) > metric.rank(worse)
        assert metric.value_of(metric.rank(better)) == metric.value(better)
        assert of_tag(metric.tag) is metric
    assert (METRICS["loss"].text(0.5), ACCURACY.text(0.5)) == ("val_loss 0.5000", "50.0 %")
    assert of_tag("accuracy") is None


def test_a_value_that_is_not_finite_is_no_area() -> None:
    metric = metrics.AreaUnderCurve(2, 4)
    metric.update_state(np.array([0, 1]), tf.constant([[np.nan, 0.0], [0.0, 1.0]]))
    assert math.isnan(float(metric.result()))
