"""The networks of a study's trials, and the flags of each network."""

import dataclasses
from collections.abc import Mapping, Sequence

from trainer import command_line
from trainer.errors import UsageError
from trainer.hparams import AUTO, Field, HParams, family, rule_of
from trainer.own_flags import hparams_of
from trainer.study.config import branches, parameters
from trainer.study.config.branches import Branch
from trainer.study.config.messages import Problem
from trainer.study.config.view import View

_MODEL = "model"


@dataclasses.dataclass(frozen=True)
class Networks:
    """The values of `--model` in a study's trials.

    Attributes:
      tuned: the values of the parameter `model`; empty if there is no such parameter.
      base: the network of a trial without the parameter.
      parameters: the parameters of the study.
      flags: the flags of each network, by name.
      is_whole: whether the flags of every network are known.
    """

    tuned: tuple[str, ...]
    base: str
    parameters: tuple[Branch, ...]
    flags: Mapping[str, Mapping[str, Field]]
    is_whole: bool = True

    @property
    def every(self) -> dict[str, Field]:
        """The flags of all networks, by their names."""
        return {name: field for fields in self.flags.values() for name, field in fields.items()}

    def fields(self, name: str) -> list[Field]:
        """Returns the different definitions that the networks have for a flag."""
        return [*{id(fields[name]): fields[name] for fields in self.flags.values() if name in fields}.values()]

    def met(self, name: str = "") -> list[str]:
        """Returns the networks of the trials in which a parameter is active; without a name, those of all trials."""
        combinations = branches.combinations(self.parameters, {_MODEL, name})
        met = dict.fromkeys(str(values.get(_MODEL, self.base)) for values in combinations if not name or name in values)
        return [model for model in met if model in self.flags]

    def has(self, model: str, name: str) -> bool:
        """Returns whether a network has a flag."""
        field = self.flags[model].get(name)
        families = rule_of(field).networks if field else ()
        return field is not None and (not families or family(model) in (AUTO, *families))


def read(study: View, tasks: Sequence[View], arguments: Sequence[str]) -> tuple[Networks, list[Problem]]:
    """Returns the networks of a study, and their problems; networks with unknown flags are left out.

    Args:
      study: the `studySpec`.
      tasks: the `containerSpec` or `pythonPackageSpec` of each pool of machines.
      arguments: the command line's flags, which follow those of the file.
    """
    found = branches.of(study)
    tuned = [value for one in found if one.name == _MODEL for value in parameters.values(one.parameter)]
    words = [word.text for task in tasks[:1] for word in task["args"]]
    base = command_line.last_value([*words, *arguments], _MODEL, command_line.run_flags()) or AUTO
    flags, problems = {}, []
    for model, place in [(base, None), *((value.text, value) for value in tuned)]:
        try:
            if _is_one(model):
                flags[model] = {field.name: field for field in dataclasses.fields(hparams_of(model))}
        except UsageError as error:
            problems.append(Problem(place.path if place else (), message=str(error)))
    names = dict.fromkeys(value.text for value in tuned if value.text in flags)
    return Networks(tuple(names), base, tuple(found), flags or {AUTO: _ours()}, is_whole=not problems), problems


def _is_one(model: str) -> bool:
    return rule_of(_ours()[_MODEL]).allows(model)


def _ours() -> dict[str, Field]:
    return {field.name: field for field in dataclasses.fields(HParams)}
