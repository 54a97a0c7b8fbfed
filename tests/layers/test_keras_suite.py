"""Keras's own tests of its convolutions, which its wheel carries, run on ours."""

import subprocess
import sys
from pathlib import Path

SUITE = """
import tensorflow as tf
from keras.src import layers

from trainer import layers as ours

layers.Conv1D, layers.Conv2D, layers.Conv3D = ours.Conv1D, ours.Conv2D, ours.Conv3D

tf.config.experimental.enable_tensor_float_32_execution(False)  # as tests/layers/conftest.py says

from keras.src.layers.convolutional.conv_test import *
"""
UNLIKE = "lora or bad_init_args"  # LoRA is refused by name; the messages of wrong arguments are worded otherwise


def test_keras_own_tests_pass(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", f"not ({UNLIKE})"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, str(tmp_path / "test_suite.py"), f"--rootdir={tmp_path}", "-c", "/dev/null"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
