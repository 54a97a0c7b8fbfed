import datetime
import errno
import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from trainer.cluster import Cluster
from trainer.environment import Environment, Phase, cache_folder
from trainer.errors import StorageError, UsageError

NOW = datetime.datetime(2026, 3, 4, 5, 6, 7)


def test_folders_are_below_the_root() -> None:
    environment = Environment.read({}, "out", NOW)
    assert environment == Environment(Path("out"), Path("out/logs"), Path("out/checkpoints"), Path("out/model"))


def test_knows_what_a_process_does_of_a_run() -> None:
    assert [Environment.read({"TRAINER_PHASE": phase}, "out", NOW).phase for phase in ("", "training")] == [
        Phase.WHOLE, Phase.TRAINING,
    ]  # fmt: skip
    with pytest.raises(UsageError, match="`TRAINER_PHASE` must be one of whole, training, finish, stopped. Received: "):
        Environment.read({"TRAINER_PHASE": "half"}, "out", NOW)


def test_a_root_of_its_own_is_named_by_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Environment.read({}, "", NOW).root == Path("runs/20260304-050607")
    Path("runs/20260304-050607").mkdir(parents=True)
    assert Environment.read({}, "", NOW).root == Path("runs/20260304-050607-2")


def test_two_runs_of_one_second_have_a_root_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = Environment.read({}, "", NOW), Environment.read({}, "", NOW)  # neither has made it yet
    with first.reserved() as one, second.reserved() as two:
        assert [str(own.root) for own in (one, two)] == ["runs/20260304-050607", "runs/20260304-050607-2"]
        assert two.checkpoints == Path("runs/20260304-050607-2/checkpoints")
        (two.root / "hparams.json").touch()
    assert sorted(path.name for path in Path("runs").iterdir()) == ["20260304-050607-2"]  # the other wrote nothing


def test_a_root_that_nothing_was_written_to_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError), Environment.read({}, "", NOW).reserved():
        raise UsageError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", [{"job_dir": "mine"}, {"variables": {"AIP_MODEL_DIR": "there/model"}}])
def test_a_root_that_is_given_is_not_made(given: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environment = Environment.read(**{"variables": {}, "job_dir": "", "now": NOW, **given})
    with environment.reserved() as same:
        assert same == environment
        assert list(tmp_path.iterdir()) == []


def test_rejects_a_root_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs").touch()
    with pytest.raises(UsageError, match="`--job_dir` must be a folder that can be written. Received: runs/2026"):  # noqa: SIM117
        with Environment.read({}, "", NOW).reserved():
            pass


def test_a_user_without_a_home_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(user: int) -> None:
        raise KeyError(user)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", missing)
    assert Environment.read({}, "out", NOW).cache == Path(tempfile.gettempdir()) / f"trainer-{os.getuid()}"
    assert cache_folder("here") == Path("here")
    with pytest.raises(UsageError, match="`--cache_dir` must not begin with ~ .* Received: ~/cache"):
        Environment.read({}, "out", NOW, "~/cache")


def test_a_full_disk_is_no_wrong_flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(StorageError, match="run cannot be written: No space left on device"):  # noqa: SIM117
        with Environment.read({}, str(tmp_path / "run"), NOW).claimed():
            pass


def test_names_the_variables_that_change_sums() -> None:
    environment = Environment.read({"TF_NUM_INTRAOP_THREADS": "1", "HOME": "/x"}, "out", NOW)
    assert environment.numeric == {"TF_NUM_INTRAOP_THREADS": "1"}


def test_names_the_machines_and_the_tpu() -> None:
    spec = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}'
    worker = Environment.read({"TF_CONFIG": spec, "TPU_NAME": "local"}, "out", NOW)
    assert worker.cluster == Cluster(("a:1", "b:1"), 1)
    assert worker.tpu == "local"
    assert [worker.is_chief, Environment.read({}, "out", NOW).is_chief] == [False, True]


def test_names_a_managed_data_set() -> None:
    variables = {"AIP_DATA_FORMAT": "jsonl", "AIP_TRAINING_DATA_URI": "gs://b/training-*", "AIP_TEST_DATA_URI": ""}
    environment = Environment.read(variables, "runs/one", NOW)
    assert environment.managed == {"format": "jsonl", "train": "gs://b/training-*"}
    assert Environment.read({}, "runs/one", NOW).managed == {}


