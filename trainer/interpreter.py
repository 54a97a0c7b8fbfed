"""Commands for the user to copy: the word that starts this Python, and the installation of an extra."""

import os
import shlex
import shutil
import sys
from pathlib import Path

DISTRIBUTION = "convolution-trainer"  # on the package index, where `trainer` is another project

_SOURCE = Path(__file__).parents[1]


def word(executable: str, folder: Path, path: str | None) -> str:
    """Returns `python` if that starts this Python, otherwise its path, relative if it is below the folder.

    Args:
      executable: the file of this Python, `sys.executable`.
      folder: the current folder of the user.
      path: the value of `PATH`.
    """
    if shutil.which("python", path=path or "") == executable:  # not resolved: all environments link to the same file
        return "python"
    own = Path(executable)
    return str(own.relative_to(folder)) if own.is_relative_to(folder) else executable


def install(extra: str, source: Path = _SOURCE) -> str:
    """Returns the command that installs an extra of this package for this Python.

    In its source tree, the package stays installed as editable: `pip install '.[serve]'` would replace it with a copy.
    Otherwise the command names the distribution, whose name differs from that of the package.

    Args:
      extra: as in `extras_require` of setup.py.
      source: the folder of setup.py, if this is a source tree.
    """
    folder = Path.cwd()
    what = [f"{DISTRIBUTION}[{extra}]"]
    if (source / "setup.py").is_file():
        what = ["--editable", f"{'.' if source == folder else source}[{extra}]"]
    return shlex.join([word(sys.executable, folder, os.environ.get("PATH")), "-m", "pip", "install", *what])
