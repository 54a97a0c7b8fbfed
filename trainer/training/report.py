"""When a run reports its metric to the service that tunes it."""

from collections.abc import Mapping
from typing import Any

import keras

from trainer.training.metric import MetricReport


class ReportMetric(keras.callbacks.Callback):
    """Reports the metric of each epoch; a resumed run reports those of the epochs before again.

    Before `SaveCheckpoint`, which then saves what was reported; a value that is not finite ends the run unsaved.

    Args:
      report: takes the value and the number of epochs, and keeps them.
    """

    def __init__(self, report: MetricReport):
        super().__init__()
        self._report = report

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._report(self._report.metric.value(logs), epoch + 1)

    def get_state(self) -> dict[str, Any]:
        return {"reported": self._report.reported}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._report.again(state["reported"])
