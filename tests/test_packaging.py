"""What `make dist` makes: all that belongs in it, nothing else, and it runs where there is nothing else."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pytest
from PIL import Image

from trainer import interpreter

ROOT = Path(__file__).parents[1]
# Only the repository's host and its committers read these.
LEFT_OUT = (".ci/", ".github/", ".gitignore", ".pre-commit-config.yaml")

pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git says what belongs in a distribution")


class Built(NamedTuple):
    """The repository's files, and the distributions that come of them."""

    files: set[str]
    source: Path
    wheel: Path


def _run(*command: str | Path, cwd: Path) -> str:
    """Runs a command as outside this repository, and returns what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _copy(files: set[str], folder: Path) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both distributions, built in a copy, for a former build's list of files would be read as well."""
    listed = _run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    files = {file for file in listed if file and (ROOT / file).is_file()}
    folder = tmp_path_factory.mktemp("built")
    _copy(files, folder)
    _run(sys.executable, "-m", "build", "--no-isolation", cwd=folder)  # downloads nothing
    (source,), (wheel,) = (folder / "dist").glob("*.tar.gz"), (folder / "dist").glob("*.whl")
    return Built(files, source, wheel)


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_the_source_distribution_holds_what_git_has(built: Built) -> None:
    with tarfile.open(built.source) as archive:
        names = {str(PurePosixPath(*PurePosixPath(one.name).parts[1:])) for one in archive if one.isfile()}
    made = {
        name for name in names if name in ("PKG-INFO", "setup.cfg") or name.startswith("convolution_trainer.egg-info/")
    }
    assert names - made == {file for file in built.files if not file.startswith(LEFT_OUT)}


def test_the_wheel_holds_the_package_its_types_its_messages_and_the_license(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = set(archive.namelist())
    package = {file for file in built.files if file.startswith("trainer/")}
    assert package >= {"trainer/py.typed", "trainer/study/config/job_messages.pb", "trainer/task.py"}
    assert {name for name in names if ".dist-info/" not in name} == package
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_metadata(built: Built) -> None:
    metadata = _metadata(built.wheel)
    assert metadata["Name"] == interpreter.DISTRIBUTION, "of `trainer`, the index has another"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata.get_payload().strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()
    assert f"-{metadata['Version']}-py3-none-any.whl" in built.wheel.name


def test_an_index_would_take_both(built: Built) -> None:
    _run(sys.executable, "-m", "twine", "check", "--strict", built.source, built.wheel, cwd=built.source.parent)


def test_setup_and_the_package_alone_make_a_source_distribution(built: Built, tmp_path: Path) -> None:
    """As gcloud packages a folder for a custom job."""
    _copy({file for file in built.files if file == "setup.py" or file.startswith("trainer/")}, tmp_path)
    _run(sys.executable, "setup.py", "--quiet", "sdist", "--formats=gztar", cwd=tmp_path)
    (made,) = (tmp_path / "dist").iterdir()
    assert made.name == built.source.name
    with tarfile.open(made) as archive:
        names = {one.name.partition("/")[2] for one in archive}
    assert names >= {file for file in built.files if file.startswith("trainer/")}


@pytest.mark.slow
def test_installed_from_the_source_distribution_alone_it_trains_plans_a_study_and_predicts(
    built: Built, tmp_path: Path
) -> None:
    """In an environment that holds nothing else, and from a folder that is not the repository's."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with tarfile.open(built.source) as archive:
        archive.extractall(tmp_path, filter="data")
    (given,) = tmp_path.glob("convolution_trainer-*")
    uv, python = Path(sys.executable).with_name("uv"), tmp_path / "environment" / "bin" / "python"
    _run(uv, "venv", "--python", sys.executable, tmp_path / "environment", cwd=tmp_path)
    constraints = ("--constraint", given / "constraints.txt")
    _run(uv, "pip", "install", "--python", python, *constraints, built.source, cwd=tmp_path)

    found = Path(_run(python, "-c", "import trainer; print(trainer.__file__)", cwd=elsewhere).strip())
    assert found.is_relative_to(tmp_path / "environment")

    _run(python, "-m", "trainer.task", "--data=digits", "--epochs=1", "--job_dir=run", cwd=elsewhere)
    versions = json.loads((elsewhere / "run" / "hparams.json").read_text())["versions"]
    assert versions["trainer"] == _metadata(built.wheel)["Version"]

    shutil.copy(given / "config.yaml", elsewhere)
    vertex = ("--target=vertex", "--project=my-project", "--region=europe-west4", "--bucket=my-bucket", "--dry_run")
    assert "gcloud ai hp-tuning-jobs create" in _run(python, "-m", "trainer.study", *vertex, cwd=elsewhere)

    Image.new("L", (28, 28)).save(elsewhere / "black.png")
    line = _run(python, "-m", "trainer.predict", "--model=run/model", "black.png", cwd=elsewhere)
    assert line.startswith("black.png")
