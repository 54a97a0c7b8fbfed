"""Which parameters of a study occur together, and with which values."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence

from trainer.study.config import parameters
from trainer.study.config.view import View
from trainer.study.spec import Value


@dataclasses.dataclass(frozen=True)
class Branch:
    """One parameter of a file, and when it exists.

    Attributes:
      parameter: as the file has it.
      parent: the index of the branch that it depends on; -1 if it always exists.
      condition: the values of that one with which it exists.
    """

    parameter: View
    parent: int = -1
    condition: tuple[Value, ...] = ()

    @property
    def name(self) -> str:
        """The flag that is tuned."""
        return parameters.name(self.parameter)


def of(study: View) -> list[Branch]:
    """Returns the parameters of a `studySpec`, each after the one that it depends on; the file may have mistakes."""
    found: list[Branch] = []

    def add(parameter: View, parent: int, condition: tuple[Value, ...]) -> None:
        index, values = len(found), parameters.CONDITIONS.get(parameters.kind(parameter), "")
        found.append(Branch(parameter, parent, condition))
        for child in parameter["conditionalParameterSpecs"]:
            if child["parameterSpec"].is_given:
                add(child["parameterSpec"], index, _values(child[values]["values"], parameters.kind(parameter)))

    for parameter in study["parameters"]:
        add(parameter, -1, ())
    return found


def combinations(branches: Sequence[Branch], wanted: Collection[str]) -> Iterator[dict[str, Value]]:
    """Yields each combination of values that some parameters may have together.

    Of a range its ends stand for all numbers, and so does one value for all others that no condition names. A
    combination has the parameters that the wanted ones depend on, too.

    Args:
      branches: those of the study.
      wanted: names of parameters.
    """
    needed = {index for index, branch in enumerate(branches) if branch.name in wanted}
    for index in sorted(needed, reverse=True):
        while (index := branches[index].parent) >= 0:
            needed.add(index)
    chosen = sorted(needed)
    options = {index: _options(branches, index, branches[index].name in wanted, needed) for index in chosen}

    def below(values: Mapping[int, Value], position: int) -> Iterator[dict[str, Value]]:
        if position == len(chosen):
            yield {branches[index].name: value for index, value in values.items()}
            return
        index = chosen[position]
        branch = branches[index]
        if branch.parent >= 0 and values.get(branch.parent) not in branch.condition:
            yield from below(values, position + 1)
            return
        for value in options[index]:
            yield from below({**values, index: value}, position + 1)

    return below({}, 0)


def _options(branches: Sequence[Branch], index: int, is_wanted: bool, needed: Collection[int]) -> list[Value]:
    """Returns the values of a parameter that make a difference to others."""
    parameter = branches[index].parameter
    kind = parameters.kind(parameter)
    ends = _values(parameters.values(parameter), kind)
    named = [value for child in needed if branches[child].parent == index for value in branches[child].condition]
    if is_wanted:
        return [*dict.fromkeys([*ends, *(named if kind == "integer" else ())])]
    every = range(int(min(ends)), int(max(ends)) + 1) if kind == "integer" and ends else ends
    others = [next((value for value in every if value not in named), None)]
    return [*dict.fromkeys(value for value in (*named, *others) if value is not None)]


def _values(items: View | Sequence[View], kind: str) -> tuple[Value, ...]:
    """Returns the values of a list, those that are of its kind."""
    if kind == "categorical":
        return tuple(item.text for item in items if isinstance(item.value, str))
    return tuple(item.number for item in items if item.number is not None)
