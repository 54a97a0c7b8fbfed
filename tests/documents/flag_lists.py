"""Every program's flags, read from the program itself and without loading TensorFlow."""

import argparse
import ast
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer import ensemble, export
from trainer.evaluate import options as evaluate_options
from trainer.hparams import HParams, rule_of
from trainer.serving import options as serving_options
from trainer.study.options import Options

# What is code in a help text: flags, paths with a part to replace, addresses, variables, files, modules.
_CODE = re.compile(
    r"`[^`]*`|--[a-z_]+(?:=\w+)?|[\w~./-]*<[\w-]+>[\w./-]*|gs://(?:…|[\w./-]*\w)|~/[\w./]+|\b[A-Z]+_[A-Z_]+\d?\b|\bmodel/|"
    r"(?<!\w)\.(?:csv|jsonl)\b|\b\w+\.json\b|\btrainer\.\w+"
)
_RULE = re.compile(r"`--(\w+)` must be (.*?)\. Received: ")  # of a message
_UNSAID = {  # flags without a help text
    "logdir": "folder of one run or of several; also gs://…",
    "runs": "of a study: `trials` shows one TensorBoard run for each trial, without training curves; `all` shows all",
}
_WITH_PARSER = {"trainer.export": export.parser, "trainer.ensemble": ensemble.parser}
_DEFAULT = re.compile(r" \(default ([^)]*)\)$")  # of a help text


@dataclasses.dataclass(frozen=True)
class Flag:
    """One flag, in the words of a document.

    Attributes:
      name: without dashes.
      group: its heading in the program's help.
      default: what it is where it is not given.
      rule: what its value must be.
      meaning: what it does.
    """

    name: str
    group: str
    default: str
    rule: str
    meaning: str


def flags(root: Path, program: str) -> list[Flag]:
    """Returns a program's own flags.

    Args:
      root: the repository.
      program: the module, as in `trainer.task`.
    """
    if program == "trainer.task":
        return [*_of_a_run()]
    if program == "trainer.study":
        return [*_of_a_study()]
    if program in ("trainer.predict", "trainer.serve"):
        parser = serving_options.predict_parser() if program == "trainer.predict" else serving_options.serve_parser()
        path = (
            Path("trainer", "predict.py") if program == "trainer.predict" else Path("trainer", "serving", "options.py")
        )
        return [*_of_actions(parser._actions, _bounds(_tree(root / path)))]
    if program == "trainer.evaluate":
        return [*_of_actions(evaluate_options.parser()._actions, _rules(_tree(root / "trainer/evaluate/options.py")))]
    if program in _WITH_PARSER:
        path = root.joinpath(*program.split(".")).with_suffix(".py")
        return [*_of_actions(_WITH_PARSER[program]()._actions, _rules(_tree(path)))]
    if program == "trainer.local_cluster":
        return [Flag("workers", "", "`2`", "at least 2", "number of processes; the first one is the chief")]
    return [*_of_source(root.joinpath(*program.split("."), "__main__.py"))]


def _of_a_run() -> Iterator[Flag]:
    for field in dataclasses.fields(HParams):
        rule = rule_of(field)
        words = _words(rule.choices) or str(rule)
        yield Flag(field.name, rule.group, _code(field.default), words, _marked(rule.help))


def _of_a_study() -> Iterator[Flag]:
    for field in dataclasses.fields(Options):
        rule, default = rule_of(field), field.default or ""
        words = _words(rule.choices) or ("a whole number" if field.type is int else "")
        yield Flag(field.name, rule.group, _code(default), words, _marked(rule.help))


def _of_actions(actions: Iterable[argparse.Action], rules: Mapping[str, str]) -> Iterator[Flag]:
    """Yields flags as argparse has them."""
    for action in actions:
        if action.option_strings and action.dest != "help":
            help = action.help or _UNSAID.get(action.dest, "")
            stated = _DEFAULT.search(help)
            rule = _words(action.choices or ()) or rules.get(action.dest, "")
            yield Flag(
                action.option_strings[-1].removeprefix("--"),
                "",
                _code(action.default or (stated[1] if stated else "")),
                "; ".join(filter(None, ["given" if action.required else "", _marked(rule)])),
                _marked(_DEFAULT.sub("", help)),
            )


def _of_source(path: Path) -> Iterator[Flag]:
    """Yields what a program's `add_argument` calls say: to import it would load TensorFlow, which takes 5 s."""
    tree = _tree(path)
    parser = argparse.ArgumentParser(add_help=False)
    constants = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for call in _calls(tree, "add_argument"):
        options = {str(one.arg): _value(one.value, constants) for one in call.keywords if one.arg != "type"}
        parser.add_argument(ast.literal_eval(call.args[0]), **options)
    yield from _of_actions(parser._actions, _rules(tree))


def _value(node: ast.expr, constants: Mapping[str, ast.expr]) -> Any:
    """Returns what an argument is: a literal, a constant of its file, or a default of `HParams`."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "HParams":
        return getattr(HParams, node.attr)
    return ast.literal_eval(constants.get(node.id, node) if isinstance(node, ast.Name) else node)


def _rules(tree: ast.Module) -> dict[str, str]:
    """Returns the rules that a program's messages state, by flag."""
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return dict(found for text in texts for found in _RULE.findall(text))


def _bounds(tree: ast.Module) -> dict[str, str]:
    """Returns the rules of the whole numbers that a program reads by `whole(name, text, minimum, maximum)`."""
    found = {}
    for call in _calls(tree, "whole"):
        name, _, *bounds = (getattr(argument, "value", None) for argument in call.args)
        found[str(name)] = "a whole number from {:,} to {:,}".format(*bounds)
    return found


def _calls(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name in (getattr(node.func, "attr", ""), getattr(node.func, "id", "")):
            yield node


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _words(choices: Iterable[str]) -> str:
    return ", ".join(f"`{choice}`" for choice in choices)


def _code(value: object) -> str:
    return "" if value == "" else f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _marked(text: str) -> str:
    """Returns a help text with its code as such: GitHub would take `<date-time>` for a tag of its own."""
    return _CODE.sub(lambda found: found[0] if found[0].startswith("`") else f"`{found[0]}`", text)
