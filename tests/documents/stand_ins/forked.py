"""What a forked process runs first: it forgets the modules of the repository, so that it imports those of the copy.

Its arguments are the `sys.executable` to have, and then those of `python`: `-m`, a module and its arguments, or a file
and its arguments.
"""

import runpy
import sys
from pathlib import Path

_OWN = ("trainer", "tests", "benchmarks", "docs")


def _run(executable: str, *words: str) -> None:
    sys.executable = executable
    del sys.path[0]  # this file's folder
    for name in [name for name in sys.modules if name.split(".")[0] in _OWN]:
        del sys.modules[name]
    if words[0] == "-m":
        sys.path.insert(0, str(Path.cwd()))
        sys.argv = [*words[1:]]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(words[0]).parent))
        sys.argv = [*words]
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    _run(*sys.argv[1:])
