"""Programs whose reader goes away, as real processes."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from trainer import output
output.outlive_readers()
import rich.console, rich.progress
screen = rich.console.Console()
with open(sys.argv[1], "w") as file:
    for line in range(3000):
        screen.out(f"line {line}")
        print(line, file=sys.stderr)
    with rich.progress.Progress(console=screen) as bar:
        bar.advance(bar.add_task("bar", total=2))
    sys.stdout.flush()
    file.write(f"to its end, {file.fileno() > 2}")
"""


def _end(process: subprocess.Popen, file: Path) -> None:
    assert process.wait(60) == 0
    assert file.read_text() == "to its end, True"


@pytest.mark.parametrize("errors", [subprocess.PIPE, subprocess.STDOUT])
def test_a_pipe_that_is_closed_ends_nothing(errors: int, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "file")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() in ("line 0\n", "0\n")
    process.stdout.close()
    if process.stderr:
        with process.stderr:
            assert "Error" not in process.stderr.read()
    _end(process, tmp_path / "file")


def test_a_terminal_that_is_gone_ends_nothing(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "file")]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    os.read(ours, 10)
    os.close(ours)
    _end(process, tmp_path / "file")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_no_file_takes_the_place_of_a_closed_stream(closed: str, tmp_path: Path) -> None:
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "file")]
    shell = ["sh", "-c", f'"$@" {closed}', "sh", *words]
    _end(subprocess.Popen(shell, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), tmp_path / "file")


def test_a_disk_that_is_full_is_still_an_error() -> None:
    program = "from trainer import output; output.outlive_readers(); print('x' * 100000, flush=True)"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode != 0
    assert "No space left on device" in done.stderr
