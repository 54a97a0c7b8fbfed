import dataclasses
import datetime
import functools
import io
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from tests.data import signs
from trainer import data
from trainer.cluster import Cluster
from trainer.environment import Environment
from trainer.errors import StoppedError, StorageError, UsageError
from trainer.hparams import HParams
from trainer.run import plan, train, writers
from trainer.signals import Stop
from trainer.training.precision import Precision

SMALL = HParams(
    filters=2,
    dense_units=16,
    epochs=2,
    batch_size=64,
    augment="none",
    dropout=0.0,
    precision="float32",
    log_images="never",
)
RECIPE = {"label_smoothing": 0.1, "average_epochs": 1.0, "mixup": 0.2, "erase": 0.5, "schedule": "linear"}
SCREEN = Console(file=io.StringIO())


def _run(hparams: HParams, root: Path) -> train.Result:
    return train.run(hparams, Environment.read({}, str(root), datetime.datetime(2026, 1, 1)), SCREEN)


def _weights(result: train.Result) -> list[np.ndarray]:
    return keras.models.load_model(result.model).get_weights()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, train.Result]:
    """A finished run, for `finished` alone."""
    root = tmp_path_factory.mktemp("first")
    return root, _run(SMALL, root)


@pytest.fixture
def finished(first: tuple[Path, train.Result], tmp_path: Path) -> train.Result:
    """A copy of a finished run in `tmp_path`."""
    root, result = first
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    assert result.model is not None
    return dataclasses.replace(result, model=tmp_path / result.model.relative_to(root))


def test_learns_real_digits_and_saves_what_it_learned(tmp_path: Path) -> None:
    result = _run(dataclasses.replace(SMALL, filters=8, epochs=4, learning_rate=1e-2), tmp_path)
    assert result.test_accuracy > 0.9
    digits = data.load("digits", 0.1, seed=0)
    logits = keras.models.load_model(result.model).predict(digits.test.samples, verbose=0)
    assert np.mean(logits.argmax(1) == digits.test.targets) == pytest.approx(result.test_accuracy)
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    hits = np.bincount(digits.test.targets[logits.argmax(1) == digits.test.targets], minlength=10)
    counts = np.bincount(digits.test.targets)
    assert [score["support"] for score in card["scores"]] == counts.tolist()
    assert [score["recall"] for score in card["scores"]] == pytest.approx(hits / counts)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoints", "hparams.json", "logs", "model", "report.html"}


def test_the_same_seed_gives_the_same_weights_and_another_others(tmp_path: Path) -> None:
    hparams = dataclasses.replace(SMALL, augment="affine", dropout=0.5, epochs=1)
    first, again, other = (
        _weights(_run(dataclasses.replace(hparams, seed=seed), tmp_path / name))
        for name, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    for one, two, three in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, two)
        assert not np.array_equal(one, three) or one.dtype == np.int64  # dropout's count of steps


