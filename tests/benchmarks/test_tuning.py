import random

import pytest

from benchmarks import objectives, simulated_studies, tuning, whole_studies
from tests import forked
from trainer.study.search.space import Space


def test_prints_the_regret(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["tuning", "--only=regret", "--seeds=2", "--trials=9", "--engines", "ours", "random", "Optuna TPE"]
    monkeypatch.setattr("sys.argv", words)
    tuning.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("regret x 1e-3, 9 trials, 2 seeds")
    assert [line.split("  ")[0] for line in lines[1:]] == ["ours", "random", "Optuna TPE", "to reach"]
    assert lines[-1].split() == ["to", "reach", "<=", "7", "<=", "5"]


def test_prints_what_stopping_and_a_budget_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated_studies, "SHAPES", {"networks": simulated_studies.networks})
    for only, count in (("stopping", 5), ("budget", 5)):
        monkeypatch.setattr("sys.argv", ["tuning", f"--only={only}", "--seeds=1", "--trials=7"])
        tuning.main()
        assert len(capsys.readouterr().out.splitlines()) == count


def test_a_simulated_study_ends_at_its_limit_and_with_what_it_knows() -> None:
    job = tuning._in_pairs(7)
    whole = simulated_studies.run(job, objectives.centred, simulated_studies.power, 4, 0)
    assert (whole.trials, whole.epochs, whole.wrong) == (7, 28, 0)
    assert 0 <= whole.regret < 0.5
    short = simulated_studies.run(job, objectives.centred, simulated_studies.power, 4, 0, limit=20)
    assert 0 < short.epochs < 28
    assert simulated_studies.run(job, objectives.centred, simulated_studies.power, 4, 0, limit=1).regret == 1


@pytest.mark.slow
def test_prints_the_study(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["tuning", "--only=study", "--seeds=1", "--trials=2", "--epochs=1", "--studies", "long"]
    monkeypatch.setattr("sys.argv", words)
    tuning.main(forked.Popen)
    title, _, *lines = capsys.readouterr().out.splitlines()
    assert title == "2 trials of 1 epochs, unpromising ones stopped early"
    names = [line.split("  ")[0 if line[0] != " " else 1] for line in lines]
    assert [name.split("; ")[0] for name in names[:6]] == ["time"] * 3 + ["best val_accuracy, mean"] * 3
    peers = ["KerasTuner, one process", "KerasTuner, chief and workers", "Optuna, a process a trial"]
    assert [name.split(":")[0] for name in names[6:]] == ["ours", *peers]


def test_the_faster_peer_is_first() -> None:
    outcomes = {"ours": [(5.0, 0.9)], "slower": [(9.0, 0.9)], "faster": [(8.0, 0.8)]}
    _, faster, slower, accuracy, *_ = whole_studies.table(outcomes)
    assert faster.split()[:6] == ["time;", "faster", "5.0", "s", "8.0", "s"]
    assert slower.split()[:6] == ["time;", "slower", "5.0", "s", "9.0", "s"]
    assert faster.split()[-3:] == ["<=", "0.60", "no"]
    assert accuracy.split()[3:6] == ["faster", "0.9000", "0.8000"]


def test_conditions_are_left_out() -> None:
    parameter = {"parameterId": "stride", "integerValueSpec": {"minValue": 1, "maxValue": 2}}
    document = {"maxTrialCount": 2, "studySpec": {"parameters": [{**parameter, "conditionalParameterSpecs": [{}]}]}}
    assert whole_studies.without_conditions(document)["studySpec"]["parameters"] == [parameter]
    assert "conditionalParameterSpecs" in document["studySpec"]["parameters"][0]


@pytest.mark.parametrize("objective", [objectives.centred, objectives.off_centre])
def test_the_optimum_is_the_best_of_many(objective: objectives.Objective) -> None:
    space, draw = Space(objectives.PARAMETERS), random.Random(0)
    points = [space.point({}) * 0 + [draw.random() for _ in space.axes] for _ in range(2000)]
    best = max(objective(space.values(point)) for point in points)
    assert best <= objectives.optimum(objective) < best + 0.01


def test_turned_problems_have_the_same_optimum_elsewhere() -> None:
    other = objectives.turned(objectives.centred, 1)
    assert objectives.optimum(other) == pytest.approx(objectives.optimum(objectives.centred), abs=1e-3)
    values = {"filters": 64.0, "kernel_size": 5.0, "stride": 1.0, "padding": "same", "learning_rate": 10**-3.1}
    assert other(values) < objectives.centred(values)
