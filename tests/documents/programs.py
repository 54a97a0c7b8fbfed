"""The project's programs and make targets, by which the commands in documents are checked."""

import argparse
import ast
import dataclasses
import functools
import re
import shlex
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from trainer import command_line as flags
from trainer.errors import UsageError
from trainer.evaluate import options as evaluate_options
from trainer.hparams import HParams
from trainer.serving import options as serving_options
from trainer.study import options as study_options
from trainer.suspects import options as suspects_options

_PYTHON = re.compile(r"(?:.*/)?python3?(?:\.\d+)?")
_FLAG = re.compile(r"--[a-z][a-z0-9_-]*")
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
OWN = ("trainer", "benchmarks", "examples", "tests", "container")

# What reads a program's flags; of the others, the strings in their source are what they may be.
_READERS: dict[str, Callable[[Sequence[str]], object]] = {
    "trainer.task": flags.read,
    "trainer.study": study_options.read,
    "trainer.predict": lambda words: serving_options.predict_parser().read(words),
    "trainer.evaluate": evaluate_options.Options.read,
    "trainer.serve": lambda words: serving_options.serve_parser().read(words),
}
_PASSED_ON = ("trainer.local_cluster", "tests.gcs.demo")  # whose other flags are those of trainer.task
_SUSPECTS = f"--{suspects_options.FLAG}"  # which makes the flags of trainer.data those of trainer.task
_TENSORBOARD = "trainer.tensorboard"  # whose other flags are TensorBoard's


class Programs:
    """What a repository can run.

    Args:
      root: its folder.
    """

    def __init__(self, root: Path):
        self._root = root
        self.targets = set(re.findall(r"^([a-z][a-z-]*):", (root / "Makefile").read_text(), re.MULTILINE))

    def commands(self, script: str) -> Iterator[list[str]]:
        """Yields the words of each command in a piece of shell."""
        for line in _lines(script):
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True  # but at punctuation: gs://bucket is one word
            command: list[str] = []
            for word in lexer:
                if set(word) <= set("();<>|&"):
                    yield command
                    command = []
                else:
                    command.append(word)
            yield command

    def problems(self, command: Sequence[str]) -> Iterator[str]:
        """Yields what is wrong with a command: a target or a program that is not there, a flag that it refuses."""
        words = [*command]
        while words and re.fullmatch(r"\w+=.*", words[0]):
            words.pop(0)
        if words and words[0] == "make":
            for word in words[1:]:
                name, equals, value = word.partition("=")
                if not equals and not word.startswith(("-", ".venv/")) and word not in self.targets:
                    yield f"`make {word}` must be a target of the Makefile"
                for flag in _FLAG.findall(value) if name == "ARGS" else ():
                    if flag not in self.every_flag():
                        yield f"`{word}`: `{flag}` is no flag"
        module = module_of(words)
        if module and module.split(".")[0] in OWN:
            yield from self._refused(module, words[words.index(module) + 1 :])

    def source(self, module: str) -> Path | None:
        """Returns the file of one of the project's modules."""
        folder = self._root.joinpath(*module.split("."))
        return next((path for path in (folder.with_suffix(".py"), folder / "__main__.py") if path.is_file()), None)

    def flags(self, module: str) -> set[str]:
        """Returns the flags that a program names in its source."""
        path = self.source(module)
        tree = ast.parse(path.read_text(encoding="utf-8")) if path else ast.Module([], [])
        texts = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        return {text for text in texts if _FLAG.fullmatch(text)}

    @functools.cache  # noqa: B019  of a repository there is one
    def every_flag(self) -> set[str]:
        """Returns every flag that any of the project's programs takes."""
        found = {
            "--help",
            *_tensorboard_flags(),
            *(f"--{name}" for kind in (HParams, study_options.Options) for name in _fields(kind)),
        }
        for parser in (serving_options.serve_parser(), serving_options.predict_parser(), evaluate_options.parser()):
            found |= {option for option in parser._option_string_actions if option.startswith("--")}
        for top in OWN:
            for path in (self._root / top).rglob("*.py"):
                found |= self.flags(".".join(path.relative_to(self._root).with_suffix("").parts))
        return found

    def _refused(self, module: str, arguments: Sequence[str]) -> Iterator[str]:
        if not self.source(module):
            yield f"`python -m {module}` must be a program of this project"
        elif "--help" in arguments:
            return
        elif module in _READERS or _SUSPECTS in arguments:
            try:
                (suspects_options.read if _SUSPECTS in arguments else _READERS[module])(arguments)
            except UsageError as error:
                yield f"`python -m {module}`: {error}"
        else:
            known = self.flags(module) | ({f"--{name}" for name in _fields(HParams)} if module in _PASSED_ON else set())
            if module == _TENSORBOARD:
                known |= _tensorboard_flags()
            for word in arguments:
                if word.startswith("--") and word.partition("=")[0] not in known:
                    yield f"`python -m {module}`: `{word.partition('=')[0]}` is no flag"


def module_of(words: Sequence[str]) -> str:
    """Returns what a command runs by `python -m`; nothing where it is none."""
    is_python = words and _PYTHON.fullmatch(words[0]) and "-m" in words[1:3] and words[-1] != "-m"
    return words[words.index("-m") + 1] if is_python else ""


def _fields(kind: type) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def _tensorboard_flags() -> set[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a library that TensorBoard brings along
        from tensorboard.plugins.core.core_plugin import CorePluginLoader

    parser = argparse.ArgumentParser()
    CorePluginLoader().define_flags(parser)
    return set(parser._option_string_actions)


def _lines(script: str) -> Iterator[str]:
    """Yields commands as one line each, without the documents that they hold."""
    lines = iter(script.splitlines())
    for line in lines:
        whole, heredoc = line, _HEREDOC.search(line)
        while whole.endswith("\\") or not _is_whole(whole):
            following = next(lines, None)
            if following is None:
                break
            whole = whole[:-1] + following if whole.endswith("\\") else f"{whole}\n{following}"
        if heredoc:
            for inside in lines:
                if inside.strip() == heredoc[2]:
                    break
        yield whole


def _is_whole(line: str) -> bool:
    try:
        shlex.split(line, comments=True)
    except ValueError:
        return False
    return True
