"""The program's rules: parameters and arguments are flags of `trainer.task`, and it accepts their values."""

from collections.abc import Iterator, Sequence
from typing import Any

from trainer import command_line, spelling
from trainer.command_line import Argument
from trainer.errors import UsageError
from trainer.hparams import Field, parse, rule_of
from trainer.study.config import network_rules, networks, parameters
from trainer.study.config.messages import FieldPath, Problem, shown
from trainer.study.config.networks import Networks
from trainer.study.config.view import View

# The kinds of parameter that a flag's type allows: an integer flag cannot be a double.
_ALLOWED: dict[Any, tuple[str, ...]] = {
    int: ("integer", "discrete", "categorical"),
    float: ("double", "integer", "discrete", "categorical"),
    str: ("categorical",),
}
_METRIC = "metric"  # by which all trials are ranked, as metricId says
_KINDS: dict[Any, str] = {int: "a whole number", float: "a number", str: "text"}


def check(study: View, tasks: Sequence[View], arguments: Sequence[str]) -> Iterator[Problem]:
    """Yields the parameters of a study and the arguments of its trials that the program does not accept as flags.

    Args:
      study: the `studySpec`.
      tasks: the `containerSpec` or `pythonPackageSpec` of each pool of machines.
      arguments: the command line's flags, which follow those of the file; their problems have no path.
    """
    tuned = {parameters.name(one): one for one in parameters.every(study) if parameters.name(one)}
    found, problems = networks.read(study, tasks, arguments)
    yield from problems
    for parameter in parameters.every(study):
        yield from _parameter(parameter, found)
    for task in tasks:
        yield from _arguments(task["args"], tuned, found)
    for argument in command_line.split(arguments, command_line.flags_of(found.every.values())):
        if argument.name in tuned:
            rule = f"must not be a flag of the command line too: `--{argument.name}`"
            yield tuned[argument.name]["parameterId"].problem(rule)
        else:
            yield from _wrong(argument, (), found)
            yield from network_rules.argument(argument, found)


def together(study: View, tasks: Sequence[View], arguments: Sequence[str]) -> Iterator[Problem]:
    """Yields flags of a study's trials that are valid on their own but not in combination.

    Args:
      study: the `studySpec`.
      tasks: the `containerSpec` or `pythonPackageSpec` of each pool of machines.
      arguments: the flags of each trial: those of the file that are not overridden, and those of the command line.
    """
    found, _ = networks.read(study, (), arguments)
    flags = command_line.flags_of(found.every.values())
    places = {
        argument.name: words[0]
        for task in tasks[:1]
        for argument, words in _with_views(task["args"], flags)
        if argument.name
    }
    given = command_line.values(arguments, found.every.values())
    yield from network_rules.combinations(given, places, found)


def _parameter(parameter: View, found: Networks) -> Iterator[Problem]:
    name = parameters.name(parameter)
    fields = found.fields(name)
    if not name or (not fields and not found.is_whole):
        return
    tunable = [other.name for other in found.every.values() if not rule_of(other).placement and other.name != _METRIC]
    if not fields:
        meant = spelling.meant(name, tunable)
        hint = f" (did you mean {meant}?)" if meant in tunable else ""
        yield parameter["parameterId"].problem(f"must be one of {', '.join(tunable)}{hint}")
        return
    if rule_of(fields[0]).placement or name == _METRIC:
        yield parameter["parameterId"].problem(f"must be a flag of what is trained: one of {', '.join(tunable)}")
        return
    yield from network_rules.parameter(parameter, found)
    kind = parameters.kind(parameter)
    for field in fields:
        if kind and kind not in _ALLOWED[field.type]:
            allowed = [spec for spec, other in parameters.KINDS.items() if other in _ALLOWED[field.type]]
            spec, what = parameters.spec(parameter), _KINDS[field.type]
            yield spec.problem(f"must be {' or '.join(allowed)}: `--{name}` is {what}", received=str(spec.path[-1]))
        elif kind:
            for value in parameters.values(parameter):
                yield from _value(value, field, kind)


def _value(value: View, field: Field, kind: str) -> Iterator[Problem]:
    """Yields the problems of a value in the form in which the service sends it, with integers as floats."""
    sent = value.value if kind == "categorical" else value.number
    if sent is None:
        return
    rule = rule_of(field)
    try:
        is_allowed = rule.allows(parse(field, str(sent)))
    except UsageError:
        yield value.problem(f"must be {rule.form or _KINDS[field.type]}, as `--{field.name}` is")
    else:
        if not is_allowed:
            yield value.problem(f"must be {rule}, as `--{field.name}` must")


def _arguments(arguments: View, tuned: dict[str, View], found: Networks) -> Iterator[Problem]:
    seen: set[str] = set()
    for argument, words in _with_views(arguments, command_line.flags_of(found.every.values())):
        name, first = argument.name, words[0]
        if not all(isinstance(word.value, str) for word in words):
            continue
        if name in seen:
            yield first.problem("must be a flag that is not already given")
        elif name in tuned:
            yield first.problem(f"must be left out: {shown(tuned[name].path)} tunes it")
        elif name == "job_dir":
            yield first.problem("must be left out: each trial has its own folder below baseOutputDirectory")
        elif name in ("help", "h"):
            yield first.problem("must be a flag of training")
        else:
            yield from _wrong(argument, first.path, found)
            yield from network_rules.argument(argument, found, first)
        if name:
            seen.add(name)


def _wrong(argument: Argument, path: FieldPath, found: Networks) -> Iterator[Problem]:
    if argument.name and argument.name not in found.every and not found.is_whole:
        return
    try:
        command_line.values(argument.words, found.every.values())
    except UsageError as error:
        yield Problem(path, message=str(error))


def _with_views(words: View, known: command_line.Flags) -> Iterator[tuple[Argument, list[View]]]:
    """Yields each argument with the views of its parts."""
    rest = list(words)
    for argument in command_line.split([word.text for word in rest], known):
        yield argument, rest[: len(argument.words)]
        del rest[: len(argument.words)]
