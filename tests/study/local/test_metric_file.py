import json
import subprocess
import sys
from pathlib import Path

import pytest

from trainer.study.local.metric_file import MetricFile
from trainer.training.metric import RESERVED

TAG = "val_accuracy"


def _line(step: object, value: object, timestamp: object = 1.0, tag: str = TAG) -> str:
    entry = {"checkpoint_path": "", "global_step": step, tag: value, "timestamp": timestamp, "trial": "1"}
    return json.dumps(entry, sort_keys=True) + "\n"


def _read(path: Path, content: str | bytes) -> list[tuple[int, float, float]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [(step, value, timestamp) for step, value, timestamp in MetricFile(path, TAG).read()]


def test_reads_the_library_s_entries(tmp_path: Path) -> None:
    content = _line("1", "0.5", 11.0) + _line("2", "0.75", 12.0)
    assert _read(tmp_path / "metrics", content) == [(1, 0.5, 11.0), (2, 0.75, 12.0)]


def test_there_is_nothing_before_the_file_is(tmp_path: Path) -> None:
    file = MetricFile(tmp_path / "later" / "metrics", TAG)
    assert file.read() == []
    (tmp_path / "later").mkdir()
    assert file.read() == []
    (tmp_path / "later" / "metrics").write_text(_line("1", "0.5"))
    assert len(file.read()) == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n\n",
        _line("1", "0.5")[:-10],
        _line("1", "nan"),
        _line("1", "-inf"),
        _line("1", "0.5", "nan"),
        _line("1", "0.5", tag="loss"),
        _line("one", "0.5"),
        _line("inf", "0.5"),
        _line(None, "0.5"),
        _line("1", []),
        "[1, 2]\n",
        "7\n",
        "null\n",
        "{}\n",
        b"\x00\xff\xfe\n",
    ],
)
def test_leaves_out_what_is_no_report(tmp_path: Path, content: str | bytes) -> None:
    raw = content.encode() if isinstance(content, str) else content
    assert _read(tmp_path / "metrics", raw) == []
    whole = [(2, 0.75, 9.0)]
    assert _read(tmp_path / "metrics", _line("2", "0.75", 9.0).encode() + raw) == whole
    assert _read(tmp_path / "metrics", raw + b"\n" + _line("2", "0.75", 9.0).encode()) == whole


def test_takes_numbers_in_any_form(tmp_path: Path) -> None:
    assert _read(tmp_path / "metrics", _line(1, 0.5) + _line("2.0", "1e-3", "7")) == [(1, 0.5, 1.0), (2, 0.001, 7.0)]


def test_every_prefix_of_a_file_is_read(tmp_path: Path) -> None:
    lines = [_line(str(step), str(step / 4), float(step)) for step in (1, 2, 3)]
    whole = "".join(lines)
    for length in range(len(whole)):
        complete = sum(len("".join(lines[: count + 1])) - 1 <= length for count in range(3))
        assert [step for step, *_ in _read(tmp_path / "metrics", whole[:length])] == [1, 2, 3][:complete]


def test_collects_over_rewriting(tmp_path: Path) -> None:
    path = tmp_path / "metrics"
    file = MetricFile(path, TAG)
    path.write_text(_line("1", "0.1", 1.0) + _line("2", "0.2", 2.0))
    assert len(file.read()) == 2
    path.write_text("")
    assert len(file.read()) == 2
    path.write_text(_line("2", "0.2", 2.0) + _line("3", "0.3", 3.0))  # the first of a hundred is dropped
    assert [step for step, *_ in file.read()] == [1, 2, 3]
    path.write_text(_line("1", "0.1", 9.0))  # a trial that goes on reports again
    path.unlink()
    assert [step for step, *_ in file.read()] == [1, 2, 3]
    path.write_text(_line("1", "0.1", 9.0))
    assert [(step, timestamp) for step, _, timestamp in file.read()] == [(1, 1.0), (1, 9.0), (2, 2.0), (3, 3.0)]


@pytest.mark.parametrize("tag", RESERVED)
def test_rejects_a_tag_that_is_another_field(tmp_path: Path, tag: str) -> None:
    with pytest.raises(ValueError, match=f"`tag` must not be one of .* Received: {tag}"):
        MetricFile(tmp_path / "metrics", tag)


def test_reads_in_a_tight_loop_what_the_library_writes_meanwhile(tmp_path: Path) -> None:
    path, steps = tmp_path / "metrics", 600
    program = (
        "import hypertune\n"
        "library = hypertune.HyperTune()\n"
        f"for step in range(1, {steps + 1}):\n"
        f"    library.report_hyperparameter_tuning_metric('loss', -step, global_step=step)\n"
        f"    library.report_hyperparameter_tuning_metric('{TAG}', step / 8, global_step=step)\n"
    )
    environment = {"CLOUD_ML_HP_METRIC_FILE": str(path), "CLOUD_ML_TRIAL_ID": "1", "PATH": ""}
    file, sizes = MetricFile(path, TAG), []
    with subprocess.Popen([sys.executable, "-c", program], env=environment) as writer:
        while writer.poll() is None:
            sizes.append(len(file.read()))
    assert writer.returncode == 0
    reports = file.read()
    assert all(report.value == report.step / 8 for report in reports), "never a line of two halves"
    assert [report.step for report in reports][-50:] == [*range(steps - 49, steps + 1)], "the library's last hundred"
    assert [report.timestamp for report in reports] == sorted(report.timestamp for report in reports)
    assert len({report.step for report in reports}) == len(reports)
    assert sizes == sorted(sizes)


def test_a_line_that_is_too_deep_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "output.metrics"
    path.write_text("[" * 100_000)  # found by tests.fuzz: metrics-1-57
    assert MetricFile(path, "val_accuracy").read() == []
