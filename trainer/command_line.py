"""Parses the command line: words to flags, with absl, and flags to the hyperparameters of a run.

Only `split` decides which words are flags and which are values. It gets the flags of the program, so the same rules
apply to every program and to every list of arguments in a file.
"""

import dataclasses
import itertools
import shlex
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from absl import flags

from trainer import own_flags, spelling
from trainer.errors import UsageError
from trainer.hparams import (
    ANSWERS,
    AUTO,
    CONVOLUTIONAL,
    WATCHED,
    Field,
    HParams,
    Value,
    check,
    check_networks,
    chooses_nothing,
    family,
    given,
    only_of,
    parse,
    rule_of,
    shown,
)

# The flags of a program: each name, and its value if the user gives none; "" for a flag that needs a value.
Flags = Mapping[str, str]

WIDTH = 100  # characters of a line of help, at most
_MARGIN = 22  # characters before the help texts


@dataclasses.dataclass(frozen=True)
class Argument:
    """One argument: a flag with its value, or a word that is not a flag.

    Attributes:
      name: the flag's name, without dashes; empty for a word that is not a flag.
      value: the flag's value, or the word itself; None if a value is missing, and for `--`, which ends the flags.
      words: the words of the argument.
    """

    name: str
    value: str | None
    words: tuple[str, ...]

    @property
    def typed(self) -> str:
        """The flag as the user typed it, with dashes."""
        return self.words[0].partition("=")[0]

    @property
    def text(self) -> str:
        """The flag's value.

        Raises:
          UsageError: the value is missing.
        """
        if self.value is None:
            raise UsageError(f"`{self.typed}` must be given a value, as in {self.typed}=…. Received: nothing")
        return self.value

    @property
    def normal(self) -> tuple[str, ...]:
        """The words, with underscores in the flag's name."""
        first, *others = self.words
        _, equals, value = first.partition("=")
        return (f"--{self.name}{equals}{value}", *others) if self.name and first.startswith("--") else self.words


END = Argument("", None, ("--",))


def split(words: Sequence[str], known: Flags) -> list[Argument]:
    """Returns the arguments of a command line.

    A value follows `=`, or is the next word, whatever it looks like. `--learning-rate` and `--learning_rate` are the
    same flag. A flag that needs no value never uses the next word as its value. An unknown flag uses the next word
    unless it starts with a dash.

    Args:
      words: the words after the program's name.
      known: the flags of the program.
    """
    rest = [*words]
    found: list[Argument] = []
    while rest and found[-1:] != [END]:
        found.append(_first(rest, known))
        del rest[: len(found[-1].words)]
    return [*found, *(Argument("", word, (word,)) for word in rest)]


def without(words: Sequence[str], names: Collection[str], known: Flags) -> list[str]:
    """Returns a command line without the given flags and their values."""
    kept = [argument for argument in split(words, known) if not argument.name or argument.name not in names]
    return [word for argument in kept for word in argument.words]


def last_value(words: Sequence[str], name: str, known: Flags) -> str:
    """Returns the last value of a flag, or an empty text if it is not given."""
    return next((argument.value or "" for argument in split(words, known)[::-1] if argument.name == name), "")


def parsed(arguments: Iterable[Argument], fields: Iterable[Field]) -> dict[str, Value]:
    """Returns the values of the arguments that are flags of the given fields, by name.

    Args:
      arguments: a command line.
      fields: the fields, each with its `Rule` in the metadata.

    Raises:
      UsageError: a value is missing, or is not of the field's type.
    """
    values = flags.FlagValues()
    for field in fields:
        flags.DEFINE(_Parser(field), field.name, None, rule_of(field).help, flag_values=values)
    try:
        values(["trainer", *(f"--{one.name}={one.text}" for one in arguments if one.name in values)])
    except flags.IllegalFlagValueError as error:
        raise (error.__context__ if isinstance(error.__context__, UsageError) else UsageError(str(error))) from None
    return {name: values[name].value for name in values if values[name].present}


