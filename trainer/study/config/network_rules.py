"""The rules of networks for a study: each trial's network has the trial's flags."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainer.command_line import Argument
from trainer.errors import UsageError
from trainer.hparams import AUTO, Value, parse, rule_of
from trainer.own_flags import hparams_of
from trainer.study.config import branches, parameters
from trainer.study.config.messages import Problem
from trainer.study.config.networks import Networks
from trainer.study.config.view import View

# Flags whose validity depends on others, each after the flags on which it depends.
_DECIDING = ("model", "weights", "unfreeze", "epochs", "freeze_epochs", "fine_tune_rate")
_MOST = 20_000  # combinations that are checked, at most
_FLAG = re.compile(r"`--(\w+)")


def parameter(one: View, networks: Networks) -> Iterator[Problem]:
    """Yields a problem if a network of the parameter's trials does not have its flag."""
    name = parameters.name(one)
    if [branch.name for branch in networks.parameters].count(name) > 1:
        return  # which is a separate problem
    rule = _misplaced(name, networks.met(name), networks)
    if rule:
        yield one["parameterId"].problem(f"must be {rule}")


def argument(one: Argument, networks: Networks, first: View | None = None) -> Iterator[Problem]:
    """Yields a problem if a network of the study does not have the flag of an argument.

    Args:
      one: the argument.
      networks: the networks of the study.
      first: the argument's first part in the file; None if it is from the command line.
    """
    rule = _misplaced(one.name, networks.met(), networks)
    if rule and first:
        yield first.problem(f"must be a parameter {rule}" if rule.startswith("under") else f"must be {rule}")
    elif rule:
        where = f"a parameter of the file {rule}" if rule.startswith("under") else rule
        yield Problem((), message=f"`{one.typed}` must be {where}. Received: {one.value}")


def combinations(given: Mapping[str, Value], places: Mapping[str, View], networks: Networks) -> Iterator[Problem]:
    """Yields the combinations of values that a study may suggest and that a run rejects.

    Args:
      given: the values of the arguments that all trials share, by flag.
      places: the positions of these arguments in the file, without those of the command line.
      networks: the networks of a study that breaks no other rule.
    """
    refused: dict[str, list[Mapping[str, Value]]] = {}
    accepted: list[Mapping[str, Value]] = []
    for values in itertools.islice(branches.combinations(networks.parameters, _DECIDING), _MOST):
        message = _refusal({**given, **values}, networks)
        if message:
            refused.setdefault(message, []).append(values)
        else:
            accepted.append(values)
    tuned = {branch.name: branch.parameter["parameterId"] for branch in networks.parameters}
    told: set[str] = set()
    for message, some in refused.items():
        subject, *others = _FLAG.findall(message) or [""]
        flag = next((name for name in (subject, *others) if name in tuned or name in given), "")
        if flag not in told:
            told.add(flag)
            where = _where(flag, some, accepted) if flag == subject else ""
            yield _unfit(message, where, some[0], tuned.get(flag), places.get(flag))


def _refusal(values: Mapping[str, Value], networks: Networks) -> str:
    """Returns why a run rejects some flags; an empty text if it accepts them."""
    model = str(values.get("model", AUTO))
    fields = networks.flags.get(model, {})
    given: dict[str, Any] = {name: parse(fields[name], str(value)) for name, value in values.items() if name in fields}
    try:
        hparams_of(model)(**given)
    except UsageError as error:
        return str(error)
    return ""


def _unfit(message: str, where: str, values: Mapping[str, Value], tuned: View | None, place: View | None) -> Problem:
    """Returns the problem that a parameter or an argument is incompatible with the other values of a trial."""
    rule = message.partition(" Received: ")[0].rstrip(".")
    if tuned and where:
        return tuned.problem(f"must be {where}: {rule}")
    if tuned:
        together = " ".join(f"--{name}={value}" for name, value in values.items())
        return tuned.problem(f"must be a flag that is valid with all values it is combined with: {rule}", together)
    if where and place:
        return place.problem(f"must be a parameter {where}: {rule}")
    return Problem(place.path if place else (), message=message)


def _where(flag: str, refused: Sequence[Mapping[str, Value]], accepted: Sequence[Mapping[str, Value]]) -> str:
    """Returns the parameter under which a flag would be compatible with all others; an empty text if there is none."""
    values = {one.get(flag) for one in refused}
    passing = [one for one in accepted if one.get(flag) in values]
    nearer = _DECIDING.index(flag) if flag in _DECIDING else len(_DECIDING)
    for parent in reversed(_DECIDING[:nearer]):
        fitting = {one[parent]: None for one in passing if parent in one}
        if fitting and not any(one.get(parent) in fitting for one in refused):
            return _under(parent, [str(value) for value in fitting])
    return ""


def _misplaced(name: str, met: Sequence[str], networks: Networks) -> str:
    """Returns the rule for a flag that some networks of its trials do not have; an empty text if all have it."""
    lacking = [model for model in met if not networks.has(model, name)]
    if not lacking or not networks.fields(name):
        return ""
    have = f"{_listed(lacking, 'and')} {'has' if len(lacking) == 1 else 'have'} none"
    having = [model for model in networks.tuned if networks.has(model, name)]
    if having:
        return f"{_under('model', having)}; {have}"
    families = dict.fromkeys(family for field in networks.fields(name) for family in rule_of(field).networks)
    return f"a flag that is used with {_listed([f'`--model={family}`' for family in families], 'or')}; {have}"


def _under(parent: str, values: Sequence[str]) -> str:
    return f"under conditionalParameterSpecs of {parent}, for {_listed(values, 'or')} alone"


def _listed(words: Sequence[str], joint: str) -> str:
    *others, last = words
    return f"{', '.join(others)} {joint} {last}" if others else last
