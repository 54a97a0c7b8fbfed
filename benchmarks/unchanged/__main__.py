"""Whether two source trees train, write, print and refuse the same, to the bit.

    python -m benchmarks.unchanged --against=REVISION
    python -m benchmarks.unchanged --before=FOLDER --after=FOLDER [--only=digits,study]

Both trees run the same commands as processes of this Python. A row of the table compares what each leaves: weights, the
optimizer's too, to the bit; event files by tag, step and value; all other files, lines and exit statuses. What a clock
has a part in is left out. The last rows are about a run, a model and a study that the first tree made and the second
one takes on: it must do with them what the first tree did, or refuse them with a line. Both trees should be git work
trees, or neither: a run records whether it has a revision.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.unchanged import commands, facts, samples
from benchmarks.unchanged.commands import Command
from benchmarks.unchanged.trees import Ended, Tree

_ROOT = Path(__file__).parents[2]
_REFUSED = 2


def main(arguments: Sequence[str]) -> int:
    """Prints the table, and returns 1 where anything differs."""
    given = _parser().parse_args(arguments)
    with contextlib.ExitStack() as stack:
        work = Path(given.work or stack.enter_context(tempfile.TemporaryDirectory())).resolve()
        before = given.before or stack.enter_context(_checked_out(given.against))
        trees = [Tree(before.resolve(), work / "a"), Tree(given.after.resolve(), work / "b")]
        for tree in trees:
            tree.check()
            print(f"{tree.folder.name}: trainer of {tree.source}")
        (work / "data").mkdir()
        samples.write(work / "data")
        return int(not _compare_all(trees, work / "c", _rows(given)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.unchanged",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    first = parser.add_mutually_exclusive_group(required=True)
    first.add_argument("--against", help="a git revision, the first tree")
    first.add_argument("--before", type=Path, help="the first tree")
    parser.add_argument("--after", type=Path, default=_ROOT, help="the second tree (default: this one)")
    parser.add_argument("--only", default="", help="names of rows, separated by commas")
    parser.add_argument("--idx", type=Path, help="a folder of IDX files, in place of a few digits")
    parser.add_argument("--photos", type=Path, help="a folder of class folders, in place of parts of two photographs")
    parser.add_argument("--work", type=Path, help="a new folder that keeps everything (default: a temporary one)")
    return parser


def _rows(given: argparse.Namespace) -> list[Command]:
    idx = given.idx.resolve() if given.idx else Path("../data/idx")
    photos = given.photos.resolve() if given.photos else Path("../data/photos")
    rows, wanted = commands.commands(idx, photos), given.only.split(",") if given.only else []
    if unknown := set(wanted) - {row.name for row in rows}:
        sys.exit(f"`--only` must name rows: {', '.join(row.name for row in rows)}. Received: {', '.join(unknown)}")
    return [row for row in rows if row.name in wanted or not wanted]


@contextlib.contextmanager
def _checked_out(revision: str) -> Iterator[Path]:
    """Gives a revision's source tree for as long as the context lasts."""
    git = ["git", "-C", str(_ROOT), "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), revision], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def _compare_all(trees: Sequence[Tree], third: Path, rows: Sequence[Command]) -> bool:
    """Prints a line for each row, and returns whether all are the same."""
    print(f"\n{'':<24}" + "".join(f"{column:<14}" for column in facts.COLUMNS), flush=True)
    first, second = trees
    is_same, processes = True, {}
    for row in rows:
        with ThreadPoolExecutor() as pool:
            played = list(pool.map(row.play, trees))
        processes[row.name] = played[0]
        if not row.is_expected(played[0]):
            is_same = False
            print(f"{row.name}: it does not end as it is meant to: {[*played[0]]}", flush=True)
        left = [
            facts.gather(tree, ended, row.folders, literal=row.literal)
            for tree, ended in zip(trees, played, strict=True)
        ]
        is_same &= _print(row.name, facts.differences(*left))
    taken = Tree(second.source, third)
    third.mkdir()
    commands.hand_over(first, taken)
    for takeover in commands.TAKEOVERS:
        if takeover.row in processes:
            is_same &= _take_over(takeover, first, taken, processes[takeover.row])
    return is_same


def _take_over(takeover: commands.Takeover, first: Tree, taken: Tree, former: Sequence[Ended]) -> bool:
    """Compares what the second tree makes of what the first one left with what the first one made of it."""
    ended, expected = takeover.play(taken), former[takeover.process]
    if ended.status == _REFUSED != expected.status:
        print(f"{takeover.name:<24}refused: {taken.located(ended.err).strip()}", flush=True)
        return "Traceback" not in ended.err
    left = [facts.gather(tree, [one], takeover.folders) for tree, one in ((first, expected), (taken, ended))]
    return _print(takeover.name, facts.differences(*left))


def _print(name: str, found: dict[str, str]) -> bool:
    is_same = all(text.startswith(("same", "-")) for text in found.values())
    cells = (text if text.startswith(("same", "-")) else "DIFFERS" for text in found.values())
    print(f"{name:<24}" + "".join(f"{cell:<14}" for cell in cells), flush=True)
    for column, text in found.items():
        if not text.startswith(("same", "-")):
            print(f"    {column}: {text}", flush=True)
    return is_same


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
