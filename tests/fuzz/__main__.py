"""Tries random input for some minutes and prints each fault with what makes it again."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz import workers
from tests.fuzz.case import Case
from trainer.quiet import without_chatter

_SHOWN = 3  # lines of a traceback


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: 0 where nothing was found, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--count", type=int, default=0, help="so many cases of each kind, in place of the minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default="", help="only these, with commas between them")
    parser.add_argument("--keep", type=Path, default=Path("fuzz"), help="takes the input of each fault")
    parser.add_argument("--case", default="", help="KIND-SEED-NUMBER: only this one, in this process")
    given = parser.parse_args(arguments)
    with without_chatter():
        from tests.fuzz.kinds import KINDS
    if given.case:
        return _again(given.case, given.keep, KINDS)
    chosen = {name: KINDS[name] for name in (given.kinds.split(",") if given.kinds else KINDS)}
    end, ran, faults = time.monotonic() + 60 * given.minutes, 0, 0

    def is_over(done: int) -> bool:
        nonlocal ran
        ran = done
        return done >= given.count * len(chosen) if given.count else time.monotonic() > end

    batch = min(given.count or workers.BATCH, workers.BATCH)
    for fault in workers.run(chosen, given.seed, given.keep, is_over, batch=batch):
        faults += 1
        lines = [line for line in fault.what.splitlines() if line.strip()]
        print(f"{fault.case}: {lines[0]}", *(f"    {line}" for line in lines[1:][-_SHOWN:]), sep="\n")
        print(f"    {fault.folder}; again: python -m tests.fuzz --case={fault.case}", flush=True)
    print(f"{ran:,} cases of {len(chosen)} kinds with seed {given.seed}: {faults} faults")
    return 1 if faults else 0


def _again(name: str, keep: Path, kinds: workers.Mapping[str, workers.Make]) -> int:
    kind, seed, number = name.rsplit("-", 2)
    folder = (keep / f"{name}.again").absolute()
    folder.mkdir(parents=True)
    what = Case(kind, int(seed), int(number)).run(kinds[kind], folder)
    print(what or "nothing is wrong", f"its input is in {folder}", sep="\n")
    return 1 if what else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
