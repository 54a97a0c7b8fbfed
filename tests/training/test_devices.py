import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests import forked
from trainer.cluster import Cluster
from trainer.data import Share
from trainer.errors import MachineLostError, UsageError
from trainer.local_cluster import cluster_specs
from trainer.training import devices

PROGRAM = Path(__file__).with_name("learn_digits.py")
CLUSTER = Cluster(("a:1", "b:1"), 1)


def _start(file: Path, count: int, spec: str = "") -> subprocess.Popen[bytes]:
    command = [sys.executable, str(PROGRAM), str(file), "float64", str(count)]
    return forked.Popen(command, env={**os.environ, "CLUSTER_SPEC": spec, "PYTHONPATH": str(Path.cwd())})


def test_two_machines_and_two_devices_learn_what_one_learns(tmp_path: Path) -> None:
    """205 steps on real digits with dropout and augmentation, in float64; the loss alone is in float32."""
    files = {name: tmp_path / f"{name}.npz" for name in ("one", "devices", "machines")}
    processes = [_start(files["one"], 1), _start(files["devices"], 2)]
    processes += [_start(files["machines"], 1, spec) for spec in cluster_specs(2)]
    assert [process.wait(300) for process in processes] == [0, 0, 0, 0]
    one = np.load(files["one"])
    for name in ("devices", "machines"):
        other = np.load(files[name])
        for key in one.files:
            np.testing.assert_allclose(other[key], one[key], rtol=1e-5, atol=1e-9, err_msg=f"{name}, {key}")


def test_auto_is_one_device_where_there_is_no_more() -> None:
    assert devices.choose("auto", None, None) is tf.distribute.get_strategy()
    assert devices.choose("single", None, None).num_replicas_in_sync == 1


def test_what_a_strategy_is_for_does_not_depend_on_the_scope() -> None:
    mirrored = devices.choose("mirrored", None, None)
    with mirrored.scope():
        assert not devices.is_alone(mirrored)
    assert devices.is_alone(tf.distribute.get_strategy())


def test_mirrored_is_there_for_one_device_too() -> None:
    strategy = devices.choose("mirrored", None, None)
    assert isinstance(strategy, tf.distribute.MirroredStrategy)
    assert strategy.num_replicas_in_sync == 1


@pytest.mark.parametrize(
    ("pipeline", "pipelines", "replicas", "expected"),
    [(0, 1, 1, Share(0, 1, 1)), (0, 1, 4, Share(0, 4, 4)), (1, 2, 2, Share(1, 1, 2)), (1, 2, 8, Share(4, 4, 8))],
)
def test_each_pipeline_has_its_share(pipeline: int, pipelines: int, replicas: int, expected: Share) -> None:
    assert devices.share(tf.distribute.InputContext(pipelines, pipeline, replicas)) == expected


def test_alone_everyone_is_chief() -> None:
    assert devices.from_chief(tf.distribute.get_strategy(), None, [1, 2]) == [1, 2]


def test_names_the_loss_of_a_machine_and_nothing_else() -> None:
    with pytest.raises(MachineLostError, match="another of the 2 machines is gone"), devices.named_losses(CLUSTER):
        raise tf.errors.UnavailableError(None, None, "connection reset")
    with pytest.raises(tf.errors.UnavailableError), devices.named_losses(None):
        raise tf.errors.UnavailableError(None, None, "connection reset")
    with pytest.raises(tf.errors.ResourceExhaustedError), devices.named_losses(CLUSTER):
        raise tf.errors.ResourceExhaustedError(None, None, "no memory")


def test_names_an_operation_that_is_not_deterministic_and_nothing_else() -> None:
    said = "Determinism is not yet supported in GPU implementation of Bincount.\n\t [[node Bincount]]"
    with (
        pytest.raises(
            UsageError, match=r"`--deterministic` must be no .* Received: yes \(Determinism .* Bincount\.\)$"
        ),
        devices.named_operations(),
    ):
        raise tf.errors.UnimplementedError(None, None, said)
    with pytest.raises(tf.errors.UnimplementedError), devices.named_operations():
        raise tf.errors.UnimplementedError(None, None, "Cast string to float is not supported")


def test_rejects_several_machines_that_nobody_names() -> None:
    with pytest.raises(UsageError, match="`--strategy=multi_worker` must be used with at least two machines"):
        devices.choose("multi_worker", None, None)


@pytest.mark.parametrize("asked", ["single", "mirrored"])
def test_rejects_to_leave_other_machines_alone(asked: str) -> None:
    with pytest.raises(UsageError, match=f"names 2 machines. Received: {asked}"):
        devices.choose(asked, CLUSTER, None)
