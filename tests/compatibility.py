"""The tests of `make test` with the oldest and the newest allowed version of each dependency: `make compatibility`

What is none of its flags goes to pytest. A set's environment is made anew each time, under build/compatibility/.
"""

import argparse
import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from trainer.interpreter import DISTRIBUTION

ROOT = Path(__file__).parents[1]
_UV = Path(sys.executable).with_name("uv")
_EXTRAS = ("gcs", "jax", "notebooks", "serve", "vertex")  # what the fast tests run; `dev` and its tools come on top


@dataclasses.dataclass(frozen=True)
class Set:
    """Versions to test with: the Python, and `oldest`, `newest` or the `locked` ones of constraints.txt."""

    python: str
    versions: str


SETS = {
    "oldest": Set("3.11", "oldest"),
    "newest": Set("3.13", "newest"),
    "locked-3.11": Set("3.11", "locked"),
    "locked-3.12": Set("3.12", "locked"),
    "locked-3.13": Set("3.13", "locked"),
}


def main(arguments: Sequence[str]) -> int:
    """Tests each set, says of each what it held and how it went, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="make compatibility", description=__doc__, allow_abbrev=False)
    parser.add_argument("--sets", default="oldest newest", help=f"of {', '.join(SETS)}")
    given, rest = parser.parse_known_args(arguments)
    chosen = given.sets.replace(",", " ").split()
    if not chosen or not set(chosen) <= set(SETS):
        parser.error(f"`SETS` must be some of {', '.join(SETS)}. Received: {given.sets}")
    pythons = {name: interpreter(SETS[name].python, candidates(SETS[name].python)) for name in chosen}
    for name, python in pythons.items():
        if python is None:
            parser.error(f"`{name}` needs Python {SETS[name].python}, on PATH or by pyenv. Received: none")
    results = {name: _test(name, python, rest) for name, python in pythons.items() if python}
    print(*(f"{name}: {result}" for name, result in results.items()), sep="\n")
    return 0 if all(result.startswith("passed") for result in results.values()) else 1


def candidates(version: str) -> Iterable[str]:
    """Yields where a Python may be: every folder of PATH, for the first may hold pyenv's refusal, then pyenv's own."""
    for folder in os.get_exec_path():
        yield str(Path(folder) / f"python{version}")
    yield from sorted(map(str, (Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python")))


def interpreter(version: str, paths: Iterable[str]) -> str | None:
    """Returns the first path that is this version of Python, or nothing."""
    program = "import sys; print(*sys.version_info[:2], sep='.')"
    for path in paths:
        try:
            done = subprocess.run([path, "-c", program], capture_output=True, text=True, check=False)
        except OSError:
            continue
        if done.stdout.strip() == version:
            return path
    return None


def _test(name: str, python: str, arguments: Sequence[str]) -> str:
    folder = ROOT / "build" / "compatibility" / name
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{name}: making {folder.relative_to(ROOT)}", flush=True)
    own = str(folder / "bin" / "python")
    try:
        _run(_UV, "venv", "--quiet", "--seed", "--python", python, folder)  # with pip, which tests ask
        limits = _limits(SETS[name], folder.with_suffix(".txt"))
        extras = ",".join(("dev", *_EXTRAS))
        _run(_UV, "pip", "install", "--quiet", "--python", own, *limits, "--editable", f".[{extras}]")
    except subprocess.CalledProcessError as error:
        return f"failed, for its environment cannot be made: exit status {error.returncode}"
    workers = ("--numprocesses=logical", "--maxprocesses=4", "--dist=worksteal")  # as in the Makefile
    done = subprocess.run([own, "-m", "pytest", *workers, "-m", "not slow", *arguments], cwd=ROOT, check=False)
    return f"{'failed' if done.returncode else 'passed'} with {_versions(own)}"


def _limits(chosen: Set, file: Path) -> list[str | Path]:
    """Returns the arguments that keep an environment to a set's versions; the tools of `dev` are never the oldest."""
    if chosen.versions == "newest":
        return []
    if chosen.versions == "locked":
        return ["--constraint", "constraints.txt"]
    extras = [f"--extra={extra}" for extra in _EXTRAS]
    options = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    # What we name is the oldest, what that brings along the newest: nobody upholds the oldest of everything.
    options += [f"--python-version={chosen.python}", "--resolution=lowest-direct", f"--output-file={file}"]
    _run(_UV, "pip", "compile", *options, *extras, "setup.py")
    return ["--constraint", file]


def _versions(python: str) -> str:
    """Returns an environment's version of Python and of everything that the package cannot do without."""
    command = [_UV, "pip", "list", "--quiet", "--format=json", "--python", python]
    listed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    installed = {one["name"]: one["version"] for one in listed}
    needed = [Requirement(line) for line in metadata.requires(DISTRIBUTION) or ()]
    named = [one.name for one in needed if not one.marker]
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return ", ".join((version, *(f"{name} {installed[name]}" for name in named)))


def _run(*command: str | Path) -> None:
    subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
