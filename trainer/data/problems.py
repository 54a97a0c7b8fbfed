"""What is wrong with a data set, beyond what cannot be read at all."""

import dataclasses
from collections.abc import Sequence

from trainer.data.lists.entries import PARTS, TRAIN, Entry
from trainer.data.survey import Finding


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
      location: the sample's, or the class's folder or name.
      text: what is wrong.
      index: which entry is to be left out; -1 where it is none.
    """

    location: str
    text: str
    index: int = -1

    def __str__(self) -> str:
        return f"{self.location}: {self.text}"


def find(entries: Sequence[Entry], findings: Sequence[Finding]) -> list[Problem]:
    """Returns the samples that cannot be read, are in two parts or classes, or are of a class without training samples.

    Of the images with one content that of the test part stays, else that of the validation part, else the first.
    """
    problems = [
        Problem(entry.location, f"cannot be read: {finding.reason}", index)
        for index, (entry, finding) in enumerate(zip(entries, findings, strict=True))
        if finding.reason
    ]
    problems += _duplicates(entries, findings)
    out = {problem.index for problem in problems}
    trained = {entry.label for index, entry in enumerate(entries) if entry.part == TRAIN and index not in out}
    listed = {entry.label for entry in entries if entry.part == TRAIN}
    for index, entry in enumerate(entries):
        if index not in out and entry.label not in trained:
            what = "no image that can be trained on" if entry.label in listed else "no image to train on"
            problems.append(Problem(entry.location, f"its class, {entry.label}, has {what}", index))
    for label in sorted(listed - trained):
        problems.append(Problem(label, "a class without an image to train on"))
    return sorted(problems, key=lambda problem: (problem.location, problem.text))


def _duplicates(entries: Sequence[Entry], findings: Sequence[Finding]) -> list[Problem]:
    order = sorted(
        (index for index, finding in enumerate(findings) if not finding.reason),
        key=lambda index: (-PARTS.index(entries[index].part), entries[index].name),
    )
    kept: dict[str, int] = {}
    problems = []
    for index in order:
        first = kept.setdefault(findings[index].digest, index)
        own, other = entries[index], entries[first]
        if own.part != other.part:
            problems.append(
                Problem(own.location, f"in {own.part}; the same image as {other.location}, in {other.part}", index)
            )
        elif own.label != other.label:
            text = f"of class {own.label}; the same image as {other.location}, of class {other.label}"
            problems.append(Problem(own.location, text, index))
    return problems
