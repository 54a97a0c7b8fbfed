"""The HParams page as TensorBoard's own plugin answers for it."""

import contextlib
import dataclasses
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import pytest
from tensorboard import context
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.data.provider import ListHyperparametersResult
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.list_session_groups import Handler

from trainer.errors import StoppedError, StorageError
from trainer.hparams import HParams
from trainer.tensorboard import board, experiment
from trainer.tensorboard.experiment import FAILED, RUNNING, STOPPED, SUCCESS, Domain, Metric, Point, Session
from trainer.tensorboard.log import Log
from trainer.tensorboard.schedule import Schedule

DOMAINS = (
    Domain(name="rate", low=0.5, high=2.0),
    Domain(name="filters", values=(4.0, 8.0)),
    Domain(name="padding", values=("same", "valid")),
    Domain(name="stride", low=1, high=2),
    Domain(name="units", values=tuple(range(1, 13))),
    Domain(name="a", low=1, high=1),
)
METRICS = (Metric(tag="score", title="the score"),)
DONE = Session(
    name="1",
    parameters={"rate": 1.5, "filters": 8.0, "padding": "same"},
    status=SUCCESS,
    started=100.0,
    ended=110.0,
    curves={"score": [Point(1, 0.25, 104.0), Point(2, 0.5, 108.0)]},
)
CRASHED = Session(name="2", parameters={"rate": 0.5, "filters": 4.0}, status=FAILED, started=100.0, ended=101.0)
GOING = dataclasses.replace(DONE, name="10", status=RUNNING, ended=0.0)


