"""What a person's terminal shows, as SVG pictures: a real terminal runs the commands."""

import dataclasses
import io
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from tests.documents.scratch import Scratch


@dataclasses.dataclass(frozen=True)
class Shown:
    """A picture of a terminal.

    Attributes:
      name: of its file.
      command: what is typed.
      before: commands whose output is not shown.
      width: characters in a line of the terminal.
      first: how the first line of the output that is shown begins.
      last: how the first line after it that is left out begins.
    """

    name: str
    command: str
    before: str = ""
    width: int = 100
    first: str = ""
    last: str = "\0"


_WIDTH = 110  # characters, which a table of trials takes; at 800 pixels, letters are 12 pixels high
_HOME = "/home/me/trainer"  # where a reader has it, in place of a folder that is soon gone
_STUDY = (
    "python -m trainer.study --config=config.yaml --data=digits --epochs=4 --max_trial_count=16 --job_dir=runs/study"
)
_DEMO = """
coproc DEMO { exec python -m tests.vertex.demo; }
trap 'kill $DEMO_PID' EXIT
for _ in 1 2 3; do read -r -u "${DEMO[0]}" line; eval "$line"; done
"""

SHOWN = (
    Shown("train", "python -m trainer.task --job_dir=runs/first"),
    Shown(
        "predict",
        "python -m trainer.predict --model=runs/first/model digits/*.png",
        "python -m trainer.task --job_dir=runs/first\n"
        "python -c 'from docs.pictures import digits; digits.write(\"digits\", 6)'",
    ),
    Shown("study", _STUDY, width=110, first="Trial ", last="The best one"),
    Shown(
        "submit",
        "make submit PROJECT=demo-project REGION=us-central1 BUCKET=demo ARGS='--watch --max_trial_count=6'",
        _DEMO,
        width=110,
        first="job state",
        last="Ranking",
    ),
)


def draw(shown: Shown, file: Path, scratch: Scratch) -> None:
    """Runs a command in a reader's terminal, and draws a part of its output."""
    ansi = _run(shown, scratch).rstrip().replace(str(scratch.repository), _HOME)
    file.write_text(picture(shown, [*map(Text.from_ansi, ansi.splitlines())]))


def picture(shown: Shown, output: Sequence[Text]) -> str:
    """Returns the SVG picture of a command and a part of its output, wrapped at 110 characters."""
    texts = [line.plain for line in output]
    first = next((number for number, text in enumerate(texts) if text.startswith(shown.first)), 0)
    last = next((number for number, text in enumerate(texts) if text.startswith(shown.last)), len(texts))
    lines = [Text.assemble(("$ ", "bold green"), shown.command), *output[first:last]]
    while not lines[-1].plain.strip():
        lines.pop()
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    for line in lines:
        line.rstrip()
        console.print(line, overflow="fold")
    svg = console.export_svg(title="trainer", theme=DIMMED_MONOKAI)
    fonts = r"@font-face {.*?}\s*"  # from another site, where no page lets a picture fetch from
    return re.sub(fonts, "", svg, flags=re.DOTALL)


def _run(shown: Shown, scratch: Scratch) -> str:
    """Returns what tmux has on its screen when the command has ended, colours included."""
    folder = scratch.repository
    script, socket = folder / ".shown.sh", folder / ".tmux"
    script.write_text(
        f"{{\n:\n{shown.before}\n}} > .before.txt 2>&1\n{shown.command}\n"
        f"tmux -S {socket} wait-for -S ended\nread -r _\n"
    )
    tmux = ["tmux", "-S", str(socket), "-f", os.devnull]
    size = ["-x", str(shown.width), "-y", "60"]
    started = [*tmux, "new-session", "-d", *size, "-c", str(folder), f"bash {script}"]
    subprocess.run(started, check=True, env=scratch.variables())
    try:
        subprocess.run([*tmux, "wait-for", "ended"], check=True, timeout=600)
        captured = [*tmux, "capture-pane", "-e", "-p", "-J", "-S", "-"]
        return subprocess.run(captured, check=True, capture_output=True, text=True).stdout
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
