import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from trainer import keras_settings
from trainer.errors import UsageError


@pytest.fixture
def not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides that this process has imported Keras."""
    monkeypatch.delitem(sys.modules, "keras")


@pytest.mark.usefixtures("not_imported")
def test_an_import_sees_no_setting_and_leaves_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"KERAS_BACKEND": "jax", "KERAS_HOME": "/nowhere", "KERAS_MAX_EPOCHS": "1", "KERAS_NNX_ENABLED": "true"}
    monkeypatch.delenv("KERAS_MAX_STEPS_PER_EPOCH", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with keras_settings.ignored():
        assert os.environ["KERAS_BACKEND"] == "tensorflow"
        assert list(Path(os.environ["KERAS_HOME"]).iterdir()) == []
        assert {"KERAS_MAX_EPOCHS", "KERAS_NNX_ENABLED"}.isdisjoint(os.environ)
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("policy", "floatx", "order"),
    [("mixed_bfloat16", "float32", "channels_first"), ("float16", "float16", "channels_last")],
)
def test_what_a_program_has_set_is_set_again_afterwards(policy: str, floatx: str, order: str) -> None:
    former = keras.config.floatx(), keras.config.image_data_format(), keras.config.dtype_policy()
    try:
        keras.config.set_floatx(floatx)
        keras.config.set_image_data_format(order)
        keras.config.set_epsilon(0.1)
        keras.config.set_dtype_policy(policy)
        with keras_settings.defaults():
            assert (keras.config.floatx(), keras.config.image_data_format()) == ("float32", "channels_last")
            assert (keras.config.epsilon(), keras.config.dtype_policy().name) == (1e-7, "float32")
        assert (keras.config.floatx(), keras.config.image_data_format()) == (floatx, order)
        assert (keras.config.epsilon(), keras.config.dtype_policy().name) == (0.1, policy)
    finally:
        keras.config.set_floatx(former[0])
        keras.config.set_image_data_format(former[1])
        keras.config.set_epsilon(1e-7)
        keras.config.set_dtype_policy(former[2])


def test_rejects_a_program_with_another_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(UsageError, match="`KERAS_BACKEND` must be tensorflow.* Received: jax"):  # noqa: SIM117
        with keras_settings.defaults():
            pass


PROGRAM = """
from trainer.quiet import without_chatter
from trainer import keras_settings
with without_chatter(), keras_settings.ignored():
    import keras
c = keras.config
print(c.backend(), c.floatx(), c.epsilon(), c.image_data_format(), c.is_nnx_enabled(), c.max_epochs())
print(keras.utils.get_file("kept", origin="file://" + __import__("sys").argv[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "variables"),
    [
        ({"image_data_format": "channels_first", "floatx": "float16", "epsilon": 0.5, "backend": "torch"}, {}),
        ({"floatx": "bfloat16", "nnx_enabled": True}, {"KERAS_BACKEND": "jax"}),  # Keras itself refuses it
        ({"epsilon": 1}, {"KERAS_MAX_EPOCHS": "soon"}),
        ("{", {"KERAS_NNX_ENABLED": "1"}),
        ([], {}),
        (None, {}),  # a folder in its place
    ],
)
def test_keras_is_the_same_whatever_its_file_says(content: object, variables: dict[str, str], tmp_path: Path) -> None:
    home, origin = tmp_path / "keras", tmp_path / "origin"
    home.mkdir()
    origin.write_text("content")
    file = home / "keras.json"
    if content is None:
        file.mkdir()
    else:
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    before = file.read_bytes() if file.is_file() else None
    environment = {**os.environ, "KERAS_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[1]), **variables}
    command = [sys.executable, "-c", PROGRAM, str(origin)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    settings, *_, kept = done.stdout.splitlines()  # between them how the download goes
    assert settings == "tensorflow float32 1e-07 channels_last False None"
    assert kept == f"{home}/datasets/kept"
    assert (file.read_bytes() if file.is_file() else None) == before


@pytest.mark.slow
def test_a_check_of_data_heeds_no_setting(tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text('{"floatx": "float8"}')  # which TensorFlow refuses too
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "none"}
    command = [sys.executable, "-m", "trainer.data", "--help"]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
