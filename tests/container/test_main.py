"""`python -m container`, with programs in PATH that only write down how they were called."""

import subprocess
import sys
from pathlib import Path

import pytest

from container import __main__ as entry

ROOT = Path(__file__).parents[2]
BASE = entry.declared_base((ROOT / "Dockerfile").read_text())


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs, the only ones that are found."""
    folder = tmp_path / "programs"
    folder.mkdir()
    return folder


def _program(folder: Path, name: str, script: str = "") -> None:
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "{name} $*" >>{folder.parent}/called\n{script}\n')
    path.chmod(0o755)


def _image(programs: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "container", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={"PATH": str(programs), **variables}, capture_output=True, text=True, check=False
    )


def _called(programs: Path) -> list[str]:
    return (programs.parent / "called").read_text().splitlines()


def test_builds_with_docker(programs: Path) -> None:
    _program(programs, "docker", "case $1 in images) echo 1.5GB ;; esac")
    _program(programs, "podman")
    done = _image(
        programs, "--tag=trainer:1", HTTPS_PROXY="http://proxy.invalid:3128", PIP_INDEX_URL="https://index.invalid"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "image: built trainer:1 with docker, 1.5GB\nnext:\n  mkdir -p runs && docker run --rm" in done.stdout
    probe, build, images = _called(programs)
    assert (probe, images) == ("docker version", "docker images --format={{.Size}} trainer:1")
    assert build.startswith(f"docker build --tag trainer:1 --build-arg=BASE_IMAGE={BASE} --build-arg=EXTRAS=serve ")
    assert "--build-arg=HTTPS_PROXY=http://proxy.invalid:3128 --build-arg=PIP_INDEX_URL=https://index.invalid" in build
    assert "--volume" not in build  # which docker has not
    assert build.endswith(" .")


def test_passes_a_daemon_that_does_not_answer_by(programs: Path) -> None:
    _program(programs, "docker", "exit 1")
    _program(programs, "podman")
    assert _image(programs, "--extras=serve,gpu", "--base_image=python:3.12-slim").returncode == 0
    assert "--build-arg=BASE_IMAGE=python:3.12-slim --build-arg=EXTRAS=serve,gpu" in _called(programs)[2]


@pytest.mark.skipif("os.geteuid() != 0", reason="buildah is root's")
def test_a_base_made_here_stands_in_for_one_that_cannot_be_fetched(programs: Path) -> None:
    _program(programs, "buildah", "case $1 in pull) exit 125 ;; from) echo working-container ;; esac")
    _program(programs, "debootstrap")
    done = _image(programs)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"image: {BASE} cannot be fetched; a base made by debootstrap stands in" in done.stdout
    build = next(line for line in _called(programs) if " bud " in line)
    assert "--build-arg=BASE_IMAGE=localhost/trainer-base:bookworm" in build


def test_a_base_that_was_asked_for_has_no_stand_in(programs: Path) -> None:
    _program(programs, "buildah", "case $1 in pull | bud) exit 125 ;; esac")
    _program(programs, "debootstrap")
    done = _image(programs, "--builder=buildah", "--base_image=python:3.12-slim")
    assert done.returncode in (1, 2)  # 2 where the tests are not root's
    assert not any(line.startswith("debootstrap") for line in _called(programs) if done.returncode == 1)


@pytest.mark.parametrize("arguments", [(), ("--builder=podman",), ("--base_image=debootstrap",)])
def test_rejects_a_machine_without_a_builder(programs: Path, arguments: tuple[str, ...]) -> None:
    done = _image(programs, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("image: `--builder` must work on this machine: ")
    assert done.stderr.count("\n") == 1


def test_rejects_a_stand_in_with_another_builder(programs: Path) -> None:
    _program(programs, "docker")
    done = _image(programs, "--builder=docker", "--base_image=debootstrap")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "image: `--base_image=debootstrap` needs --builder=buildah. Received: --builder=docker\n"


def test_a_builder_that_fails_ends_it(programs: Path) -> None:
    _program(programs, "docker", "case $1 in build) exit 17 ;; esac")
    done = _image(programs)
    assert (done.returncode, done.stderr) == (1, "image: docker failed with status 17\n")
    assert "built" not in done.stdout


def test_adds_a_folder_of_ones_own_after_all_others(programs: Path, tmp_path: Path) -> None:
    package = tmp_path / "nets"
    (package / "__pycache__").mkdir(parents=True)
    for name in ("__init__.py", "mine.py", "sizes.json", ".secret", "__pycache__/mine.pyc"):
        (package / name).write_text(name)
    (package / "mine.py").chmod(0o600)
    _program(
        programs, "docker", f'case $1 in build) /bin/cp -r "$PWD" "{tmp_path}/$(/usr/bin/basename "$PWD")" ;; esac'
    )
    done = _image(programs, "--tag=trainer:1", f"--package={package}")
    assert (done.returncode, done.stderr) == (0, "")
    *_, add, images = _called(programs)
    assert (add, images) == ("docker build --tag trainer:1 .", "docker images --format={{.Size}} trainer:1")
    (context,) = tmp_path.glob("trainer-image-*")
    assert (context / "Dockerfile").read_text() == "FROM trainer:1\nCOPY nets ./nets\n"
    assert sorted(path.name for path in (context / "nets").iterdir()) == ["__init__.py", "mine.py", "sizes.json"]
    assert (context / "nets" / "mine.py").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("absent", "which is no folder"),
        ("empty", "which holds no .py file"),
        ("my-nets", "whose name no import can have"),
        ("trainer", "whose name is this program's"),
    ],
)
def test_rejects_a_folder_that_no_one_can_import(programs: Path, tmp_path: Path, name: str, said: str) -> None:
    if name != "absent":
        (tmp_path / name).mkdir()
    done = _image(programs, f"--package={tmp_path / name}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"image: `--package` must be a folder of Python modules. Received: {tmp_path / name}, {said}\n"
    )
