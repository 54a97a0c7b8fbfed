"""Finds and imports a user's function, `package.module:function`, and reports its errors.

The module is found as by `python -m`: in the current folder and on Python's path. Keras is imported before it, with
this package's settings. If there is no such module, TensorFlow is not imported.
"""

import ast
import contextlib
import difflib
import functools
import hashlib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import trainer
from trainer import keras_settings
from trainer.errors import UsageError
from trainer.quiet import without_chatter

_LONGEST = 300  # maximum characters of an error in a message
_INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Function:
    """A function that returns a network, and its source files.

    Attributes:
      model: the value of `--model`.
      call: the function.
      root: the folder of its top-level package or module; None if it has no file.
      sources: the SHA-256 of the module's file and of the files of the same project that it imports, at the time of the
        import, by their names in `root`. It includes modules in `import` statements anywhere in the file, but no
        installed ones.
    """

    model: str
    call: Callable[..., Any]
    root: Path | None
    sources: Mapping[str, str]

    def where(self, error: BaseException) -> str:
        """Returns the text of an error and its position in the user's files."""
        return _where(error, self.root)

    @property
    def name(self) -> str:
        """Its name in its module."""
        return self.model.partition(":")[2]


@functools.cache
def load(model: str) -> Function:
    """Returns the function that `--model` names.

    Raises:
      UsageError: it cannot be imported, or is not a function; the message gives the reason and the position.
    """
    module_name, _, name = model.partition(":")
    root = _root(model, module_name)
    module = _imported(model, module_name, root)
    if not hasattr(module, name):
        near = difflib.get_close_matches(name, [one for one, it in vars(module).items() if inspect.isroutine(it)], 1)
        meant = f"; did you mean {module_name}:{near[0]}?" if near else ""
        raise UsageError(
            f"`--model` must name a function of its module. Received: {model} ({module_name} has no {name}{meant})"
        )
    found = getattr(module, name)
    if not (inspect.isroutine(found) or isinstance(found, functools.partial)):
        what = "a class" if inspect.isclass(found) else f"of type {type(found).__name__}"
        raise UsageError(f"`--model` must name a function. Received: {model}, which is {what}")
    return Function(model, found, root, _sources(module, root))


def _root(model: str, module_name: str) -> Path | None:
    """Returns the folder of the top-level package or module, without importing it.

    Raises:
      UsageError: there is no such package or module.
    """
    folder = str(Path.cwd())
    if folder not in sys.path and "" not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    package = module_name.partition(".")[0]
    spec = None
    with contextlib.suppress(ValueError, ImportError):
        spec = importlib.util.find_spec(package)
    if spec is None:
        near = difflib.get_close_matches(package, [one.name for one in pkgutil.iter_modules([folder])], 1)
        raise _not_found(model, package, near)
    folders = [*(spec.submodule_search_locations or ())]
    if folders:
        return Path(folders[0]).resolve().parent
    return Path(spec.origin).resolve().parent if spec.has_location and spec.origin else None


def _imported(model: str, module_name: str, root: Path | None) -> ModuleType:
    try:
        # The module's own output to standard error is shown; TensorFlow's is not.
        with without_chatter(), keras_settings.ignored():
            importlib.import_module("keras")
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}.") and not _is_inside(error, root):
            raise _not_found(model, error.name, _near(error.name)) from None
        raise _not_importable(model, error, root) from None
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        raise _not_importable(model, error, root) from None


def _not_found(model: str, missing: str, near: Iterable[str]) -> UsageError:
    meant = "".join(f"; did you mean {one}?" for one in near)
    return UsageError(
        "`--model` must be importable from the current folder or Python's path. "
        f"Received: {model} (there is no module {missing}{meant})"
    )


def _not_importable(model: str, error: BaseException, root: Path | None) -> UsageError:
    return UsageError(f"`--model` must be importable. Received: {model} ({_where(error, root)})")


def _near(missing: str) -> list[str]:
    """Returns the modules of a package with a name similar to a missing one."""
    package, _, last = missing.rpartition(".")
    parent = sys.modules.get(package)
    names = [one.name for one in pkgutil.iter_modules(getattr(parent, "__path__", []))]
    return [f"{package}.{one}" for one in difflib.get_close_matches(last, names, 1)]


