import json
from pathlib import Path

import pytest

from trainer.cloud.tuning import MetricReport


def test_writes_what_a_tuning_service_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "new" / "metrics"
    monkeypatch.setenv("CLOUD_ML_HP_METRIC_FILE", str(file))
    monkeypatch.setenv("CLOUD_ML_TRIAL_ID", "3")
    report = MetricReport(str(file))
    report(0.5, step=1)
    report(0.75, step=2)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["val_accuracy"], line["global_step"], line["trial"]) for line in lines] == [
        ("0.5", "1", "3"),
        ("0.75", "2", "3"),
    ]