def test_keras_s_own_settings_change_nothing(finished: train.Result, tmp_path: Path) -> None:
    former = keras.config.floatx(), keras.config.image_data_format(), keras.config.dtype_policy()
    try:
        keras.config.set_floatx("float16")
        keras.config.set_image_data_format("channels_first")
        keras.config.set_dtype_policy("mixed_bfloat16")
        result = _run(SMALL, tmp_path / "again")
    finally:
        keras.config.set_floatx(former[0])
        keras.config.set_image_data_format(former[1])
        keras.config.set_dtype_policy(former[2])
    for one, two in zip(_weights(finished), _weights(result), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_run_leaves_no_thread(tmp_path: Path) -> None:
    def running() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/task").iterdir()))

    once = dataclasses.replace(SMALL, epochs=1)
    counts = []
    for name in ("first", "second", "third"):  # the first starts TensorFlow's own threads
        _run(once, tmp_path / name)
        counts.append(running())
    assert counts[0][0] == counts[1][0] == counts[2][0]
    assert counts[2][1] < counts[0][1] + 2  # one for each run would be two; TensorFlow may begin one late


@pytest.mark.usefixtures("finished")
def test_the_record_says_what_changes_the_weights(tmp_path: Path) -> None:
    recorded = json.loads((tmp_path / "hparams.json").read_text())
    assert recorded["epoch"] == {"steps": 21, "samples": 1293}
    assert recorded["machine"]["cores"] == len(os.sched_getaffinity(0))
    assert recorded["machine"]["devices"] == 1


def test_a_run_that_goes_on_elsewhere_says_so(tmp_path: Path) -> None:
    stopping = StopAt(13)
    environment = Environment.read({}, str(tmp_path), datetime.datetime(2026, 1, 1))
    with pytest.raises(StoppedError):
        train.run(SMALL, environment, SCREEN, [stopping], stopping.stop)
    record = json.loads((tmp_path / "hparams.json").read_text())
    record["machine"]["threads"] += 2
    (tmp_path / "hparams.json").write_text(json.dumps(record))
    screen = Console(file=io.StringIO(), width=300)
    train.run(SMALL, environment, screen)
    threads = record["machine"]["threads"]
    assert (
        f"not bit-exact, because sums may be rounded differently: threads {threads} then, {threads - 2} now\n"
    ) in screen.file.getvalue()  # type: ignore[attr-defined]


class StopAt(keras.callbacks.Callback):
    """Tells a run to stop once it has done so many steps, or as an event comes."""

    def __init__(self, step: int = -1, event: str = ""):
        super().__init__()
        self.stop, self._step, self._event = Stop(), step, event

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self._first = epoch * self.params["steps"]

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        if 0 <= self._step <= self._first + batch + 1:
            self.stop(signal.SIGTERM)

    def on_test_begin(self, logs: object = None) -> None:
        if self._event == "validation":
            self.stop(signal.SIGTERM)

    def on_train_end(self, logs: object = None) -> None:
        if self._event == "test":
            self.stop(signal.SIGTERM)


def _logged(root: Path) -> list[tuple[str, str, int, bytes]]:
    """Returns each scalar, picture, histogram and text, of times and memory the place alone."""
    found = []
    for path in (root / "logs").rglob("events*"):
        for event in LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                timed = value.tag in ("input_wait", "images_per_second", "memory_mib")
                content = b"" if timed else value.tensor.SerializeToString()
                found.append((path.parent.name, value.tag, event.step, content))
    return sorted(found)


def _watched(root: Path, strategy: str, *, stopping: StopAt | None = None) -> train.Result:
    """Runs with augmentation, dropout, pictures and callbacks that remember something."""
    hparams = dataclasses.replace(
        SMALL,
        augment="affine",
        dropout=0.5,
        schedule="constant",
        strategy=strategy,
        checkpoint_every="5",
        log_images="auto",
    )
    keeping = [
        keras.callbacks.EarlyStopping("val_loss", patience=5, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", patience=0, min_delta=10),
    ]
    environment = Environment.read({}, str(root), datetime.datetime(2026, 1, 1))
    own = [*keeping, *([stopping] if stopping else [])]
    return train.run(hparams, environment, SCREEN, own, stopping.stop if stopping else None)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, list[np.ndarray]]]:
    """Returns, by strategy, the folder and the weights of a run that was not stopped."""

    @functools.cache
    def undisturbed(strategy: str) -> tuple[Path, list[np.ndarray]]:
        root = tmp_path_factory.mktemp(strategy)
        return root, _weights(_watched(root, strategy))

    return undisturbed


@pytest.mark.parametrize(
    ("step", "event", "strategy"),
    [
        (1, "", "single"),
        (13, "", "single"),
        (20, "", "single"),  # before the part batch of an epoch
        (21, "", "single"),  # after it
        (-1, "validation", "single"),
        (-1, "test", "single"),
        (33, "", "mirrored"),
    ],
)
def test_a_run_stopped_anywhere_ends_as_if_it_had_not_been(
    undisturbed: Callable[[str], tuple[Path, list[np.ndarray]]], tmp_path: Path, step: int, event: str, strategy: str
) -> None:
    root, whole = undisturbed(strategy)
    for _ in range(2 if event == "test" else 1):
        with pytest.raises(StoppedError):
            _watched(tmp_path, strategy, stopping=StopAt(step, event))
    assert not (tmp_path / "model" / "model.keras").exists()
    for one, two in zip(whole, _weights(_watched(tmp_path, strategy)), strict=True):
        np.testing.assert_array_equal(one, two)
    stopped, whole_log = _logged(tmp_path), _logged(root)
    assert [entry[:3] for entry in stopped] == [entry[:3] for entry in whole_log]
    assert [entry[:3] for entry, other in zip(stopped, whole_log, strict=True) if entry != other] == []


