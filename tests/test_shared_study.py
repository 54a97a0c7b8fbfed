from pathlib import Path

import pytest

from examples import shared_study

CONFIG = str(Path(__file__).parents[1] / "config.yaml")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--fliters=3"], "`--fliters` is not a flag. Did you mean --filters?"),
        (["--job_dir=runs/x"], "`--job_dir` must be left out: the output of all trials is in `--study`"),
        (["--max_trial_count=-1"], "`--max_trial_count` must be a whole number of at least 0. Received: -1"),
        (["--config=nothing.yaml"], "`--config` must be a file to read"),
    ],
)
def test_rejects_flags(flags: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shared_study.main([f"--study={tmp_path}", f"--config={CONFIG}", *flags]) == 2
    assert capsys.readouterr().err.startswith(f"shared_study: {told}")


def test_suggests_each_trial_to_one_process(tmp_path: Path) -> None:
    job = shared_study.read(Path(CONFIG), 3, ["--data=digits"])
    one, other = (shared_study.SharedStudy(tmp_path, job) for _ in range(2))
    found = [one.next(), other.next(), one.next()]
    trials = [trial for trial, _ in filter(None, found)]
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert len({str(trial.params) for trial in trials}) == 3
    assert one.next() is None
    assert other.is_running
    assert found[1]
    found[1][1].close()  # as the kernel does when the processes of this trial have ended
    again = one.next()
    assert again
    assert (again[0].number, again[0].params) == (1, trials[1].params)
    assert other.next() is None
    for held in (found[0], again, found[2]):
        assert held
        assert one.end(*held, 1).startswith(f"trial {held[0].number}: infeasible: exit status 1")
    assert not other.is_running
    assert other.conclusion() == ""


def test_rejects_another_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared_study.SharedStudy(tmp_path, shared_study.read(Path(CONFIG), 2, ["--data=digits"]))
    words = [f"--study={tmp_path}", f"--config={CONFIG}", "--data=digits", "--epochs=3"]
    assert shared_study.main(words) == 2
    assert "`--study` must be new, or a study of the same file and flags" in capsys.readouterr().err
