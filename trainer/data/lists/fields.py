"""The names of the columns and fields of manifests."""

import functools
import re

IMAGE, LABEL, PART = ROLES = ("image", "label", "split")

_NAMES = {
    **dict.fromkeys(("image", "path", "file", "filename", "file_name", "image_path", "imagegcsuri"), IMAGE),
    **dict.fromkeys(("images", "paths", "files", "filenames", "filepath", "filepaths", "file_path", "img"), IMAGE),
    **dict.fromkeys(("signal", "audio", "sound", "wav", "volume", "scan", "video", "array", "sample"), IMAGE),
    **dict.fromkeys(("label", "class", "class_name", "category", "labels", "classes", "categories"), LABEL),
    **dict.fromkeys(("split", "part", "set", "ml_use"), PART),
}

# Words in names of label columns, and words that may accompany them: `class_id`, `targetName`.
_OF_LABELS = {"label", "labels", "class", "classes", "category", "categories", "target", "targets", "y"}
_BESIDE = {
    *("id", "ids", "idx", "index", "name", "names", "no", "num", "nr", "number", "code", "text"),
    *("str", "string", "int", "encoded", "true", "truth", "ground", "gt", "new", "old", "second", "secondary"),
    *("main", "primary", "multi", "original", "orig", "coarse", "fine", "final", "alt", "other", "extra", "image"),
    *("img", "display", "value", "one", "hot"),
}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^\W\d_]+")


@functools.lru_cache(1024)  # the same in every line
def role_of(name: str) -> str:
    """Returns what a name means, one of ROLES, or the name itself."""
    name = name.strip()
    return _NAMES.get(name.lower(), name)


@functools.lru_cache(1024)
def may_be_label(name: str) -> bool:
    """Returns whether a name that is none of LABEL's may be a label's too: `target`, `class_id`, `label.1`."""
    words = {word.lower() for word in _WORD.findall(name)}
    return role_of(name) not in ROLES and bool(words & _OF_LABELS) and words <= _OF_LABELS | _BESIDE


def is_header(cells: list[str], roles: list[str]) -> bool:
    """Returns whether cells are a header of columns with these roles, whatever its letters' case."""
    at = roles.index(IMAGE)
    return cells[at].strip().lower() in _NAMES and [*map(role_of, cells)] == roles
