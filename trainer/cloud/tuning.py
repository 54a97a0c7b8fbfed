"""The metric report that a tuning service reads."""

from pathlib import Path

import hypertune

METRIC = "val_accuracy"


class MetricReport:
    """Reports the metric that a trial is ranked by, through cloudml-hypertune.

    The library finds its file and the trial's number in `CLOUD_ML_HP_METRIC_FILE` and `CLOUD_ML_TRIAL_ID` itself.

    Args:
      metric_file: the file; its folder is made first, because the library's own attempt races with other trials.
    """

    def __init__(self, metric_file: str):
        Path(metric_file).parent.mkdir(parents=True, exist_ok=True)
        self._hypertune = hypertune.HyperTune()
        self._reported: list[tuple[float, int]] = []

    def __call__(self, value: float, step: int) -> None:
        """Reports the metric's value after `step` epochs."""
        self._reported.append((float(value), step))
        self._hypertune.report_hyperparameter_tuning_metric(METRIC, value, global_step=step)

    @property
    def reported(self) -> list[tuple[float, int]]:
        """The values reported so far, and after how many epochs."""
        return [*self._reported]
