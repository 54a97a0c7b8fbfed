"""The sources of each picture, and which of them have changed since it was drawn: `sources.json` has their digests."""

import ast
import hashlib
import io
import json
import tokenize
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORD = Path(__file__).parent / "sources.json"
_DRAWN = ("docs/pictures/pages.py", "trainer/tensorboard/draw/*.py")
_TABLE = ("docs/pictures/terminal.py", "trainer/study/screen/*.py")
# The files whose code determines what each picture shows, by the name for `python -m docs.pictures`.
SOURCES = {
    "hero": ("docs/pictures/hero.py", "trainer/insight/attribution.py", "trainer/insight/passes.py"),
    "accuracy": ("docs/pictures/accuracy.py",),
    "tensorboard": (*_DRAWN, "trainer/tensorboard/pictures.py"),
    "train": ("docs/pictures/terminal.py", "trainer/task.py", "trainer/training/progress.py"),
    "predict": ("docs/pictures/terminal.py", "trainer/predict.py"),
    "study": (*_TABLE, "trainer/study/local/session.py"),
    "submit": (*_TABLE, "trainer/study/vertex/session.py", "trainer/study/vertex/watch.py"),
}


def digest(source: str) -> str:
    """Returns a checksum of a module's code; comments, docstrings and empty lines do not change it."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    return hashlib.sha256("\n".join(line.rstrip() for line in lines if line.strip()).encode()).hexdigest()[:16]


def changed(picture: str, root: Path = ROOT) -> list[str]:
    """Returns the sources of a picture that differ from those that it was drawn from."""
    recorded, current = _read().get(picture, {}), _digests(picture, root)
    return sorted(name for name in {*recorded, *current} if recorded.get(name) != current.get(name))


def accept(pictures: Iterable[str]) -> None:
    """Records that pictures show what their current sources draw."""
    record = _read() | {picture: _digests(picture, ROOT) for picture in pictures}
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def _read() -> dict[str, dict[str, str]]:
    return dict(json.loads(RECORD.read_text())) if RECORD.exists() else {}


def _digests(picture: str, root: Path) -> dict[str, str]:
    files = [file for pattern in SOURCES[picture] for file in sorted(root.glob(pattern))]
    return {str(file.relative_to(root)): digest(file.read_text(encoding="utf-8")) for file in files}
