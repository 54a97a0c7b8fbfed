"""What a person's terminal shows, as SVG pictures: a real terminal runs the commands."""

import dataclasses
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text


@dataclasses.dataclass(frozen=True)
class Shown:
    """A picture of a terminal.

    Attributes:
      name: of its file.
      command: what is typed.
      before: commands whose output is not shown.
      width: characters in a line.
      last: the lines at the end that are shown; 0 is all.
    """

    name: str
    command: str
    before: str = ""
    width: int = 100
    last: int = 0


_STUDY = "python -m trainer.study --config=config.yaml --data=digits --epochs=4 --job_dir=runs/study"
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
    Shown("study", _STUDY, width=110),
    Shown(
        "submit",
        "make submit PROJECT=my-project REGION=us-central1 BUCKET=my-bucket ARGS=--watch",
        _DEMO,
        width=110,
    ),
)


def clone(source: Path, folder: Path) -> Path:
    """Returns a copy of the project's files, with this Python as its environment."""
    command = ["git", "-C", str(source), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (source / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, folder / name)
    return folder


def draw(shown: Shown, file: Path, folder: Path) -> None:
    """Runs a command in a terminal in the folder, and draws what stands there at its end."""
    ansi = _run(shown, folder)
    lines = ansi.rstrip().splitlines()
    console = Console(record=True, width=shown.width, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), shown.command), soft_wrap=True)
    if shown.last and len(lines) > shown.last:
        console.print("…")
    for line in lines[-shown.last :]:
        console.print(Text.from_ansi(line), soft_wrap=True)
    svg = console.export_svg(title="trainer", theme=DIMMED_MONOKAI)
    file.write_text(
        re.sub(r"@font-face {.*?}\s*", "", svg, flags=re.DOTALL)
    )  # a font from elsewhere, not shown in a page


def _run(shown: Shown, folder: Path) -> str:
    """Returns what tmux has on its screen when the command has ended, colours included."""
    script, socket = folder / ".shown.sh", folder / ".tmux"
    bin = Path(sys.executable).parent
    script.write_text(
        f'export PATH="{bin}:$PATH" HOME="{folder}" TF_CPP_MIN_LOG_LEVEL=3\n'
        f"{{\n:\n{shown.before}\n}} > .before.txt 2>&1\n{shown.command}\n"
        f"tmux -S {socket} wait-for -S ended\nread -r _\n"
    )
    tmux = ["tmux", "-S", str(socket), "-f", os.devnull]
    size = ["-x", str(shown.width), "-y", "60"]
    subprocess.run([*tmux, "new-session", "-d", *size, "-c", str(folder), f"bash {script}"], check=True)
    try:
        subprocess.run([*tmux, "wait-for", "ended"], check=True, timeout=600)
        captured = [*tmux, "capture-pane", "-e", "-p", "-S", "-"]
        return subprocess.run(captured, check=True, capture_output=True, text=True).stdout
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
