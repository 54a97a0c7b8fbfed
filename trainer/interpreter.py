"""The word that starts this Python, for commands that a person is to copy."""

import shutil
from pathlib import Path


def word(executable: str, folder: Path, path: str | None) -> str:
    """Returns `python` where that starts this Python, else its path, relative where it lies below the folder.

    Args:
      executable: the file of this Python, `sys.executable`.
      folder: where the person is.
      path: the folders that the shell looks in, `PATH`.
    """
    if shutil.which("python", path=path or "") == executable:  # not the file they lead to: all environments share it
        return "python"
    own = Path(executable)
    return str(own.relative_to(folder)) if own.is_relative_to(folder) else executable
