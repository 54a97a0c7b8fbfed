"""The HParams page: one row for each run, and the page of a study, which lists all of its trials. No TensorFlow."""

import dataclasses
import io
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import metadata as hparams_plugin
from tensorboard.plugins.hparams import summary_v2 as hparams_summaries
from tensorboard.plugins.scalar import summary_v2 as scalars
from tensorboard.summary.writer.record_writer import RecordWriter

from trainer import files
from trainer.errors import StorageError

Value = float | int | str  # a truth value is an integer here

SUCCESS, FAILED, RUNNING, STOPPED = (
    api_pb2.STATUS_SUCCESS,
    api_pb2.STATUS_FAILURE,
    api_pb2.STATUS_RUNNING,
    api_pb2.STATUS_UNKNOWN,
)
PAGE = "hparams"  # the folder of a study's page, within the study

_FILE = "events.out.tfevents.study"
# TensorBoard never takes back a status that it has read, but forgets a run whose folder is gone. So a trial that runs
# is a run of its own.
_UNFINISHED = "running"
_SHOWN = 5  # columns that TensorBoard shows by default: the first of those marked as different
_BOXES = 9  # values of a domain that TensorBoard offers one by one; with more it asks for an expression


@dataclasses.dataclass(frozen=True, kw_only=True)
class Domain:
    """One column of parameters and its domain; without bounds and values if the domain is unknown.

    Attributes:
      name: the parameter's.
      low: the smallest number.
      high: the largest, above the smallest.
      values: all possible numbers or texts, if they are few.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    values: Sequence[Value] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metric:
    """One column of results.

    Attributes:
      tag: of the scalar whose last value is the result.
      title: the column's heading.
      run: TensorBoard's run, below this run, with that scalar; `` is the folder itself.
    """

    tag: str
    title: str
    run: str = ""


@dataclasses.dataclass(frozen=True)
class Point:
    """A scalar's value at a step, and its time in seconds since 1970."""

    step: int
    value: float
    seconds: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Session:
    """One row of a study's page.

    Attributes:
      name: of the trial and of its folder.
      parameters: of the trial.
      status: `SUCCESS`, `FAILED` or `RUNNING`.
      started: seconds since 1970.
      ended: seconds since 1970; 0 while it runs.
      curves: its scalars, by tag.
    """

    name: str
    parameters: Mapping[str, Value]
    status: int
    started: float = 0.0
    ended: float = 0.0
    curves: Mapping[str, Sequence[Point]] = dataclasses.field(default_factory=dict)


def columns(domains: Sequence[Domain], metrics: Sequence[Metric]) -> Summary:
    """Returns the columns; TensorBoard shows the first five parameters by default."""
    config = hparams_summaries.hparams_config_pb(
        [hparams_summaries.HParam(domain.name, _domain(domain)) for domain in domains],
        [hparams_summaries.Metric(one.tag, group=one.run or None, display_name=one.title) for one in metrics],
        time_created_secs=0,
    )
    about = config.value[0].metadata.plugin_data
    data = plugin_data_pb2.HParamsPluginData.FromString(about.content)
    for index, info in enumerate(data.experiment.hparam_infos):
        info.differs = index < _SHOWN
    about.content = data.SerializeToString()
    return config


def start(parameters: Mapping[str, Value], group: str, seconds: float) -> Summary:
    """Returns a row.

    Args:
      parameters: its values.
      group: one name for all starts of the same run, as `group` makes it.
      seconds: when it began, since 1970.
    """
    return hparams_summaries.hparams_pb(dict(parameters), trial_id=group, start_time_secs=seconds)


def end(status: int, seconds: float) -> Summary:
    """Returns the status of a run that ended, one of the four above, and its time in seconds since 1970."""
    info = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=seconds)
    about = hparams_plugin.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=info))
    summary = Summary()
    summary.value.add(tag=hparams_plugin.SESSION_END_INFO_TAG, metadata=about, tensor=hparams_plugin.NULL_TENSOR)
    return summary


