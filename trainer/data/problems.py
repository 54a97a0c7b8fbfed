"""The problems of a data set, besides unreadable samples."""

import dataclasses
from collections.abc import Sequence

from trainer.data.lists import copies
from trainer.data.lists.entries import TRAIN, Entry
from trainer.data.survey import Finding
from trainer.errors import one_line


@dataclasses.dataclass(frozen=True)
class Problem:
    """A problem of a data set.

    Attributes:
      location: the location of the sample, or the folder or name of the class.
      text: the problem.
      index: the entry to skip; -1 if it is none.
    """

    location: str
    text: str
    index: int = -1

    def __str__(self) -> str:
        return f"{self.location}: {self.text}"


def find(entries: Sequence[Entry], findings: Sequence[Finding]) -> list[Problem]:
    """Returns the samples that are unreadable, in two splits or classes, or in a class without training samples.

    If samples have equal contents, `copies.of_others` decides which one is kept.
    """
    problems = [
        Problem(entry.place, f"cannot be read: {finding.reason}", index)
        for index, (entry, finding) in enumerate(zip(entries, findings, strict=True))
        if finding.reason
    ]
    problems += _duplicates(entries, findings)
    out = {problem.index for problem in problems}
    trained = {entry.label for index, entry in enumerate(entries) if entry.part == TRAIN and index not in out}
    listed = {entry.label for entry in entries if entry.part == TRAIN}
    for index, entry in enumerate(entries):
        if index not in out and entry.label not in trained:
            what = "no sample that can be trained on" if entry.label in listed else "no sample to train on"
            problems.append(Problem(entry.place, f"its class, {one_line(entry.label)}, has {what}", index))
    for label in sorted(listed - trained):
        problems.append(Problem(one_line(label), "a class without a sample to train on"))
    return sorted(problems, key=lambda problem: (problem.location, problem.text))


def _duplicates(entries: Sequence[Entry], findings: Sequence[Finding]) -> list[Problem]:
    digests = {index: finding.digest for index, finding in enumerate(findings) if not finding.reason}
    problems = []
    for index, original in copies.of_others(entries, digests):
        own, other = entries[index], entries[original]
        if own.part != other.part:
            problems.append(
                Problem(own.place, f"in {own.part}; the same content as {other.place}, in {other.part}", index)
            )
        elif own.label != other.label:
            problems.append(Problem(own.place, copies.contradiction(own, other), index))
    return problems
