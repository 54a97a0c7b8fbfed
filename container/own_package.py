"""A layer on a finished image: a folder of the user's own modules, for `--model=FOLDER.module:function`."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*")


def problem(folder: Path) -> str:
    """Returns why a folder cannot be a package of the image; nothing where it can."""
    if not folder.is_dir():
        return "which is no folder"
    if not folder.resolve().name.isidentifier():
        return "whose name no import can have"
    if folder.resolve().name == "trainer":
        return "whose name is this program's"
    return "" if any(folder.rglob("*.py")) else "which holds no .py file"


@contextmanager
def context(folder: Path, image: str) -> Iterator[Path]:
    """Makes what a builder adds the folder to an image with; the folder is in its working folder, as Python finds it.

    Every user of the image can read the copy; hidden files and compiled modules are left out.

    Args:
      folder: of the user's.
      image: the name of one that is built.

    Yields:
      A folder with a Dockerfile.
    """
    name = folder.resolve().name
    with tempfile.TemporaryDirectory(prefix="trainer-image-") as made:
        copy = Path(shutil.copytree(folder, Path(made, name), ignore=_LEFT_OUT))
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        Path(made, "Dockerfile").write_text(f"FROM {image}\nCOPY {name} ./{name}\n", encoding="utf-8")
        yield Path(made)
