"""Draws the pictures of the documents anew, from real runs: `python -m docs.pictures`.

It needs tmux and chromium, and takes some five minutes. With names, as in `python -m docs.pictures hero study`, it
draws these alone; `--data` names the digits of the hero picture.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from docs.pictures import hero, pages, terminal
from tests.documents.scratch import Scratch

FOLDER = Path(__file__).parent


def main(arguments: Sequence[str]) -> int:
    """Draws what is asked for, everything where nothing is, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m docs.pictures", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name", help="a picture, as in hero")
    parser.add_argument(
        "--data", default="digits", help="of the hero picture and TensorBoard's, as trainer.task takes it"
    )
    parser.add_argument("--epochs", default=14, type=int, help="of the same")
    parser.add_argument("--to", default=FOLDER, type=Path, help="the folder that takes them")
    given = parser.parse_args(arguments)
    to = given.to.absolute()

    def draw_hero(scratch: Scratch) -> None:
        hero.draw(to / "hero.png", scratch.repository, given.data, given.epochs)

    def draw_pages(scratch: Scratch) -> None:
        pages.draw(to, scratch.repository, given.data, given.epochs)

    drawings: dict[str, Callable[[Scratch], None]] = {"hero": draw_hero, "tensorboard": draw_pages}
    for shown in terminal.SHOWN:
        drawings[shown.name] = lambda scratch, shown=shown: terminal.draw(shown, to / f"{shown.name}.svg", scratch)
    unknown = set(given.names) - set(drawings)
    if unknown:
        parser.error(f"a name must be one of {', '.join(drawings)}. Received: {', '.join(sorted(unknown))}")
    to.mkdir(parents=True, exist_ok=True)
    for name in given.names or drawings:
        print(f"draws {name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            drawings[name](Scratch(Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
