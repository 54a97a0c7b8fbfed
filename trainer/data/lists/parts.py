"""Parts that are named in the names of files: `train-00000-of-00010`, `photos_val.tfrecord`, `testImages.csv`."""

import functools
import re
from collections.abc import Sequence
from pathlib import Path

from trainer.data.lists.entries import TRAIN, VALIDATION, part_named
from trainer.errors import UsageError, one_line

# TensorFlow Datasets' own form: the data set's name, which has no hyphen, the part's, the format.
# Source: tfds.core.ShardedFileTemplate, '{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}'.
_TFDS = re.compile(r"[^-]+-([^-.]+)\.tfrecords?-\d+-of-\d+(\.\w+)?")
_BORDERS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")  # in camel case
_COMPOUND = re.compile(r"(.+?)(set|data|images?|imgs?|split|part)")
_MORE = {"trainval": TRAIN, "dev": VALIDATION, "devel": VALIDATION}
_UNCLEAR = {"eval", "evaluation", "holdout", "heldout"}  # some mean the validation part by them, and some the test part


@functools.lru_cache(1024)  # the same in most lines of a list
def part_of(word: str) -> str | None:
    """Returns which part a word of a file's name or of a list means: those of `part_named`, `dev`, `testset`, …"""
    lower = word.strip().lower()
    compound = _COMPOUND.fullmatch(lower)
    for one in (lower, compound[1] if compound else ""):
        found = _MORE.get(one, part_named(one) if one else None)
        if found is not None:
            return found
    return part_named(lower)


def words_of(text: str) -> set[str]:
    """Returns the parts that words in a text mean: `PublicTest` is of the test part."""
    return {part for word in _split(text) if (part := part_of(word))}


def of_folder(name: str) -> str | None:
    """Returns which part a folder's name means: `val`, `training_set`, `seg_test`; None where it means none or two."""
    whole = part_of(name)
    if whole is not None:
        return whole
    words = words_of(name)
    return next(iter(words)) if len(words) == 1 else None


def is_unclear(name: str) -> bool:
    """Returns whether a name has a word that some use for one part and some for another, as `holdout`."""
    return any(word.lower() in _UNCLEAR for word in _split(name))


def named(path: Path, root: Path) -> str:
    """Returns the part that a file's name says, or its folder's where that is not the root; empty where none does.

    Raises:
      UsageError: the names say two parts, or a word that some use for one part and some for another.
    """
    tfds = _TFDS.fullmatch(path.name)
    said = _said(tfds[1], path) if tfds else {}
    said = said or _said(path.name, path)
    if path.parent != root:
        said |= _said(path.parent.name, path)
    said.pop("", None)
    if len(said) > 1:
        raise UsageError(
            f"{one_line(str(path))}: a name must contain one of train, validation, test. "
            f"Received: {' and '.join(sorted(said.values()))}"
        )
    return next(iter(said), "")


def of_files(paths: Sequence[Path], root: Path) -> list[str]:
    """Returns the part of each file, all empty where none is named.

    Raises:
      UsageError: a name breaks the rule of `named`, or some names say a part and others none.
    """
    found = [named(path, root) for path in paths]
    if any(found) and not all(found):
        path, other = paths[found.index("")], next(path for path, part in zip(paths, found, strict=True) if part)
        raise UsageError(
            f"{one_line(str(path))}: its name must contain train, validation or test, "
            f"as {one_line(other.name)} does. Received: {one_line(path.name)}"
        )
    return found


def _said(name: str, path: Path) -> dict[str, str]:
    """Returns the parts that the words in a name mean, each with its word."""
    words = _split(name)
    for word in words:
        if word.lower() in _UNCLEAR:
            raise UsageError(
                f"{one_line(str(path))}: a name must contain train, validation or test; {word} can mean two "
                f"of them. Received: {one_line(path.name)}"
            )
    return {part: word for word in words if (part := part_of(word))}


def _split(name: str) -> list[str]:
    return [word for word in re.split(r"[\W\d_]+", _BORDERS.sub("-", name)) if word]
