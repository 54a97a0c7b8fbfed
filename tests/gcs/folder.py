"""A bucket's objects as files, for a person to look at."""

import contextlib
from pathlib import Path


class Folder:
    """Follows the changes of a store into a folder; a name that no file can have is passed over."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def __call__(self, bucket: str, name: str, content: bytes | None) -> None:
        """Writes or deletes a file."""
        path = (self._root / bucket / name).resolve()
        if self._root / bucket not in path.parents or name.endswith("/"):
            return
        with contextlib.suppress(OSError):
            if content is None:
                path.unlink()
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
