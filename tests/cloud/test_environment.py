import datetime
import subprocess
import sys
from pathlib import Path

import pytest

from trainer.cloud.cluster import Cluster
from trainer.cloud.environment import Environment
from trainer.errors import UsageError

NOW = datetime.datetime(2026, 3, 4, 5, 6, 7)


def test_folders_are_below_the_root() -> None:
    environment = Environment.read({}, "out", NOW)
    assert environment == Environment(Path("out"), Path("out/logs"), Path("out/checkpoints"), Path("out/model"))


def test_a_root_of_its_own_is_named_by_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Environment.read({}, "", NOW).root == Path("runs/20260304-050607")
    Path("runs/20260304-050607").mkdir(parents=True)
    assert Environment.read({}, "", NOW).root == Path("runs/20260304-050607-2")


def test_names_the_machines_and_the_tpu() -> None:
    spec = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}'
    worker = Environment.read({"TF_CONFIG": spec, "TPU_NAME": "local"}, "out", NOW)
    assert worker.cluster == Cluster(("a:1", "b:1"), 1)
    assert worker.tpu == "local"
    assert [worker.is_chief, Environment.read({}, "out", NOW).is_chief] == [False, True]


def test_vertex_places_each_folder_by_itself() -> None:
    variables = {"AIP_MODEL_DIR": "/base/1/model/", "AIP_TENSORBOARD_LOG_DIR": "/elsewhere/logs"}
    environment = Environment.read(variables | {"CLOUD_ML_HP_METRIC_FILE": "/tmp/metrics"}, "", NOW)
    assert environment.root == Path("/base/1")
    assert environment.model == Path("/base/1/model")
    assert environment.checkpoints == Path("/base/1/checkpoints")
    assert environment.logs == Path("/elsewhere/logs")
    assert environment.metric_file == "/tmp/metrics"
    assert Environment.read(variables, "mine", NOW).checkpoints == Path("mine/checkpoints")


def test_rejects_a_bucket_that_is_not_mounted() -> None:
    with pytest.raises(
        UsageError, match="^`--job_dir` must be a local folder, or in a bucket that is mounted below /gcs"
    ):
        Environment.read({}, "gs://no-such-bucket/run", NOW)
    with pytest.raises(UsageError, match="^`AIP_MODEL_DIR` must be .* Received: gs://no-such-bucket/model/"):
        Environment.read({"AIP_MODEL_DIR": "gs://no-such-bucket/model/"}, "", NOW)


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
            "import datetime, sys; from trainer.cloud.environment import Environment\n"
            f"with Environment.read({{}}, {str(tmp_path)!r}, datetime.datetime.now()).claimed(): pass"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert f"`--job_dir` must be a folder that no other process trains in. Received: {tmp_path}" in done.stderr
    with environment.claimed():
        pass