def _is_inside(error: BaseException, root: Path | None) -> bool:
    """Returns whether an error was raised in the user's own files."""
    return any(True for _ in _lines(error, root))


def _where(error: BaseException, root: Path | None) -> str:
    """Returns an error's type and text on one line, after the innermost line of the user's own files, if there is one.

    Args:
      error: with its traceback.
      root: the folder of the user's own files.
    """
    said = _first_paragraph(str(error))
    if isinstance(error, SyntaxError) and error.filename:
        where, said = f"{_shown(Path(error.filename))}, line {error.lineno}: ", error.msg
    else:
        where = "".join([f"{_shown(file)}, line {line}: " for file, line in _lines(error, root)][-1:])
    said = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"
    return f"{where}{type(error).__name__}{f': {said}' if said else ''}"


def _first_paragraph(text: str) -> str:
    """Returns the first paragraph of an error's text on one line, without Keras's introduction about the call."""
    first, *others = re.sub(r"\x1b\[\d*m", "", text).split("\n\n")
    while others and (first.startswith("Exception encountered when calling") or first.endswith("Error encountered:")):
        first, *others = others
    return " ".join(first.split())


def _lines(error: BaseException, root: Path | None) -> Iterator[tuple[Path, int]]:
    """Yields the user's own lines in the traceback of an error, the outermost first."""
    trace = error.__traceback__
    while trace:
        file = Path(trace.tb_frame.f_code.co_filename)
        if root and _is_own(file, root):
            yield file, trace.tb_lineno
        trace = trace.tb_next


def _is_own(file: Path, root: Path) -> bool:
    """Returns whether a file is of the user's project: not installed, not Python's and not of this package."""
    file = file.resolve()
    if not (file.is_relative_to(root) and file.is_file()):
        return False
    others = [Path(trainer.__file__).resolve().parent, Path(sysconfig.get_path("stdlib")).resolve()]
    is_installed = set(file.relative_to(root).parts) & {*_INSTALLED}
    return not is_installed and not any(file.is_relative_to(one) for one in others)


def _shown(file: Path) -> str:
    """Returns a file's name as seen from the current folder."""
    with contextlib.suppress(ValueError):
        return str(file.resolve().relative_to(Path.cwd()))
    return str(file)


def _sources(module: ModuleType, root: Path | None) -> dict[str, str]:
    """Returns the checksums of a module's file and of all files of the same project that it imports, recursively."""
    file = getattr(module, "__file__", None)
    if not (root and file and Path(file).is_file()):
        return {}
    package = module.__name__.partition(".")[0]
    pending, found = [(module.__name__, Path(file).resolve()), *_files(module.__name__, root)], {}
    while pending:
        name, path = pending.pop()
        key = Path(os.path.relpath(path, root)).as_posix()
        # In a folder of installed packages, the other modules belong to other projects.
        is_stranger = set(root.parts) & {*_INSTALLED} and name.partition(".")[0] != package
        if key in found or is_stranger:
            continue
        content = path.read_bytes()
        found[key] = hashlib.sha256(content).hexdigest()
        if path.suffix == ".py":
            for imported in _imports(content, name, is_package=path.stem == "__init__"):
                pending += _files(imported, root)
    return dict(sorted(found.items()))


def _files(name: str, root: Path) -> list[tuple[str, Path]]:
    """Returns the files of the user's project that an import of a module reads: its own, and its packages'."""
    parts = name.split(".")
    found = []
    for end in range(1, len(parts) + 1):
        stem = root.joinpath(*parts[:end])
        for file in (stem / "__init__.py", stem.with_name(f"{stem.name}.py")):
            if _is_own(file, root):
                found.append((".".join(parts[:end]), file.resolve()))
                break
    return found


def _imports(content: bytes, name: str, *, is_package: bool) -> Iterator[str]:
    """Yields the modules that a source file may import; `from x import y` may mean the module x.y."""
    package = name if is_package else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.rsplit(".", node.level - 1)[0] if package else ""
                base = f"{above}.{base}".strip(".")
            if base:
                yield base
            yield from (f"{base}.{one.name}".strip(".") for one in node.names if one.name != "*")