def reject_unknown(arguments: Iterable[Argument], known: Collection[str]) -> None:
    """Checks that every flag is known.

    Raises:
      UsageError: a flag is unknown; the message suggests a known flag, if one is similar.
    """
    for argument in arguments:
        if argument.name and argument.name not in known:
            raise UsageError(f"`{argument.typed}` is not a flag. {spelling.advice(argument.name, known)}")


def reject_words(arguments: Iterable[Argument]) -> None:
    """Checks that every argument is a flag.

    Raises:
      UsageError: an argument is not a flag.
    """
    for word in (argument.value for argument in arguments if not argument.name and argument.value is not None):
        raise UsageError(f"every argument must be a flag, as in --data=digits. Received: {word or repr(word)}")


def flags_of(fields: Iterable[Field]) -> dict[str, str]:
    """Returns the flags of a dataclass whose fields have a `Rule`; a yes-or-no flag means yes without a value."""
    return {field.name: "true" if field.type is bool else _answer(rule_of(field).choices) for field in fields}


def run_flags(arguments: Sequence[str] = ()) -> dict[str, str]:
    """Returns the flags of `trainer.task`; with those of a user's own network if the command line names one.

    Raises:
      UsageError: as `hparams_class`.
    """
    return flags_of(dataclasses.fields(hparams_class(arguments)))


def hparams_class(arguments: Sequence[str]) -> type[HParams]:
    """Returns the hyperparameters of the network that a command line names, with the arguments of a user's own network.

    Raises:
      UsageError: it names a function that cannot be imported, or with arguments that cannot be flags.
    """
    return own_flags.hparams_of(last_value(arguments, "model", flags_of(dataclasses.fields(HParams))))


def read(arguments: Sequence[str]) -> HParams:
    """Returns the hyperparameters of a command line.

    If a flag is given twice, the last value is used. If a flag of the convolutional network is given, even with its
    default, `--model=auto` selects this network: all trials of a study that tunes the stride train the same network.
    In a cross-validation whose validation chooses nothing, `--validation_split` is small, since a fold tests on samples
    of its own.

    Args:
      arguments: the words after the program's name.

    Raises:
      UsageError: a flag is unknown or lacks its value, or the value breaks its rule.
    """
    made = hparams_class(arguments)
    fields = dataclasses.fields(made)
    found = split(arguments, flags_of(fields))
    try:
        values: dict[str, Any] = parsed(found, fields)
        reject_unknown(found, flags_of(fields))
        reject_words(found)
        given = [field for field in fields if field.name in values]
        if values.get("model", AUTO) == AUTO and any(only_of(field, CONVOLUTIONAL) for field in given):
            values["model"] = CONVOLUTIONAL
        if chooses_nothing(values):
            values.setdefault("validation_split", WATCHED)
        hparams = made(**values, given_names=frozenset(values))
        check_networks(hparams, values)
        return hparams
    except UsageError as error:
        raise UsageError(_as_typed(str(error), found)) from None


def values(arguments: Sequence[str], fields: Iterable[Field]) -> dict[str, Value]:
    """Returns the values of flags on a command line, each checked on its own; `read` checks them together.

    Args:
      arguments: the words after the program's name.
      fields: the fields, each with its `Rule` in the metadata.

    Raises:
      UsageError: a flag is unknown or lacks its value, or the value breaks its rule.
    """
    fields = {field.name: field for field in fields}.values()
    found = split(arguments, flags_of(fields))
    try:
        given = parsed(found, fields)
        reject_unknown(found, flags_of(fields))
        reject_words(found)
        for field in fields:
            if field.name in given:
                check(field, given[field.name])
        return given
    except UsageError as error:
        raise UsageError(_as_typed(str(error), found)) from None


def command(hparams: HParams) -> str:
    """Returns the command line of a run: the flags that differ from their defaults or were given."""
    names = given(hparams)
    words = [
        f"--{one.name}={shown(rule_of(one), getattr(hparams, one.name))}"
        for one in dataclasses.fields(hparams)
        if one.name in names
    ]
    return shlex.join(["python", "-m", "trainer.task", *words])


