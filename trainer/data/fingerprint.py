"""Identifies a data set in any location: a run that resumes must have the same data."""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data.lists.entries import PARTS, Entry

Mark = tuple[int, int]  # the checksum of a sample's first bytes, and its length

_SAMPLES = "samples"  # the only checksum of samples in memory


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """A data set's classes, its counts, and checksums of the rest.

    Attributes:
      classes: the names of the classes, in the order of the targets.
      counts: the number of samples of each split.
      checksums: the checksums of names, splits, labels, first bytes and sizes of files, or of samples in memory.
      dropped: the number of samples that `--drop` leaves out; they are in no count and no checksum.
    """

    classes: Sequence[str] = ()
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    checksums: Mapping[str, str] = dataclasses.field(default_factory=dict)
    dropped: int = 0

    @classmethod
    def of_files(cls, entries: Sequence[Entry], marks: Mapping[int, Mark], classes: Sequence[str]) -> "Fingerprint":
        """Returns the fingerprint of samples in files, independent of their folder.

        Args:
          entries: the samples with their splits.
          marks: the checksum of a sample's first bytes and its length, by index, for the readable samples.
          classes: the names of the classes, in the order of the targets.
        """
        rows = sorted((one.name, one.part, one.label, *marks.get(index, (0, 0))) for index, one in enumerate(entries))
        columns = zip(("names", "parts", "labels", "contents", "sizes"), zip(*rows, strict=True), strict=True)
        return cls(
            tuple(classes), _count(one.part for one in entries), {name: _checksum(column) for name, column in columns}
        )

    @classmethod
    def of_arrays(
        cls,
        arrays: Iterable[npt.NDArray[Any]],
        classes: Sequence[str],
        counts: Mapping[str, int],
        chosen: Sequence[npt.NDArray[np.int64]] = (),
    ) -> "Fingerprint":
        """Returns the fingerprint of samples in memory.

        Args:
          arrays: the samples and the labels of each given split.
          classes: the names of the classes, in the order of the targets.
          counts: the number of samples of each split.
          chosen: the indices of the samples of each part that was split off class by class. Earlier versions split at
            random, and their runs do not resume with such parts.
        """
        digest = hashlib.sha256()
        for array in arrays:
            digest.update(f"{array.dtype.str} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        parts = {"parts": _checksum(indices.tolist() for indices in chosen)} if chosen else {}
        return cls(tuple(classes), dict(counts), {_SAMPLES: digest.hexdigest()[:16], **parts})

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> "Fingerprint":
        """Returns the fingerprint of a mapping from `content`; an empty one for an empty mapping.

        Raises:
          AttributeError, TypeError, ValueError: the mapping is invalid.
        """
        return cls(
            tuple(map(str, content.get("classes", ()))),
            {part: int(count) for part, count in content.get("counts", {}).items()},
            dict(content.get("checksums", {})),
            int(content.get("dropped", 0)),
        )

    def content(self) -> dict[str, Any]:
        """Returns this fingerprint as JSON types."""
        found = {"classes": list(self.classes), "counts": dict(self.counts), "checksums": dict(self.checksums)}
        return {**found, "dropped": self.dropped} if self.dropped else found

    def checksum(self) -> str:
        """Returns one checksum of the whole fingerprint."""
        return _checksum([self.content()])

    def changes(self, former: "Fingerprint") -> list[str]:
        """Returns the differences to a former data set, each in a few words."""
        found = [f"class {name} is new" for name in self.classes if name not in former.classes]
        found += [f"class {name} is gone" for name in former.classes if name not in self.classes]
        if self.dropped != former.dropped:
            found.append(f"--drop left out {former.dropped:,} samples before, {self.dropped:,} now")
        found += [
            f"{former.counts.get(part, 0):,} samples for {part} became {self.counts.get(part, 0):,}"
            for part in PARTS
            if former.counts.get(part, 0) != self.counts.get(part, 0)
        ]
        if not found:
            differ = [name for name in self.checksums if self.checksums[name] != former.checksums.get(name)]
            found = [f"the {name} of samples changed" if name != _SAMPLES else "the samples changed" for name in differ]
        return found


def _count(parts: Iterable[str]) -> dict[str, int]:
    counts = Counter(parts)
    return {part: counts[part] for part in PARTS}


def _checksum(values: Iterable[Any]) -> str:
    text = json.dumps([*values])  # escapes bytes in names that are not UTF-8
    return hashlib.sha256(text.encode()).hexdigest()[:16]
