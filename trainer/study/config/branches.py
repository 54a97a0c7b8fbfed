"""Which parameters of a study occur together, and with which values."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence

from trainer.study.config import parameters
from trainer.study.config.view import View
from trainer.study.spec import Value


@dataclasses.dataclass(frozen=True)
class Branch:
    """One parameter of a file, and the condition under which it is active.

    Attributes:
      parameter: the parameter in the file.
      parent: the index of the branch on which it depends; -1 if it is always active.
      condition: the values of the parent with which it is active.
    """

    parameter: View
    parent: int = -1
    condition: tuple[Value, ...] = ()

    @property
    def name(self) -> str:
        """The flag that is tuned."""
        return parameters.name(self.parameter)


def of(study: View) -> list[Branch]:
    """Returns the parameters of a `studySpec`, each after the one on which it depends; the file may have errors."""
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

    The limits of a range represent all its numbers, and one value represents all values that no condition names. A
    combination also contains the parameters on which the wanted ones depend.

    Args:
      branches: the branches of the study.
      wanted: the names of the parameters.
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
    """Returns the values of a parameter that affect others."""
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
    """Returns the values of a list that have the right type."""
    if kind == "categorical":
        return tuple(item.text for item in items if isinstance(item.value, str))
    return tuple(item.number for item in items if item.number is not None)