def test_pictures_beside_the_training_do_not_change_the_weights(finished: train.Result, tmp_path: Path) -> None:
    hparams = dataclasses.replace(SMALL, log_images="7")
    for one, two in zip(_weights(finished), _weights(_run(hparams, tmp_path / "pictures")), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_finished_run_is_not_trained_again(finished: train.Result, tmp_path: Path) -> None:
    again = _run(SMALL, tmp_path)
    assert (again.test_accuracy, again.seconds, again.model) == (finished.test_accuracy, 0.0, finished.model)
    with pytest.raises(UsageError, match="`--job_dir` must be new with `--resume=never`"):
        _run(dataclasses.replace(SMALL, resume="never"), tmp_path)


def test_a_finished_run_whose_model_is_gone_saves_it_again(finished: train.Result, tmp_path: Path) -> None:
    expected = _weights(finished)
    assert finished.model is not None
    finished.model.unlink()
    for one, two in zip(expected, _weights(_run(dataclasses.replace(SMALL, resume="must"), tmp_path)), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_finished_run_writes_the_saved_model_that_it_is_asked_for(finished: train.Result, tmp_path: Path) -> None:
    assert not (tmp_path / "model" / "saved_model.pb").exists()
    asked, weights = dataclasses.replace(SMALL, saved_model="yes"), _weights(finished)
    for wanted in (asked, asked, SMALL):  # once it is there, it stays
        again = _run(wanted, tmp_path)
        assert again.test_accuracy == finished.test_accuracy
        assert (tmp_path / "model" / "saved_model.pb").exists()
    for one, other in zip(_weights(again), weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_rejects_to_go_on_where_every_checkpoint_is_damaged(finished: train.Result, tmp_path: Path) -> None:
    assert finished.model is not None
    finished.model.unlink()
    for path in tmp_path.glob("checkpoints/*/*.state"):
        path.write_bytes(b"")
    with pytest.raises(UsageError, match="must contain an undamaged checkpoint with `--resume=must`"):
        _run(dataclasses.replace(SMALL, resume="must"), tmp_path)


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
        RECIPE,
        {
            "label_smoothing": 0.1,
            "average_epochs": 1.0,
            "mixup": 0.2,
            "erase": 0.5,
            "schedule": "linear",
            "strategy": "mirrored",
        },
        {
            "label_smoothing": 0.1,
            "average_epochs": 1.0,
            "mixup": 0.2,
            "erase": 0.5,
            "schedule": "linear",
            "precision": "float16",
        },
        {
            "label_smoothing": 0.1,
            "average_epochs": 1.0,
            "mixup": 0.2,
            "erase": 0.5,
            "schedule": "linear",
            "compile": "xla",
        },
    ],
)
def test_other_networks_and_ways_train_too(tmp_path: Path, values: dict[str, object]) -> None:
    assert _run(dataclasses.replace(SMALL, epochs=1, **values), tmp_path).test_accuracy > 0  # type: ignore[arg-type]


def test_a_run_keeps_the_precision_that_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hparams = dataclasses.replace(SMALL, precision="auto", epochs=1)
    for chosen in ("bfloat16", "float32"):
        fits = Precision(chosen, "the first machine")
        monkeypatch.setattr(plan.precisions, "choose", lambda *_, fits=fits: fits)
        _run(hparams, tmp_path)
    recorded = json.loads((tmp_path / "hparams.json").read_text())["precision"]
    assert recorded == {"name": "bfloat16", "reason": "the first machine"}


@pytest.mark.slow
def test_a_run_says_whether_it_mirrors_and_keeps_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, targets = signs.arrows(40)
    form = data.Form(images.shape[1:-1], images.shape[-1])
    parts = [data.Memory(images[:60], targets[:60], form), *[data.Memory(images[60:], targets[60:], form)] * 2]
    dataset = data.Dataset(*parts, 2, ("left", "right"))
    environment = Environment.read({}, str(tmp_path), datetime.datetime(2026, 1, 1))
    hparams = dataclasses.replace(SMALL, epochs=1, batch_size=20, augment="auto")
    for _ in range(2):
        screen = Console(file=io.StringIO(), width=300)
        train.run(hparams, environment, screen, read=lambda *_: dataset)
        recorded = json.loads((tmp_path / "hparams.json").read_text())["augmentation"]
        assert recorded["preset"] == "photo_unmirrored"
        assert f"augment photo_unmirrored: {recorded['reason']}" in screen.file.getvalue()  # type: ignore[attr-defined]
        (tmp_path / "model" / "model.json").unlink()
        monkeypatch.setattr(data, "choose_preset", lambda *_: pytest.fail("chosen anew"))
    planned = plan.Plan.make(hparams, environment, screen, lambda *_: dataset)
    assert planned.augmentation == data.Preset(**{"name": recorded["preset"], "reason": recorded["reason"]})
    older = dataclasses.replace(planned, former={key: planned.former[key] for key in ("configuration", "precision")})
    assert older.preset == "photo"


def test_tells_callbacks_of_one_s_own(tmp_path: Path) -> None:
    told: list[int] = []
    own = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: told.append(epoch))
    environment = Environment.read({}, str(tmp_path), datetime.datetime(2026, 1, 1))
    train.run(SMALL, environment, SCREEN, [own, keras.callbacks.EarlyStopping("loss", patience=0, min_delta=1e9)])
    assert told == [0, 1]


