"""docs/vertex.md: what needs an account is parsed by the real gcloud and by our own flags, and sent to the fake."""

import contextlib
import io
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.vertex.server import Server, serve
from tests.vertex.shell import ROOT, Shell
from tests.vertex.test_lines import as_bytes, parts, received
from trainer.study.__main__ import main
from trainer.study.vertex.job import CUSTOM, TUNING

DOCUMENT = ROOT / "docs" / "vertex.md"
PROJECT, REGION, BUCKET = "my-project", "europe-west4", "my-project-trainer"  # the document's own
PROGRAMS = ("gcloud", "make", "docker", "python")
WORD, CALL = "\x1f", "\x1e"  # what ends each
STAND_IN = rf"""#!/bin/bash
{{ printf '%s{WORD}' "${{0##*/}}" "$@"; printf '{CALL}'; }} >> "$CALLS"
echo 123456
"""

Calls = list[list[str]]

needs_gcloud = pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")


def account_blocks() -> list[str]:
    """Returns the document's commands that need an account."""
    return re.findall(r"^```sh account\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Calls:
    """What a shell calls that runs them all in order, with programs that do nothing."""
    folder = tmp_path_factory.mktemp("document")
    shutil.copy(ROOT / "config.yaml", folder)
    (folder / "seven.png").write_bytes(b"picture")
    programs = folder / "bin"
    programs.mkdir()
    for name in PROGRAMS:
        (programs / name).write_text(STAND_IN)
        (programs / name).chmod(0o755)
    variables = {"PATH": f"{programs}:/usr/bin:/bin", "CALLS": str(folder / "calls"), "HOME": str(folder)}
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(account_blocks())], cwd=folder, env=variables, check=True
    )
    assert json.loads((folder / "request.json").read_text()) == {"instances": [{"b64": "cGljdHVyZQ=="}]}
    return [call.split(WORD)[:-1] for call in (folder / "calls").read_text().split(CALL)[:-1]]


def of(calls: Calls, *words: str) -> Calls:
    return [call for call in calls if call[: len(words)] == [*words]]


def test_all_the_programs_are_called(calls: Calls) -> None:
    assert {call[0] for call in calls} == set(PROGRAMS)
    assert len(of(calls, "gcloud", "ai", "custom-jobs", "create")) == 5


@pytest.mark.slow
@needs_gcloud
def test_gcloud_takes_every_line(calls: Calls, tmp_path: Path) -> None:
    lines = [{"command_string": shlex.join(call)} for call in of(calls, "gcloud")]
    lines.append({"command_string": "gcloud ai custom-jobs create --no-such-flag=1"})
    (tmp_path / "lines.json").write_text(json.dumps(lines))
    with serve() as server:
        checked = Shell(server, tmp_path)(f"gcloud meta lint-gcloud-commands --commands-file={tmp_path}/lines.json")
    *ours, wrong = json.loads(checked)
    assert [(line["command_string"], line["error_message"]) for line in ours if not line["success"]] == []
    assert len(ours) > 40
    assert not wrong["success"]


def submissions(calls: Calls) -> Iterator[list[str]]:
    """Yields the flags of `trainer.study` of each line that sends a job."""
    for call in of(calls, "make", "submit"):
        given = dict(word.split("=", 1) for word in call[2:])
        place = [f"--{name}={given[name.upper()]}" for name in ("project", "region", "bucket")]
        yield ["--target=vertex", *place, *shlex.split(given.get("ARGS", ""))]
    for call in of(calls, "python", "-m", "trainer.study"):
        if "--target=vertex" in call:
            yield call[3:]


def dry_run(flags: Sequence[str]) -> str:
    output = io.StringIO()
    flags = [flag for flag in flags if flag not in ("--dry_run", "--watch")]
    with contextlib.redirect_stdout(output):
        assert main([*flags, "--dry_run", f"--config={ROOT / 'config.yaml'}"], {}) == 0
    return output.getvalue()


def test_our_program_takes_every_line(calls: Calls) -> None:
    sent = [*submissions(calls)]
    assert len(sent) == 10
    for flags in sent:
        assert "gcloud ai" in dry_run(flags)
    others = {call[2] for call in of(calls, "python", "-m")}
    assert others == {"trainer.study", "trainer.tensorboard", "trainer.predict"}


def test_every_target_exists(calls: Calls) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in {call[1] for call in of(calls, "make")}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(PROJECT, REGION) as server:
        yield server


def plain(body: dict[str, Any]) -> dict[str, Any]:
    """Returns a job without its label and its folder."""
    spec = "trialJobSpec" if "trialJobSpec" in body else "jobSpec"
    kept = {field: value for field, value in body[spec].items() if field != "baseOutputDirectory"}
    return {**{field: value for field, value in body.items() if field != "labels"}, spec: kept}


@pytest.mark.slow
@needs_gcloud
def test_what_is_written_by_hand_sends_what_we_send(server: Server, calls: Calls, tmp_path: Path) -> None:
    (ours,) = (block for block in account_blocks() if block.startswith("python -m trainer.study --target"))
    (by_hand,) = (block for block in account_blocks() if "standard.yaml" in block)
    names, *_ = account_blocks()
    exports = "\n".join(line for line in names.splitlines() if line.startswith("export "))
    shutil.copy(ROOT / "config.yaml", tmp_path)
    shell = Shell(server, tmp_path / "gcloud", {"CLOUDSDK_CORE_PROJECT": PROJECT})
    shell(f"set -e\n{exports}\n{by_hand}", tmp_path)
    wanted = [flags for flags in submissions(calls) if "--service_account" not in " ".join(flags)]
    assert len(wanted) == ours.count("trainer.study") == len(received(server)) == 5
    for flags, sent in zip(wanted, received(server), strict=True):
        kind = CUSTOM if "--job=custom" in flags else TUNING
        printed, _ = parts(dry_run(flags))
        assert as_bytes(kind, plain(sent)) == as_bytes(kind, plain(printed)), flags
