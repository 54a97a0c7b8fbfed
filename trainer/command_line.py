"""The command line: absl flags made from HParams, one for each field."""

import dataclasses
import difflib
import shlex
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from absl import flags

from trainer.errors import UsageError
from trainer.hparams import ANSWERS, Field, HParams, Value, parse, rule_of

_MARGIN = 22  # characters before the help texts
_WIDTH = 100


def read(arguments: Sequence[str]) -> HParams:
    """Returns the hyperparameters that a command line asks for.

    `--learning-rate` and `--learning_rate` are the same flag; a flag given twice has its last value. One that is a
    question, as `--skip_broken` is, needs none.

    Args:
      arguments: the words after the program's name.

    Raises:
      UsageError: a flag is unknown or lacks its value, or the value breaks its rule.
    """
    values = flags.FlagValues()
    for field in dataclasses.fields(HParams):
        flags.DEFINE(_Parser(field), field.name, field.default, rule_of(field).help, flag_values=values)
    try:
        _, *rest = values(["trainer", *(_answered(_underscored(argument)) for argument in arguments)])
    except flags.UnrecognizedFlagError as error:
        raise UsageError(f"`--{error.flagname}` is no flag. Did you mean --{nearest(error.flagname)}?") from None
    except flags.IllegalFlagValueError as error:
        raise (error.__context__ if isinstance(error.__context__, UsageError) else UsageError(str(error))) from None
    except flags.Error as error:  # it says nothing else than that the last flag lacks its value
        name = str(error).rpartition("--")[2]
        raise UsageError(f"`--{name}` must be given a value, as in --{name}=…. Received: nothing") from None
    if rest:
        raise UsageError(f"every argument must be a flag, as in --data=digits. Received: {rest[0] or repr(rest[0])}")
    return HParams(**{name: values[name].value for name in values})


def command(hparams: HParams) -> str:
    """Returns the command line of a run: the flags that are not their defaults."""
    given = [
        f"--{field.name}={getattr(hparams, field.name)}"
        for field in dataclasses.fields(HParams)
        if getattr(hparams, field.name) != field.default
    ]
    return shlex.join(["python", "-m", "trainer.task", *given])


def help_text(command: str) -> str:
    """Returns what `--help` prints: every flag with its meaning, its rule and its default."""
    return "\n".join([f"Usage: {command} [--flag=value …]", *_help_lines()])


def nearest(name: str, others: Sequence[str] = ()) -> str:
    """Returns the known flag that is spelled most like `name`, or one of the others."""
    known = ["help", *(field.name for field in dataclasses.fields(HParams)), *others]
    return max(known, key=lambda flag: difflib.SequenceMatcher(None, name, flag).ratio())


class _Parser(flags.ArgumentParser[Any]):
    """Reads one field's text by the field's own rule."""

    def __init__(self, field: Field):
        self._field = field

    def parse(self, argument: str | Value) -> Value:
        return parse(self._field, argument) if isinstance(argument, str) else argument


def _underscored(argument: str) -> str:
    name, equals, value = argument.partition("=")
    return name.replace("-", "_").replace("_", "-", 2) + equals + value if name.startswith("--") else argument


def _answered(argument: str) -> str:
    questions = {f"--{field.name}" for field in dataclasses.fields(HParams) if rule_of(field).choices == ANSWERS}
    return f"{argument}=yes" if argument in questions else argument


def _help_lines() -> Iterator[str]:
    group = ""
    for field in dataclasses.fields(HParams):
        rule = rule_of(field)
        if rule.group != group:
            group = rule.group
            yield f"\n{group}"
        notes = [note for note in (str(rule), f"default {field.default}" if field.default != "" else "") if note]
        text = f"{rule.help} ({'; '.join(notes)})" if notes else rule.help
        first, *others = textwrap.wrap(text, _WIDTH - _MARGIN)
        yield f"  --{field.name}".ljust(_MARGIN) + first
        yield from (" " * _MARGIN + line for line in others)