def test_stops_early_by_an_accuracy_and_counts_what_was_trained(tmp_path: Path) -> None:
    stopping = keras.callbacks.EarlyStopping(monitor="val_accuracy", patience=0, min_delta=1)
    environment = Environment.read({}, str(tmp_path), datetime.datetime(2026, 1, 1))
    result = train.run(dataclasses.replace(SMALL, epochs=9), environment, SCREEN, [stopping])
    assert result.speed * result.seconds == pytest.approx(2 * 1293)


def test_rejects_a_callback_before_anything_is_written(tmp_path: Path) -> None:
    environment = Environment.read({}, str(tmp_path / "run"), datetime.datetime(2026, 1, 1))
    with pytest.raises(UsageError, match="monitor=….*Received: val_f1"):
        train.run(SMALL, environment, SCREEN, [keras.callbacks.EarlyStopping("val_f1")])
    assert not (tmp_path / "run").exists()


def test_reports_its_metric_to_a_tuning_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"CLOUD_ML_HP_METRIC_FILE": str(tmp_path / "metrics"), "CLOUD_ML_TRIAL_ID": "7"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    environment = Environment.read(variables, str(tmp_path / "run"), datetime.datetime(2026, 1, 1))
    train.run(SMALL, environment, SCREEN)
    lines = [json.loads(line) for line in (tmp_path / "metrics").read_text().splitlines()]
    assert [line["global_step"] for line in lines] == ["1", "2"]
    assert all(0 <= float(line["val_accuracy"]) <= 1 and line["trial"] == "7" for line in lines)


def test_a_finished_trial_reports_its_metric_to_a_new_service_too(tmp_path: Path) -> None:
    now, folder = datetime.datetime(2026, 1, 1), str(tmp_path / "run")
    for name in ("first", "second"):
        environment = Environment.read({"CLOUD_ML_HP_METRIC_FILE": str(tmp_path / name)}, folder, now)
        train.run(SMALL, environment, SCREEN)
    first, second = (
        [{**json.loads(line), "timestamp": 0} for line in (tmp_path / name).read_text().splitlines()]
        for name in ("first", "second")
    )
    assert first == second
    assert len(first) == 2


def test_the_chief_alone_reports(tmp_path: Path) -> None:
    file = tmp_path / "metrics"
    for index, expected in ((0, 1), (1, 0)):
        cluster = Cluster(("127.0.0.1:1", "127.0.0.1:2"), index)
        environment = Environment(tmp_path, tmp_path, tmp_path, tmp_path, str(file), cluster)
        assert len(writers.reports(environment)) == expected
    assert not writers.reports(Environment(tmp_path, tmp_path, tmp_path, tmp_path))


