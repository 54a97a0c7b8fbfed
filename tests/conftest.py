"""What several tests need."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Of several workers each has one core. The operations that run side by side stay as many as there are cores: devices
# that share a batch wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

MNIST = Path(__file__).parents[2] / "shared" / "data" / "mnist10k"

IdxFolder = Callable[..., Path]


def write_idx(path: Path, array: np.ndarray) -> None:
    """Writes unsigned bytes as an IDX file."""
    header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.fixture
def mnist() -> Path:
    """A folder of real handwritten digits, where this machine has one."""
    if not MNIST.is_dir():
        pytest.skip("no folder of MNIST digits beside the project")
    return MNIST


@pytest.fixture
def idx_folder(tmp_path: Path) -> Path:
    """A folder of 30 training and 10 test images of 3 classes, 12x10 pixels."""
    folder = tmp_path / "idx"
    folder.mkdir()
    random = np.random.default_rng(0)
    for part, count in (("train", 30), ("t10k", 10)):
        write_idx(folder / f"{part}-images-idx3-ubyte", random.integers(0, 256, (count, 12, 10)))
        write_idx(folder / f"{part}-labels-idx1-ubyte", np.arange(count) % 3)
    return folder
