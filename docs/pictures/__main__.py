"""Draws the pictures of the documents from real runs, and from a table of them: `python -m docs.pictures`.

It needs tmux and chromium, and takes about five minutes. With names, as in `python -m docs.pictures hero study`, it
draws only these. `--accept` draws nothing: it records that changed code draws the same pictures, after you have looked.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from docs.pictures import accuracy, hero, pages, sources, terminal
from tests.documents.scratch import Scratch

FOLDER = Path(__file__).parent


def main(arguments: Sequence[str]) -> int:
    """Draws the named pictures, or all, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m docs.pictures", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name", help="a picture, as in hero")
    parser.add_argument(
        "--data", default="digits", help="data of the hero picture and TensorBoard's, as in trainer.task"
    )
    parser.add_argument("--epochs", default=14, type=int, help="epochs of the same")
    parser.add_argument("--to", default=FOLDER, type=Path, help="the folder of the pictures")
    parser.add_argument("--accept", action="store_true", help="draw nothing; record that the pictures are current")
    given = parser.parse_args(arguments)
    to = given.to.absolute()

    def draw_hero(scratch: Scratch) -> None:
        hero.draw(to / "hero.png", scratch.repository, given.data, given.epochs)

    def draw_pages(scratch: Scratch) -> None:
        pages.draw(to, scratch.repository, given.data, given.epochs)

    def draw_accuracy(scratch: Scratch) -> None:
        accuracy.draw(accuracy.measured(accuracy.PAGE.read_text(encoding="utf-8")), to / "accuracy.svg")

    drawings: dict[str, Callable[[Scratch], None]] = {
        "hero": draw_hero,
        "tensorboard": draw_pages,
        "accuracy": draw_accuracy,
    }
    for shown in terminal.SHOWN:
        drawings[shown.name] = lambda scratch, shown=shown: terminal.draw(shown, to / f"{shown.name}.svg", scratch)
    unknown = set(given.names) - set(drawings)
    if unknown:
        parser.error(f"a name must be one of {', '.join(drawings)}. Received: {', '.join(sorted(unknown))}")
    if given.accept:
        sources.accept(given.names or drawings)
        return 0
    to.mkdir(parents=True, exist_ok=True)
    for name in given.names or drawings:
        print(f"drawing {name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            drawings[name](Scratch(Path(folder)))
        if to == FOLDER:
            sources.accept([name])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
