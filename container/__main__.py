"""Builds the container image with the first builder that works here: `python3 -m container`, in the project's folder.

Needs only Python's standard library. Its flags: `python3 -m container --help`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from container import own_package, stand_in
from container.builder import ALL, BUILDAH, Builder, choose
from container.settings import Settings

_PROJECT = Path(__file__).parents[1]
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")  # known to all builders
_PROBE_SECONDS = 20  # a daemon that answers does so in one


def main(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Builds the image, prints its builder, its size and the commands to use it, and returns the exit status.

    0: built. 1: the builder failed, and printed why. 2: there is no builder, or not the one asked for.
    """
    given = _parser().parse_args(arguments)
    wrong = own_package.problem(Path(given.package)) if given.package else ""
    if wrong:
        return _refuse(f"`--package` must be a folder of Python modules. Received: {given.package}, {wrong}")
    is_root = os.geteuid() == 0
    wanted = BUILDAH.name if given.base_image == stand_in.NAME and given.builder == "auto" else given.builder
    builder = choose(wanted, _succeeds, is_root)
    if builder is None:
        names = "docker with its daemon, podman, or as root buildah" if wanted == "auto" else wanted
        as_root = " as root" if wanted == BUILDAH.name and not is_root else ""
        return _refuse(
            f"`--builder` must work on this machine: {names}{as_root}. Received: --builder={wanted}, none does"
        )
    if given.base_image == stand_in.NAME and builder.name != BUILDAH.name:
        return _refuse(f"`--base_image={stand_in.NAME}` needs --builder=buildah. Received: --builder={builder.name}")
    try:
        base_image = _base_image(given.base_image, builder)
        _build(builder, given.tag, {"BASE_IMAGE": base_image, "EXTRAS": given.extras}, variables)
        if given.package:
            _add(builder, given.tag, Path(given.package))
        _tell(builder, given.tag)
    except subprocess.CalledProcessError as error:
        print(f"image: {error.cmd[0]} failed with status {error.returncode}", file=sys.stderr)
        return 1
    return 0


def declared_base(dockerfile: str) -> str:
    """Returns the base image that a Dockerfile uses by default."""
    found = re.search(r"^ARG BASE_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    if not found:
        raise ValueError("`Dockerfile` must have a line ARG BASE_IMAGE=IMAGE. Received: none")
    return found[1]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m container", description="Build the container image.")
    parser.add_argument("--tag", default="trainer", help="the image's name (default: %(default)s)")
    parser.add_argument(
        "--base_image", default="", help="a Debian with Python 3.11 or newer and its venv; debootstrap makes one here"
    )
    parser.add_argument("--extras", default="serve", help="of setup.py, such as serve,gpu (default: %(default)s)")
    parser.add_argument(
        "--package", default="", help="a folder of your own modules, for --model=FOLDER.module:function of trainer.task"
    )
    parser.add_argument("--builder", default="auto", choices=["auto", *dict.fromkeys(builder.name for builder in ALL)])
    return parser


def _base_image(wanted: str, builder: Builder) -> str:
    """Returns the base image that is wanted, or a stand-in where it cannot be fetched and can be made."""
    declared = declared_base((_PROJECT / "Dockerfile").read_text(encoding="utf-8"))
    base_image = wanted or declared
    release = stand_in.suite(declared)
    if base_image != stand_in.NAME:
        can_make = builder.name == BUILDAH.name and not wanted and shutil.which("debootstrap") is not None
        if not can_make or _succeeds([*builder.command, "pull", "--quiet", base_image], None) == 0:
            return base_image
        _say(f"{base_image} cannot be fetched; a base made by debootstrap stands in, without Debian's security updates")
    _say(f"debootstrap makes a base of Debian {release}; a minute")
    return stand_in.make(builder, release)


def _build(builder: Builder, tag: str, build_arguments: Mapping[str, str], variables: Mapping[str, str]) -> None:
    settings = _settings(variables)
    build_arguments = dict(build_arguments) | {name: variables[name] for name in _PROXIES if variables.get(name)}
    _say(f"{builder.name} builds {tag}; some minutes")
    if builder.mounts:
        with settings.mounts() as mounts:
            command = builder.build_command(tag, build_arguments, _labels(), mounts)
            subprocess.run(command, cwd=_PROJECT, check=True)
    else:
        if settings.index:
            build_arguments["PIP_INDEX_URL"] = settings.index
        command = builder.build_command(tag, build_arguments, _labels(), {})
        subprocess.run(command, cwd=_PROJECT, check=True)


def _add(builder: Builder, tag: str, package: Path) -> None:
    """Adds a folder of the user's own to the image, in a layer after all others."""
    _say(f"{builder.name} adds {package}")
    with own_package.context(package, tag) as folder:
        subprocess.run(builder.build_command(tag, {}, {}, {}), cwd=folder, check=True)


def _tell(builder: Builder, tag: str) -> None:
    size = subprocess.run(builder.size_command(tag), capture_output=True, text=True, check=True).stdout.strip()
    _say(f"built {tag} with {builder.name}, {size}")
    print("next:", *builder.next_lines(tag), sep="\n  ")


def _settings(variables: Mapping[str, str]) -> Settings:
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # Debian's python3 may have no pip
    return Settings.read(listed.stdout, variables)


def _labels() -> dict[str, str]:
    """Returns labels that name the commit of this git work tree, with `-dirty` where it has changes."""
    git = ["git", "-C", str(_PROJECT)]
    try:
        revision = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip()
        changes = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return {}
    if not revision:
        return {}
    return {"org.opencontainers.image.revision": f"{revision}-dirty" if changes else revision}


def _succeeds(command: Sequence[str], seconds: float | None = _PROBE_SECONDS) -> int:
    """Runs a command without its output, returns its status: 127 where there is no such program, 124 where it hangs."""
    if shutil.which(command[0]) is None:
        return 127
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return 124


def _say(line: str) -> None:
    print(f"image: {line}", flush=True)


def _refuse(line: str) -> int:
    """Prints why nothing is built, and returns the exit status of a usage error."""
    print(f"image: {line}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