def test_a_metric_file_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    now = datetime.datetime(2026, 1, 1)
    (tmp_path / "file").touch()
    for file, reason in ((f"{tmp_path}/file/metrics", "Not a directory"), ("/dev/full", "No space left on device")):
        environment = Environment.read({"CLOUD_ML_HP_METRIC_FILE": file}, str(tmp_path / "run"), now)
        with pytest.raises(StorageError, match=f"the metric file {file} cannot be written: .*{reason}"):
            train.run(SMALL, environment, SCREEN)


def test_rejects_a_batch_larger_than_the_data_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`--batch_size` must be at most the number of training samples, 1293"):
        _run(dataclasses.replace(SMALL, batch_size=1294), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("finished")
def test_rejects_another_configuration_in_the_same_folder(tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="--filters=2 before, 3 now"):
        _run(dataclasses.replace(SMALL, filters=3), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def _photographs(root: Path) -> Path:
    """Writes folders of three classes of colour images, told apart by their colour; a third of one class's count."""
    for index in range(90):
        label = "red" if index % 6 == 0 else ("green", "blue")[index % 2]
        pixels = np.random.default_rng(index).integers(0, 100, (12 + index % 5, 14, 3), dtype=np.uint8)
        pixels[..., ("red", "green", "blue").index(label)] += 130
        path = root / label / f"{index} ö.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        keras.utils.save_img(path, pixels, scale=False)
    return root


PHOTOGRAPHS = dataclasses.replace(SMALL, batch_size=16, image_size=16, augment="auto", learning_rate=1e-2, epochs=3)


def test_learns_a_folder_of_photographs(tmp_path: Path) -> None:
    folder = _photographs(tmp_path / "photographs")
    hparams = dataclasses.replace(PHOTOGRAPHS, data=str(folder), epochs=8, filters=4, class_weights="auto")
    assert _run(hparams, tmp_path / "run").test_accuracy > 0.8


def test_a_run_on_files_stopped_anywhere_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    folder = _photographs(tmp_path / "photographs")
    hparams = dataclasses.replace(PHOTOGRAPHS, data=str(folder), dropout=0.5, log_images="auto", class_weights="auto")
    whole = _weights(_run(hparams, tmp_path / "whole"))
    stopping = StopAt(6)
    environment = Environment.read({}, str(tmp_path / "stopped"), datetime.datetime(2026, 1, 1))
    with pytest.raises(StoppedError):
        train.run(hparams, environment, SCREEN, [stopping], stopping.stop)
    for one, two in zip(whole, _weights(_run(hparams, tmp_path / "stopped")), strict=True):
        np.testing.assert_array_equal(one, two)
    stopped, whole_log = _logged(tmp_path / "stopped"), _logged(tmp_path / "whole")
    assert [entry[:3] for entry in stopped] == [entry[:3] for entry in whole_log]
    assert [entry[:3] for entry, other in zip(stopped, whole_log, strict=True) if entry != other] == []
    assert {"augmentation", "feature_maps/red"} <= {tag for _, tag, _, _ in whole_log}


def test_a_broken_photograph_is_named_or_left_out(tmp_path: Path) -> None:
    folder = _photographs(tmp_path / "photographs")
    path = next(path for path in sorted((folder / "blue").iterdir()))
    path.write_bytes(path.read_bytes()[:-30])
    hparams = dataclasses.replace(PHOTOGRAPHS, data=str(folder), epochs=1)
    with pytest.raises(UsageError, match="must be a JPEG, PNG, GIF, BMP or WebP image that can be read") as error:
        _run(hparams, tmp_path / "run")
    assert str(error.value).startswith(str(path))
    screen = Console(file=io.StringIO(), width=300)
    environment = Environment.read({}, str(tmp_path / "other"), datetime.datetime(2026, 1, 1))
    train.run(dataclasses.replace(hparams, skip_broken="yes"), environment, screen)
    assert f"skipped: {path}: " in screen.file.getvalue()  # type: ignore[attr-defined]
    assert "1 of 90 images are broken and skipped" in screen.file.getvalue()  # type: ignore[attr-defined]
