"""What the columns and fields of manifests are called."""

import functools

IMAGE, LABEL, PART = ROLES = ("image", "label", "split")

_NAMES = {
    **dict.fromkeys(("image", "path", "file", "filename", "file_name", "image_path", "imagegcsuri"), IMAGE),
    **dict.fromkeys(("images", "paths", "files", "filenames", "filepath", "filepaths", "file_path", "img"), IMAGE),
    **dict.fromkeys(("label", "class", "class_name", "category", "labels", "classes", "categories"), LABEL),
    **dict.fromkeys(("split", "part", "set", "ml_use"), PART),
}


@functools.lru_cache(1024)  # the same in every line
def role_of(name: str) -> str:
    """Returns what a name means, one of ROLES, or the name itself."""
    name = name.strip()
    return _NAMES.get(name.lower(), name)
