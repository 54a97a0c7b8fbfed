"""Prepares a notebook in which cells run the package's commands.

from trainer import notebook, plots

folder = notebook.start()
"""

import datetime
import itertools
import os
import sys
import warnings
from collections.abc import MutableMapping
from pathlib import Path

from trainer import data, plots  # noqa: F401  data is imported before TensorFlow, to suppress its messages

# Of tqdm, which Optuna imports, often before `start` is called. It would draw progress bars in notebooks.
warnings.filterwarnings("ignore", message="IProgress not found")

_COLUMNS = 110  # characters of a line in a notebook
_LESSONS = "notebooks"  # the folder whose notebooks use the paths of the folder above it


def start(now: datetime.datetime | None = None) -> Path:
    """Prepares this process, and the commands that it starts, for a notebook; returns a new folder for its output.

    * The working folder is the repository's root, also if Jupyter has started the notebook in `notebooks/`.
    * Cells with `%%bash` find this notebook's `python`, and the new folder as `$FOLDER`.
    * Python, here and in these commands, finds modules that are saved in the new folder.
    * TensorFlow logs errors only, and figures have the style of `trainer.plots`.

    Args:
      now: the time that names the folder, `runs/notebook-<time>`; by default the current one.
    """
    if Path.cwd().name == _LESSONS:
        os.chdir("..")
    folder = _new_folder(now or datetime.datetime.now())
    _prepare_commands(os.environ, folder)
    sys.path.insert(0, str(folder.resolve()))
    _suppress_messages()
    plots.style()
    return folder


def _new_folder(now: datetime.datetime) -> Path:
    name = f"notebook-{now:%Y%m%d-%H%M%S}"
    for number in itertools.count(1):
        folder = Path("runs") / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:  # of a notebook that started in the same second
            continue
        return folder
    raise AssertionError("unreachable")


def _prepare_commands(environment: MutableMapping[str, str], folder: Path) -> None:
    environment["FOLDER"] = str(folder)
    environment["COLUMNS"] = str(_COLUMNS)
    environment.pop("FORCE_COLOR", None)  # Jupyter sets it, and programs then write as to a terminal
    for name, first in (("PATH", Path(sys.executable).parent), ("PYTHONPATH", folder.resolve())):
        environment[name] = os.pathsep.join(filter(None, [str(first), environment.get(name, "")]))


def _suppress_messages() -> None:
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # otherwise it prints every file that it writes
