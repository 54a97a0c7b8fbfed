"""`make submit`, in a fresh copy of what it needs."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.gcs.server import serve as serve_buckets
from tests.vertex.server import PROJECT, serve
from tests.vertex.shell import ROOT, Shell

REGION = "us-central1"  # where the fake's buckets are
GIVEN = "PROJECT=my-project REGION=us-central1 BUCKET=my-bucket"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without an environment."""
    for name in ("Makefile", "setup.py", "constraints.txt", "config.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def install(checkout: Path, python: str = "printf '[%s]' \"$@\"") -> None:
    """Makes an environment whose programs say what they were given."""
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, script in (("python", python), ("pip", 'echo pip "$@"')):
        (programs / name).write_text(f"#!/bin/bash\n{script}\n")
        (programs / name).chmod(0o755)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    with serve() as server:
        return Shell(server, tmp_path / "gcloud", {"PROJECT": "", "REGION": "", "BUCKET": ""})


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("", ["PROJECT", "REGION", "BUCKET"]),
        ("REGION=europe-west4", ["PROJECT", "BUCKET"]),
        ("PROJECT=my-project REGION=europe-west4 BUCKET=", ["BUCKET"]),
    ],
)
def test_rejects_what_lacks_a_variable_all_at_once(
    checkout: Path, shell: Shell, given: str, missing: list[str]
) -> None:
    done = shell.run(f"make submit {given}", checkout)
    assert done.returncode == 2
    assert done.stdout == ""
    *told, last = done.stderr.splitlines()
    assert [line.split()[1] for line in told] == missing
    assert told[-1] == "make: BUCKET must be given, as in BUCKET=my-bucket. Received: nothing"
    assert last.startswith("make: ***")
    assert not (checkout / ".venv").exists()  # nothing was installed for it


def test_installs_what_it_needs_once(checkout: Path, shell: Shell) -> None:
    install(checkout)
    first, second = (shell(f"make submit {GIVEN}", checkout) for _ in range(2))
    assert "--constraint=constraints.txt --editable .[vertex]" in first
    assert first.endswith(second)
    assert second == (
        "[-m][trainer.study][--target=vertex][--project=my-project][--region=us-central1][--bucket=my-bucket]"
    )


def test_a_value_arrives_as_it_is(checkout: Path, shell: Shell) -> None:
    install(checkout)
    odd = """a  'b' "c" $HOME `touch one` $(touch two) $(shell touch three) \\ ; touch four # %"""
    quoted = "'" + odd.replace("'", "'\\''") + "'"
    said = shell(f"make submit PROJECT={quoted} REGION={quoted} BUCKET={quoted} ARGS=\"--dry_run --x='a b'\"", checkout)
    assert f"[--project={odd}][--region={odd}][--bucket={odd}][--dry_run][--x=a b]" in said
    by_environment = shell(f"PROJECT={quoted} REGION=r BUCKET={quoted} make submit", checkout)
    assert f"[--project={odd}][--region=r][--bucket={odd}]" in by_environment
    assert not {"one", "two", "three", "four"} & {path.name for path in checkout.iterdir()}


def test_sends_the_study(checkout: Path, tmp_path: Path) -> None:
    install(checkout, f'PYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"')
    place = f"PROJECT={PROJECT} REGION={REGION} BUCKET=my-bucket"
    with serve(region=REGION) as server, serve_buckets(["my-bucket"]) as buckets:
        shell = Shell(server, tmp_path / "gcloud", {"STORAGE_EMULATOR_HOST": buckets.url})
        assert "gcloud ai hp-tuning-jobs create" in shell(f'make submit {place} ARGS="--dry_run"', checkout)
        assert server.requests == []
        assert "submitted projects/" in shell(f"make submit {place} ARGS='--max_trial_count=8'", checkout)
        (name,) = server.store.names()
        assert server.store.peek(name)["maxTrialCount"] == 8
        wrong = shell.run("make submit PROJECT='my project' REGION=mars BUCKET='my bucket'", checkout)
        assert wrong.returncode == 2
        assert wrong.stderr.startswith("trainer: 3 mistakes\n`--project` must be a project's id")
        assert len(server.requests) == 1
