"""A base image made of Debian's packages, where no registry of images is reached."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from container.builder import Builder

NAME = "debootstrap"  # what is asked for instead of an image
_PACKAGES = "python3,python3-venv,ca-certificates"
# Which packages' lists and which documents debootstrap leaves behind; Python's slim image has neither.
_LEFTOVERS = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale")


def suite(base_image: str) -> str:
    """Returns the release of Debian that an image is made of, by its tag: "bookworm" of "python:3.11-slim-bookworm"."""
    return re.split(r"[-:]", base_image.partition("@")[0])[-1]


def mirror(release: str) -> str:
    """Returns where apt gets a release from on this machine; empty where it gets that one from nowhere."""
    command = ["apt-get", "indextargets", "--format=$(REPO_URI)", "Created-By: Packages", f"Codename: {release}"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # debootstrap runs on other systems than Debian too
        return ""
    return next(iter(found.stdout.split()), "")


def make(builder: Builder, release: str) -> str:
    """Makes a base image with buildah as root, without Debian's security updates, in about a minute.

    Returns:
      the image's name.

    Raises:
      subprocess.CalledProcessError: debootstrap or buildah failed; both have said why.
    """
    name = f"localhost/trainer-base:{release}"
    with tempfile.TemporaryDirectory(prefix="trainer-base-") as folder:
        subprocess.run(debootstrap_command(release, folder, mirror(release)), check=True, stdout=subprocess.DEVNULL)
        for leftover in _LEFTOVERS:
            shutil.rmtree(Path(folder, leftover), ignore_errors=True)
        container = _said([*builder.command, "from", "scratch"])
        try:
            _said([*builder.command, "add", "--quiet", container, folder, "/"])
            _said([*builder.command, "commit", "--quiet", "--format=docker", container, name])
        finally:
            _said([*builder.command, "rm", container])
    return name


def debootstrap_command(release: str, folder: str, source: str) -> list[str]:
    """Returns the command that installs a small Debian with Python, from a mirror or debootstrap's own."""
    return [
        "debootstrap",
        "--variant=minbase",
        f"--include={_PACKAGES}",
        release,
        folder,
        *([source] if source else []),
    ]


def _said(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
