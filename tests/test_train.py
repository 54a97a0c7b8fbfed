import dataclasses
import datetime
import io
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console

from trainer import data, train
from trainer.cloud.environment import Environment
from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.training.precision import Precision

SMALL = HParams(
    filters=2, dense_units=16, epochs=2, batch_size=64, augment="none", dropout=0.0, precision="float32"
)  # fmt: skip
SCREEN = Console(file=io.StringIO())


def _run(hparams: HParams, root: Path) -> train.Result:
    return train.run(hparams, Environment.read({}, str(root), datetime.datetime(2026, 1, 1)), SCREEN)


def _weights(result: train.Result) -> list[np.ndarray]:
    return keras.models.load_model(result.model).get_weights()  # type: ignore[no-any-return]


def test_learns_real_digits_and_saves_what_it_learned(tmp_path: Path) -> None:
    result = _run(dataclasses.replace(SMALL, filters=8, epochs=4, learning_rate=1e-2), tmp_path)
    assert result.test_accuracy > 0.9
    digits = data.load("digits", 0.1, seed=0)
    logits = keras.models.load_model(result.model).predict(digits.test.images, verbose=0)
    assert np.mean(logits.argmax(1) == digits.test.labels) == pytest.approx(result.test_accuracy)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoints", "hparams.json", "logs", "model"}


def test_the_same_seed_gives_the_same_weights_and_another_others(tmp_path: Path) -> None:
    hparams = dataclasses.replace(SMALL, augment="affine", dropout=0.5, epochs=1)
    first, again, other = (
        _weights(_run(dataclasses.replace(hparams, seed=seed), tmp_path / name))
        for name, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    for one, two, three in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, two)
        assert not np.array_equal(one, three) or one.dtype == np.int64  # dropout's count of steps


def test_a_run_stopped_after_an_epoch_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hparams = dataclasses.replace(SMALL, augment="affine", dropout=0.5)
    whole = _weights(_run(hparams, tmp_path / "whole"))

    class StopInSecondEpoch(train.Progress):
        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train, "Progress", StopInSecondEpoch)
        with pytest.raises(KeyboardInterrupt):
            _run(hparams, tmp_path / "stopped")
    resumed = _weights(_run(hparams, tmp_path / "stopped"))
    for one, two in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    "values",
    [
        {"stride": 2, "padding": "valid"},
        {"stride": 2, "dilation_rate": 2},
        {"padding": "causal", "kernel_size": 5},
        {"depth": 1, "activation": "gelu", "kernel_size": 4},
        {"optimizer": "sgd", "momentum": 0.5, "schedule": "constant"},
        {"optimizer": "adamw", "weight_decay": 0.1},
        {"precision": "bfloat16", "dropout": 0.5},
        {"precision": "float16", "dropout": 0.5},
        {"strategy": "mirrored"},
    ],
)
def test_other_networks_and_ways_train_too(tmp_path: Path, values: dict[str, object]) -> None:
    assert _run(dataclasses.replace(SMALL, epochs=1, **values), tmp_path).test_accuracy > 0  # type: ignore[arg-type]


def test_a_run_keeps_the_precision_that_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hparams = dataclasses.replace(SMALL, precision="auto", epochs=1)
    for chosen in ("bfloat16", "float32"):
        monkeypatch.setattr(train.precisions, "choose", lambda *_, name=chosen: Precision(name, "the first machine"))
        _run(hparams, tmp_path)
    recorded = json.loads((tmp_path / "hparams.json").read_text())["precision"]
    assert recorded == {"name": "bfloat16", "reason": "the first machine"}


def test_tells_callbacks_of_one_s_own(tmp_path: Path) -> None:
    told: list[int] = []
    own = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: told.append(epoch))
    environment = Environment.read({}, str(tmp_path), datetime.datetime(2026, 1, 1))
    train.run(SMALL, environment, SCREEN, [own, keras.callbacks.EarlyStopping("loss", patience=0, min_delta=1e9)])
    assert told == [0, 1]


def test_reports_its_metric_to_a_tuning_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"CLOUD_ML_HP_METRIC_FILE": str(tmp_path / "metrics"), "CLOUD_ML_TRIAL_ID": "7"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    environment = Environment.read(variables, str(tmp_path / "run"), datetime.datetime(2026, 1, 1))
    train.run(SMALL, environment, SCREEN)
    lines = [json.loads(line) for line in (tmp_path / "metrics").read_text().splitlines()]
    assert [line["global_step"] for line in lines] == ["1", "2"]
    assert all(0 <= float(line["val_accuracy"]) <= 1 and line["trial"] == "7" for line in lines)


def test_rejects_a_batch_larger_than_the_data_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`--batch_size` must be at most the number of training images, 1293"):
        _run(dataclasses.replace(SMALL, batch_size=1294), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_rejects_another_configuration_in_the_same_folder(tmp_path: Path) -> None:
    _run(dataclasses.replace(SMALL, epochs=1), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="--filters=2 there, 3 here"):
        _run(dataclasses.replace(SMALL, epochs=1, filters=3), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
