"""The beginning of a new run's log."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
from tensorboard.compat.proto.summary_pb2 import Summary

from trainer.data.form import Form
from trainer.insight import choice, table
from trainer.tensorboard import experiment, summaries
from trainer.tensorboard.experiment import Domain, Metric
from trainer.tensorboard.log import RUN, VALIDATION, Log

# Of the HParams table; the tuned ones first.
_FIRST_COLUMNS = ("filters", "kernel_size", "learning_rate", "padding", "stride")


class Introduction(keras.callbacks.Callback):
    """Writes the constant part before the first step: graphs, table of layers, configuration, the run's row.

    A resumed log already has it.

    Args:
      log: of the run.
      configuration: the run's, and its columns in the HParams table.
      command: the command line.
      metrics: the names of the metrics that matter, the one of `--metric` first.
      form: of the samples; with None, the table has no units.

    Raises:
      StorageError: an event cannot be written.
    """

    def __init__(
        self,
        log: Log,
        configuration: Mapping[str, Any],
        command: str,
        metrics: Sequence[str],
        form: Form | None = None,
    ):
        super().__init__()
        self._log, self._configuration, self._command, self._form = log, dict(configuration), command, form
        self._metrics = metrics

    def on_train_begin(self, logs: Any = None) -> None:
        if not self._log.is_new:
            return
        self._log.add_graph(summaries.op_graph(self.model))
        rows = "".join(f"| {name} | {value} |\n" for name, value in self._configuration.items())
        conceptual = summaries.keras_graph(self.model)
        said = choice.lines(self.model)
        for summary in (
            *([conceptual] if conceptual else []),
            *([summaries.text("pictures", "\n\n".join(said))] if said else []),
            summaries.text("network", table.markdown(self.model, self._form)),
            summaries.text("configuration", f"| flag | value |\n| --- | --- |\n{rows}"),
            summaries.text("command_line", f"    {self._command}"),
            summaries.layout(self._metrics),
            *self._row(),
        ):
            self._log.add(RUN, summary, 0)

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """There is nothing to restore."""

    def _row(self) -> Iterator[Summary]:
        """Yields the row of the HParams table, which a study writes itself for its trials."""
        root = self._log.folder.parent
        if not experiment.is_listed(root):
            names = sorted(self._configuration, key=lambda name: name not in _FIRST_COLUMNS)
            yield experiment.columns(
                [Domain(name=name) for name in names],
                [Metric(tag=tag, title=tag, run=VALIDATION) for tag in self._metrics],
            )
            yield experiment.start(self._configuration, experiment.group(root), time.time())
