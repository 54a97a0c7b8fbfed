"""Train convolutional networks with Keras: on a laptop today, on Vertex AI tomorrow, the same command."""

import os
import sys


def _is_this_folder(path: str) -> bool:
    try:
        return os.path.samefile(path or os.curdir, os.path.dirname(__file__))  # noqa: PTH120, PTH121
    except OSError:
        return False


# Python looks for packages first in the folder that a program is started in. Started in this one, it would take
# `trainer/tensorboard` for the package tensorboard.
sys.path[:] = [path for path in sys.path if not _is_this_folder(path)]
