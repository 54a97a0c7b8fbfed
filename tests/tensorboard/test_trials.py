"""Each trial of a study is two of TensorBoard's runs."""

from pathlib import Path, PurePath

import pytest

from trainer.tensorboard import __main__ as main
from trainer.tensorboard import experiment, trials
from trainer.tensorboard.experiment import Metric, Session

RUN, TRAIN, VALIDATION = (f"events.out.tfevents.1.vm.{number}" for number in range(3))
PAGE = "events.out.tfevents.study"


def _study(folder: Path, names: str, status: int = experiment.SUCCESS) -> Path:
    sessions = [Session(name=name, parameters={"filters": 4}, status=status) for name in names]
    experiment.write(folder, [], [Metric(tag="val_accuracy", title="val_accuracy")], sessions)
    for name in names:
        _touch(folder / name / "logs" / RUN)
        _touch(folder / name / "logs" / "train" / TRAIN)
        _touch(folder / name / "logs" / "validation" / VALIDATION)
        _touch(folder / name / "logs" / "validation" / "projector_config.pbtxt")
        _touch(folder / name / "checkpoints" / RUN)
        _touch(folder / name / "log.txt")
    return folder


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def _linked(folder: Path) -> dict[str, str]:
    """Returns the files that are linked, and where."""
    return {str(link): str(file.relative_to(folder)) for link, file in trials.links(folder).items()}


def test_a_trial_is_a_run_of_its_validation_and_one_of_its_training(tmp_path: Path) -> None:
    expected = {PAGE: f"hparams/{PAGE}"}
    for name in "12":
        expected |= {
            f"{name}/{PAGE}": f"hparams/{name}/{PAGE}",
            f"{name}/{RUN}": f"{name}/logs/{RUN}",
            f"{name}/train/{TRAIN}": f"{name}/logs/train/{TRAIN}",
            f"{name}/{VALIDATION}": f"{name}/logs/validation/{VALIDATION}",
            f"{name}/projector_config.pbtxt": f"{name}/logs/validation/projector_config.pbtxt",
        }
    assert _linked(_study(tmp_path, "12")) == expected


def test_files_of_the_same_name_are_all_linked(tmp_path: Path) -> None:
    _touch(_study(tmp_path, "1") / "1" / "logs" / "validation" / RUN)
    found = _linked(tmp_path)
    assert f"1/logs/validation/{RUN}" in found.values()
    assert f"1/logs/{RUN}" in found.values()


def test_other_runs_keep_their_places(tmp_path: Path) -> None:
    _study(tmp_path / "study", "1")
    others = (f"own/logs/{RUN}", f"own/logs/train/{TRAIN}", "own/logs/train/plugins/profile/now/vm.xplane.pb")
    for other in others:
        _touch(tmp_path / other)
    found = _linked(tmp_path)
    assert {other: found[other] for other in others} == {other: other for other in others}
    assert found[f"study/1/{RUN}"] == f"study/1/logs/{RUN}"
    assert trials.has_study(tmp_path)
    assert not trials.has_study(tmp_path / "own")


def test_a_running_trial_is_a_run_of_its_own_until_it_ends(tmp_path: Path) -> None:
    """TensorBoard does not take back a status that it has read."""
    study, view = tmp_path / "study", tmp_path / "view"
    view.mkdir()
    for status, place in ((experiment.RUNNING, f"1/running/{PAGE}"), (experiment.SUCCESS, f"1/{PAGE}")):
        trials.update(view, trials.links(_study(study, "1", status)))
        found = [path.relative_to(view) for path in view.rglob("*") if path.is_symlink() and path.name == PAGE]
        assert sorted(found) == sorted([PurePath(PAGE), PurePath(place)])
        assert all(path.exists() for path in view.rglob("*"))
    assert not (view / "1" / "running").exists()


@pytest.mark.parametrize(("runs", "is_view"), [("trials", True), ("all", False)])
def test_the_flag_chooses(runs: str, is_view: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(
        main, "_show", lambda words: shown.extend([words[1], *(one.name for one in Path(words[1]).iterdir())]) or 0
    )
    assert main.main([f"--logdir={_study(tmp_path, '1')}", f"--runs={runs}"]) == 0
    assert (shown[0] != str(tmp_path)) == is_view
    assert ("hparams" not in shown) == is_view
    assert Path(shown[0]).exists() != is_view, "it is removed at the end"


def test_rejects_other_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--runs=few"]) == 2
    assert "`--runs` must be one of trials, all. Received: few" in capsys.readouterr().err