class Reader:
    """TensorBoard over a folder, which `read` reads again."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._runs = EventMultiplexer()
        provider = MultiplexerDataProvider(self._runs, str(folder))
        self._context = Context(TBContext(data_provider=provider, multiplexer=self._runs, logdir=str(folder)))
        self.read()

    def read(self) -> None:
        self._runs.AddRunsFromDirectory(str(self._folder))
        self._runs.Reload()

    def experiment(self) -> api_pb2.Experiment:
        request = context.RequestContext()
        content = self._context.hparams_metadata(request, "")
        nothing = ListHyperparametersResult(hyperparameters=[], session_groups=[])
        return self._context.experiment_from_metadata(request, "", True, content, nothing)

    def rows(self) -> dict[str, tuple[Sequence[int], dict[str, Any], dict[str, float]]]:
        """Returns the statuses, parameters and metrics of each row, by its name, in the order of the page."""
        asked = api_pb2.ListSessionGroupsRequest(slice_size=100, allowed_statuses=[STOPPED, SUCCESS, FAILED, RUNNING])
        answer = Handler(context.RequestContext(), self._context, "", asked).run()
        return {
            group.name: (
                [session.status for session in group.sessions],
                {
                    name: value.string_value if value.HasField("string_value") else value.number_value
                    for name, value in group.hparams.items()
                },
                {metric.name.tag: metric.value for metric in group.metric_values},
            )
            for group in answer.session_groups
        }


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    experiment.write(folder, DOMAINS, METRICS, [DONE, CRASHED, GOING])
    return folder


def test_each_trial_is_one_row_in_the_order_of_its_number(study: Path) -> None:
    rows = Reader(study).rows()
    parameters = {"rate": 1.5, "filters": 8.0, "padding": "same"}
    assert list(rows) == ["study/001", "study/002", "study/010"]
    assert rows["study/001"] == ([SUCCESS], parameters, {"score": 0.5})
    assert rows["study/002"] == ([FAILED], {"rate": 0.5, "filters": 4.0}, {})
    assert rows["study/010"] == ([RUNNING], parameters, {"score": 0.5})


def test_columns_have_their_domains_and_the_first_five_are_shown(study: Path) -> None:
    found = Reader(study).experiment()
    columns = {info.name: info for info in found.hparam_infos}
    assert {name for name, info in columns.items() if info.differs} == {"rate", "filters", "padding", "stride", "units"}
    assert (columns["rate"].domain_interval.min_value, columns["rate"].domain_interval.max_value) == (0.5, 2)
    assert (columns["stride"].domain_interval.min_value, columns["stride"].domain_interval.max_value) == (1, 2)
    assert list(columns["filters"].domain_discrete) == [4, 8]
    assert list(columns["padding"].domain_discrete) == ["same", "valid"]
    # TensorBoard would ask for an expression, and fail on it, for expressions are for texts.
    assert (columns["units"].domain_interval.min_value, columns["units"].domain_interval.max_value) == (1, 12)
    assert columns["a"].WhichOneof("domain") is None
    assert [(info.name.tag, info.display_name) for info in found.metric_infos] == [("score", "the score")]


def test_a_tensorboard_that_watches_sees_a_running_trial_go_on_and_end(study: Path) -> None:
    reader = Reader(study)
    longer = dataclasses.replace(GOING, curves={"score": [*GOING.curves["score"], Point(3, 0.75, 112.0)]})
    experiment.write(study, DOMAINS, METRICS, [DONE, CRASHED, longer])
    reader.read()
    assert reader.rows()["study/010"][::2] == ([RUNNING], {"score": 0.75})
    experiment.write(study, DOMAINS, METRICS, [DONE, CRASHED, dataclasses.replace(longer, status=FAILED, ended=113.0)])
    reader.read()
    assert reader.rows()["study/010"][::2] == ([FAILED], {"score": 0.75})
    assert len(reader.rows()) == 3


def test_a_trial_that_starts_again_is_one_row(study: Path) -> None:
    experiment.write(study, DOMAINS, METRICS, [DONE, dataclasses.replace(CRASHED, status=RUNNING), GOING])
    assert Reader(study).rows()["study/002"][0] == [RUNNING]


def test_writing_again_changes_no_file(study: Path) -> None:
    def files() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in study.rglob("*") if path.is_file()}

    before = files()
    experiment.write(study, DOMAINS, METRICS, [DONE, CRASHED, GOING])
    assert files() == before
    assert len(before) == 4


def test_what_was_torn_or_is_wrong_is_mended(study: Path) -> None:
    path = study / "hparams" / "1" / "events.out.tfevents.study"
    whole = path.read_bytes()
    for content in (whole[:100], b"", b"nonsense", whole + b"more"):
        path.write_bytes(content)
        experiment.write(study, DOMAINS, METRICS, [DONE, CRASHED, GOING])
        assert path.read_bytes() == whole
    assert not list(study.rglob(".partial"))


def test_rows_of_former_trials_go(study: Path) -> None:
    experiment.write(study, DOMAINS, METRICS, [CRASHED])
    assert list(Reader(study).rows()) == ["study/002"]


def test_a_study_without_trials_has_a_page_already(tmp_path: Path) -> None:
    assert not experiment.is_listed(tmp_path / "1")
    experiment.write(tmp_path, DOMAINS, METRICS, [])
    assert experiment.is_listed(tmp_path / "1")
    assert Reader(tmp_path).rows() == {}


def test_rejects_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "hparams").touch()
    with pytest.raises(StorageError, match=r"the page of trials in .*hparams cannot be written"):
        experiment.write(tmp_path, DOMAINS, METRICS, [DONE])


@pytest.mark.parametrize(("has_page", "rows"), [(True, {"study/001": [SUCCESS]}), (False, {"study/001": [STOPPED]})])
def test_a_trial_writes_its_row_where_its_study_does_not(
    has_page: bool, rows: dict[str, list[int]], tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    if has_page:
        experiment.write(folder, DOMAINS, METRICS, [DONE])
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    log = Log(folder / "1" / "logs")
    callbacks = board.callbacks(log, HParams(filters=4), Schedule(), target="classes", samples=20)
    with contextlib.suppress(StoppedError), board.session(log):
        keras.callbacks.CallbackList(callbacks, model=model, epochs=1, steps=2).on_train_begin()
        raise StoppedError
    reader = Reader(folder)
    assert {name: row[0] for name, row in reader.rows().items()} == rows
    assert ("seed" in {info.name for info in reader.experiment().hparam_infos}) != has_page


@pytest.mark.parametrize(
    ("target", "metric", "columns"),
    [
        ("classes", "auto", ["accuracy", "loss"]),
        ("classes", "macro_f1", ["macro_f1", "accuracy", "loss"]),
        ("labels", "f1", ["f1", "average_precision", "loss"]),
        ("numbers", "loss", ["loss", "mean_absolute_error"]),
    ],
)
def test_the_columns_and_the_first_charts_are_the_metrics_of_the_run(
    target: str, metric: str, columns: list[str], tmp_path: Path
) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    log = Log(tmp_path / "1" / "logs")
    callbacks = board.callbacks(log, HParams(filters=4, metric=metric), Schedule(), target=target, samples=20)
    with board.session(log):
        keras.callbacks.CallbackList(callbacks, model=model, epochs=1, steps=2).on_train_begin()
    assert [info.name.tag for info in Reader(tmp_path).experiment().metric_infos] == columns
    (event,) = EventAccumulator(str(log.folder)).Reload().Tensors("custom_scalars__config__")
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    charts = [chart.title for chart in layout.category[0].chart]
    assert charts == [*dict.fromkeys(("loss", *columns)), "learning_rate", "gradient_norm"]


@pytest.mark.parametrize(
    ("root", "name"),
    [("/runs/study/3", "study/003"), ("/runs/study/1000", "study/1000"), ("/runs/a", "runs/a"), ("logs", "logs")],
)
def test_a_row_is_named_by_the_last_two_folders(root: str, name: str) -> None:
    assert experiment.group(Path(root)) == name


def test_it_needs_no_tensorflow() -> None:
    code = "import sys, trainer.tensorboard.experiment; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
