"""A copy of the repository, as a reader has it, in which a document's commands run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.documents.data import write_downloads, write_photos

ROOT = Path(__file__).parents[2]

_STAND_INS = Path(__file__).parent / "stand_ins"
_PYTHON = _STAND_INS / "python.py"
_STAMPS = (".run", ".dev", ".vertex", ".benchmarks")  # what make looks at before it installs
# What this process may have been started with, by make test ARGS=… too, and a reader's terminal is not.
_FOREIGN = (
    "AIP_", "ARGS", "CLOUDSDK_", "CLOUD_ML_", "GOOGLE_", "KERAS_", "MAKE", "MFLAGS", "PYTEST_", "PYTHON", "STORAGE_",
    "TF_", "VIRTUAL_ENV",
)  # fmt: skip


class Scratch:
    """A folder below which everything that the commands write comes to lie.

    Attributes:
      repository: the copy, with `.venv`, this process's environment, and with `photos/`.
    """

    def __init__(self, folder: Path):
        self._home, self._downloads = folder / "home", folder / "downloads"
        self.repository = folder / "trainer"
        for made in (self._home, self._downloads, self.repository):
            made.mkdir(parents=True)
        _copy(self.repository)
        _lay_environment(self.repository / ".venv")
        write_photos(self.repository / "photos")

    @property
    def python(self) -> Path:
        """The path of the copy's `python`."""
        return self.repository / ".venv" / "bin" / "python"

    def variables(self, *, downloads: bool = False, pythons: str = "") -> dict[str, str]:
        """Returns the environment variables of a reader's terminal.

        Args:
          downloads: whether data sets are there that Keras would download.
          pythons: the address of a `Pythons`, which forks the project's processes; without it each imports everything.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        searched = [str(self.repository / ".venv" / "bin"), os.environ.get("PATH", os.defpath)]
        # The installation in .venv is that of the repository itself; this makes it the copy's.
        modules = [str(self.repository)]
        home = self._home / "keras"
        if downloads:
            modules.insert(0, str(_STAND_INS))
            home = self._downloads
            if not any(home.iterdir()):
                write_downloads(home)
        return kept | {
            "HOME": str(self._home),
            "KERAS_HOME": str(home),
            "PATH": os.pathsep.join(searched),
            "PIP_DRY_RUN": "1",  # a document may install; the environment, which is shared, stays as it is
            "PIP_CACHE_DIR": str(Path.home() / ".cache" / "pip"),
            "PYTHONPATH": os.pathsep.join(modules),
            "TMPDIR": str(self._home),
            "TRAINER_PYTHONS": pythons,
        }


def _copy(folder: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():  # git lists what was deleted just now, too
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def _lay_environment(folder: Path) -> None:
    """Makes an environment of links to this process's, with stamps of its own, newer than what was copied."""
    (folder / "bin").mkdir(parents=True)
    own = Path(sys.prefix)
    for name in ("lib", "lib64", "include", "share"):
        if (own / name).exists():
            (folder / name).symlink_to(own / name)
    if (own / "pyvenv.cfg").exists():
        shutil.copy2(own / "pyvenv.cfg", folder)
    for program in (own / "bin").iterdir():
        (folder / "bin" / program.name).symlink_to(program)
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").write_text(f"#!{Path(sys.executable).resolve()} -IS\n{_PYTHON.read_text()}")
    (folder / "bin" / "python").chmod(0o755)
    activate = own / "bin" / "activate"
    if activate.exists():
        (folder / "bin" / "activate").unlink()
        (folder / "bin" / "activate").write_text(activate.read_text().replace(str(own), str(folder)))
    for stamp in _STAMPS:
        (folder / stamp).touch()