def group(root: Path) -> str:
    """Returns the name of a run's row, `<study>/<trial>`; the whole path would be truncated.

    Rows are sorted by name as text, so the number of a trial has three digits.
    """
    trial = root.name
    return "/".join([*root.parts[-2:-1], f"{int(trial):03}" if trial.isdecimal() else trial])


def is_listed(root: Path) -> bool:
    """Returns whether a run is a trial of a study that has a page, and so lists the run by itself."""
    return has_page(root.parent)


def has_page(folder: Path) -> bool:
    """Returns whether a folder is a study with a page."""
    return (folder / PAGE / _FILE).is_file()


def write(folder: Path, domains: Sequence[Domain], metrics: Sequence[Metric], sessions: Sequence[Session]) -> None:
    """Updates a study's page, below `hparams` in its folder; unchanged files are not rewritten.

    Each row is a run of TensorBoard. Once the page exists, trials write no rows: of two rows of one
    trial TensorBoard shows the columns of either, and both their statuses.

    Args:
      folder: the study's.
      domains: the columns of parameters, the most interesting ones first.
      metrics: the columns of results.
      sessions: the rows.

    Raises:
      StorageError: it cannot be written.
    """
    page = folder.absolute() / PAGE
    try:
        _put(page / _FILE, _records([Event(summary=columns(domains, metrics))]))
        for session in sessions:
            row = page / session.name
            is_running = session.status == RUNNING
            folder_of_row = row / _UNFINISHED if is_running else row
            _put(folder_of_row / _FILE, _records(_events(session, group(page.parent / session.name))))
            if is_running:
                (row / _FILE).unlink(missing_ok=True)
            else:
                shutil.rmtree(row / _UNFINISHED, ignore_errors=True)
        names = {session.name for session in sessions}
        for former in page.iterdir():
            if former.is_dir() and former.name not in names:
                shutil.rmtree(former)
    except OSError as error:
        raise StorageError(f"the page of trials in {page} cannot be written: {error.strerror}") from error


def _domain(domain: Domain) -> hparams_summaries.Domain | None:
    values = [float(value) if isinstance(value, int) else value for value in domain.values]
    numbers = [value for value in values if not isinstance(value, str)]
    if values and (len(values) <= _BOXES or len(numbers) < len(values)):
        return hparams_summaries.Discrete(values)
    low, high = (min(numbers), max(numbers)) if numbers else (domain.low, domain.high)
    return hparams_summaries.RealInterval(float(low), float(high)) if low < high else None


def _events(session: Session, name: str) -> Iterator[Event]:
    """Yields a row's events so that those of a running trial that has measured more begin with the same."""
    yield Event(wall_time=session.started, summary=start(session.parameters, name, session.started))
    yield Event(wall_time=session.ended or session.started, summary=end(session.status, session.ended))
    points = [(point, tag) for tag, curve in session.curves.items() for point in curve]
    for point, tag in sorted(points, key=lambda pair: pair[0].step):
        yield Event(wall_time=point.seconds, step=point.step, summary=scalars.scalar_pb(tag, float(point.value)))


def _records(events: Sequence[Event] | Iterator[Event]) -> bytes:
    """Returns the content of an event file."""
    content = io.BytesIO()
    writer = RecordWriter(content)
    for event in (Event(file_version="brain.Event:2"), *events):
        writer.write(event.SerializeToString())
    return content.getvalue()


def _put(path: Path, content: bytes) -> None:
    """Writes this content to a file; appends if possible, since TensorBoard reads no byte of a file twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    former = path.read_bytes() if path.exists() else b""
    if former and content.startswith(former):
        with path.open("ab") as file:
            file.write(content[len(former) :])
        return
    # TensorBoard reads every file whose name holds the event file's.
    files.replace(path, content, partial=path.with_name(".partial"))