def help_text(command: str, arguments: Sequence[str] = (), width: int = WIDTH) -> str:
    """Returns what `--help` prints: every flag with its meaning, its rule and its default.

    Args:
      command: how the program is started.
      arguments: the other words of the command line; if they name a network, the flags of other networks are left out.
      width: characters of a line, as of the terminal: lines break between words.

    Raises:
      UsageError: they name an unknown network.
    """
    lines = help_lines(_flags_of_network(arguments), _notes, _MARGIN, width)
    return "\n".join([f"Usage: {command} [--flag=value …]", *lines])


def help_lines(
    fields: Iterable[Field], notes: Callable[[Field], Iterable[str]], margin: int, width: int
) -> Iterator[str]:
    """Yields the help of flags, under the headings of their groups.

    Args:
      fields: the fields, each with its `Rule` in the metadata.
      notes: returns the text in parentheses after a field's help text.
      margin: characters before the help texts.
      width: characters of a line.
    """
    for group, members in itertools.groupby(fields, lambda field: rule_of(field).group):
        yield f"\n{group}"
        for field in members:
            noted = "; ".join(notes(field))
            text = rule_of(field).help + (f" ({noted})" if noted else "")
            first, *others = textwrap.wrap(text, width - margin, break_on_hyphens=False)
            yield f"  --{field.name}".ljust(margin) + first
            yield from (" " * margin + line for line in others)


def _flags_of_network(arguments: Sequence[str]) -> list[Field]:
    """Returns the fields of the named network, sorted by group; all fields if none is named."""
    fields = {field.name: field for field in dataclasses.fields(hparams_class(arguments))}
    model = last_value(arguments, "model", flags_of(fields.values())) or AUTO
    check(fields["model"], model)
    groups = [*dict.fromkeys(rule_of(field).group for field in fields.values())]
    chosen = family(model)
    shown = [one for one in fields.values() if not rule_of(one).networks or chosen in (AUTO, *rule_of(one).networks)]
    return sorted(shown, key=lambda field: groups.index(rule_of(field).group))


class _Parser(flags.ArgumentParser[Any]):
    """Parses the text of one field by the field's rule."""

    def __init__(self, field: Field):
        self._field = field

    def parse(self, argument: str) -> Value:
        return parse(self._field, argument)


def _first(words: Sequence[str], known: Flags) -> Argument:
    """Returns the first argument of a command line that has words."""
    word = words[0]
    typed, equals, value = word.partition("=")
    name = _name(typed)
    if not name:
        return END if word == "--" else Argument("", word, (word,))
    if equals:
        return Argument(name, value, (word,))
    if len(words) > 1 and _takes_next(word, words[1], known.get(name)):
        return Argument(name, words[1], (word, words[1]))
    return Argument(name, known.get(name) or None, (word,))


def _as_typed(message: str, arguments: Iterable[Argument]) -> str:
    """Returns a message in which the flag is named as the user typed it, such as `--batch-size`."""
    for argument in reversed([*arguments]):
        named = f"`--{argument.name}`"
        if argument.name and message.startswith(named):
            return f"`{argument.typed}`{message.removeprefix(named)}"
    return message


def _name(typed: str) -> str:
    """Returns the name of a typed flag with dashes; an empty text for a word that is not a flag."""
    if typed.startswith("--"):
        return typed[2:].replace("-", "_")
    return typed[1:] if typed.startswith("-") else ""


def _takes_next(word: str, following: str, alone: str | None) -> bool:
    """Returns whether the next word is the value of a flag without `=`.

    Args:
      word: the flag, with dashes.
      following: the next word.
      alone: the flag's value if none is given: "" if it needs one, None if the flag is unknown.
    """
    if alone == "":
        return True
    # With one dash, `-skip_broken yes` is a flag and its value, as in absl.
    is_question = alone is not None and word.startswith("--")
    return not is_question and not following.startswith("-")


def _answer(choices: Sequence[str]) -> str:
    return "yes" if tuple(choices) == ANSWERS else ""


def _notes(field: Field) -> list[str]:
    return [note for note in (str(rule_of(field)), f"default {field.default}" if field.default != "" else "") if note]
