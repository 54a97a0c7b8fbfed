"""The program that writes reports: `python -m trainer.report`."""

from pathlib import Path

import pytest

from tests.gcs.server import serve
from tests.pages import runs
from tests.pages.parsed import parsed
from tests.study.shown import SHOWN, TRIALS
from trainer.report.__main__ import main
from trainer.study.local.ledger import Ledger

RULE = "`--job_dir` must be the folder of a run or of a study"


def test_it_writes_the_report_of_a_run_and_replaces_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = runs.write(tmp_path / "run")
    for _ in range(2):
        assert main([f"--job_dir={root}"]) == 0
        assert capsys.readouterr().out == f"report in {root}/report.html\n"
    assert "Run run" in parsed((root / "report.html").read_text()).text
    assert main([f"--job-dir={root}", f"--output={tmp_path / 'x.html'}"]) == 0
    assert (tmp_path / "x.html").read_text().startswith("<!doctype html>")


def test_and_of_a_study(tmp_path: Path) -> None:
    Ledger(tmp_path, SHOWN, 0).put(*TRIALS)
    assert main([f"--job_dir={tmp_path}"]) == 0
    assert "Parallel coordinates" in parsed((tmp_path / "report.html").read_text()).text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "{rule}. Received: nothing"),
        (["--job_dir=none"], "{rule}. Received: none, which does not exist"),
        (["--job_dir=empty"], "{rule}. Received: empty, which is empty"),
        (["--job_dir=a.txt"], "{rule}. Received: a.txt (Not a directory)"),
        (
            ["--job_dir=."],
            "{rule}. Received: ., which contains neither hparams.json nor study.json",
        ),
        (
            ["--job_dir=run", "--output=a.txt"],
            "`--output` must be a new file, or a report to replace. Received: a.txt, another file",
        ),
        (["--job_dir=run", "--output=empty"], "`--output` must be a file. Received: empty, a folder"),
        (
            ["--job_dir=run", "--output=no/x.html"],
            "`--output` must be a file that can be written. Received: no/x.html (No such file or directory)",
        ),
        (["--job_dir=run", "--output=gs://b/x"], "`--output` must be a file on this machine. Received: gs://b/x"),
        (["--jobdir=run"], "`--jobdir` is not a flag. Did you mean --job_dir?"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_writes_nothing(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    runs.write(tmp_path / "run")
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"trainer.report: {message.format(rule=RULE)}\n"
    assert sorted(tmp_path.rglob("*")) == before


def test_reads_a_bucket_and_writes_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = runs.write(tmp_path / "run")
    (root / "checkpoints" / "20.state").write_bytes(b"large")
    monkeypatch.chdir(tmp_path)
    with serve(rate_limit=False) as server:
        for path in root.rglob("*"):
            if path.is_file():
                server.put("bucket", f"a/run/{path.relative_to(root)}", path.read_bytes())
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        assert main(["--job_dir=gs://bucket/a/run/"]) == 0
        assert main(["--job_dir=gs://bucket/none"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "report in report-run.html\n"
    assert "must be the folder of a run or of a study. Received: gs://bucket/none" in captured.err
    found = parsed(Path("report-run.html").read_text())
    assert "75.00%" in found.text
    assert "--model=gs://bucket/a/run/model" in found.text
