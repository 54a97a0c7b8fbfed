import numpy as np
import pytest

from benchmarks import ranks
from benchmarks.peers import keras_copy, rank_steps
from benchmarks.peers.setting import Setting
from tests import forked
from trainer import networks
from trainer.data.form import Form
from trainer.hparams import HParams


@pytest.mark.parametrize("key", rank_steps.NETWORKS)
def test_the_copy_is_the_same_network_of_keras_s_layers(key: str) -> None:
    network = rank_steps.NETWORKS[key]
    *sizes, channels = shape = (*(8 for _ in network.shape[:-1]), 1)
    form = Form(tuple(sizes), channels, -np.inf, np.inf, (0.0,), (1.0,))
    hparams = HParams(model=network.model, filters=2, dropout=0, epochs=1, batch_size=1)
    ours = networks.build(hparams, form, 3).model
    copy = keras_copy.build(Setting("", "", 1, 2, model=network.model), shape, 3)
    assert all(type(layer).__module__.startswith("keras.") for layer in copy.layers)
    copy.set_weights([weight.numpy() for weight in ours.weights if not weight.path.endswith("dropout/step")])
    samples = np.random.default_rng(0).normal(size=(2, *shape)).astype("f")
    np.testing.assert_allclose(copy(samples), ours(samples), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--files=10"], "`--files` must be at least 50. Received: 10"),
        (["--samples=8", "--batch=64"], "`--samples` must be at least 64. Received: 8"),
    ],
)
def test_rejects_what_makes_no_batch(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ranks.main(arguments)
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["convolutional-1", "wav", "npz", "memory"]
    small = ["--samples=32", "--batch=8", "--rounds=1", "--files=50"]
    ranks.main([*small, "--only", *asked], forked.Popen)
    machine, few, many, ratio, header, *lines = capsys.readouterr().out.splitlines()
    assert "CPUs" in machine
    for line, count in ((few, 32), (many, 50)):
        assert line.startswith(f"peak memory, MiB, {count} WAV files")
        assert [part.split()[0] for part in line.split("listed")[1].split(", ")[1:]] == ["1/4", "2/4", "3/4", "4/4"]
    assert ratio.startswith("all / a tenth")
    assert header.endswith("to reach")
    names = ("convolutional, 512, 32 filters, ", "50 WAV files, audio", ".npz, loaded, numpy.load", ".npz, an epoch of")
    for name in names:
        assert any(line.startswith(name) for line in lines)