def test_vertex_places_each_folder_by_itself() -> None:
    variables = {"AIP_MODEL_DIR": "/base/1/model/", "AIP_TENSORBOARD_LOG_DIR": "/elsewhere/logs"}
    environment = Environment.read(variables | {"CLOUD_ML_HP_METRIC_FILE": "/tmp/metrics"}, "", NOW)
    assert environment.root == Path("/base/1")
    assert environment.model == Path("/base/1/model")
    assert environment.checkpoints == Path("/base/1/checkpoints")
    assert environment.logs == Path("/elsewhere/logs")
    assert environment.metric_file == "/tmp/metrics"
    assert Environment.read(variables, "mine", NOW).checkpoints == Path("mine/checkpoints")


def test_a_bucket_is_written_in_the_cache_first() -> None:
    environment = Environment.read({}, "gs://bucket/runs/a/", NOW, "cache")
    assert environment.root == Path("cache/runs/bucket/runs/a")
    assert environment.logs == Path("cache/runs/bucket/runs/a/logs")
    assert environment.shown("root") == "gs://bucket/runs/a"
    assert environment.synced["checkpoints"].remote == "gs://bucket/runs/a/checkpoints"
    assert Environment.read({}, "out", NOW).synced == {}
    assert Environment.read({}, "/gcs/bucket/a", NOW).logs == Path("/gcs/bucket/a/logs")


def test_holds_the_cache_with_the_home_folder_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Environment.read({}, "out", NOW).cache == Path("/home/somebody/.cache/trainer")
    assert Environment.read({}, "out", NOW, "~/c").cache == Path("/home/somebody/c")


def test_vertex_s_folders_are_in_buckets() -> None:
    names = {"AIP_MODEL_DIR": "model", "AIP_CHECKPOINT_DIR": "checkpoints", "AIP_TENSORBOARD_LOG_DIR": "logs"}
    variables = {name: f"gs://bucket/study/3/{folder}/" for name, folder in names.items()}
    environment = Environment.read(variables, "", NOW, "cache")
    folders = {folder: f"gs://bucket/study/3/{folder}" for folder in names.values()}
    assert environment.remotes == {"root": "gs://bucket/study/3"} | folders
    assert environment.model == Path("cache/runs/bucket/study/3/model")
    assert environment.is_deployed
    assert not Environment.read({}, "gs://bucket/run", NOW).is_deployed
    assert not Environment.read({"AIP_MODEL_DIR": "/base/1/model/"}, "", NOW).is_deployed, "a trial on this machine"


def test_rejects_what_is_neither_here_nor_there() -> None:
    with pytest.raises(UsageError, match=r"must all be gs://…, or none\. Received: out, gs://bucket/model, out/check"):
        Environment.read({"AIP_MODEL_DIR": "gs://bucket/model/"}, "out", NOW)
    with pytest.raises(UsageError, match=r"as in gs://bucket/folder\. Received: gs://B/"):
        Environment.read({}, "gs://B/a", NOW)


def test_claims_its_folders_and_leaves_them_empty(tmp_path: Path) -> None:
    with Environment.read({}, str(tmp_path / "run"), NOW).claimed():
        assert sorted(path.name for path in (tmp_path / "run").rglob("*")) == ["checkpoints", "logs", "model"]


def test_rejects_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UsageError, match=r"`--job_dir` must be a folder that can be written\. Received: .*Not a direc"),
        Environment.read({}, str(tmp_path / "file" / "run"), NOW).claimed(),
    ):
        pass
    with (
        pytest.raises(UsageError, match=r"Received: .*file \(File exists\)"),
        Environment.read({}, str(tmp_path / "file"), NOW).claimed(),
    ):
        pass


def test_rejects_a_folder_that_another_process_trains_in(tmp_path: Path) -> None:
    environment = Environment.read({}, str(tmp_path), NOW)
    with environment.claimed():
        program = (
            "import datetime, sys; from trainer.environment import Environment\n"
            f"with Environment.read({{}}, {str(tmp_path)!r}, datetime.datetime.now()).claimed(): pass"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert f"`--job_dir` must be a folder that no other process trains in. Received: {tmp_path}" in done.stderr
    with environment.claimed():
        pass


def test_the_home_folder_is_no_folder_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert Environment.read({}, "~/run", NOW).logs == Path("/home/me/run/logs")
    assert Environment.read({}, "gs://bucket/~/run", NOW).remotes["root"] == "gs://bucket/~/run"


def test_knows_whether_anyone_has_named_the_folder() -> None:
    assert Environment.read({}, "", NOW).is_new
    assert not Environment.read({}, "run", NOW).is_new
    assert not Environment.read({"AIP_MODEL_DIR": "/base/1/model/"}, "", NOW).is_new
