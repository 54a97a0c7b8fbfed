"""Vertex AI's rules for a study's parameters, beyond those of their messages.

Sources: the comments of `google.cloud.aiplatform.v1.StudySpec`, and the errors of gcloud.
"""

import itertools
from collections.abc import Iterator, Sequence

from trainer.study.config import parameters
from trainer.study.config.messages import Problem, shown
from trainer.study.config.view import View

_APART = 1e-10  # minimum distance of discrete values; the values of a condition are equal within it
_MOST_VALUES = 1000


def check(study: View) -> Iterator[Problem]:
    """Yields the problems of the parameters of a `studySpec`, without those of their flags."""
    yield from study["parameters"].required("must contain at least one parameter")
    where: dict[str, View] = {}
    for parameter in parameters.every(study):
        yield from _parameter(parameter)
        name = parameters.name(parameter)
        # The messages would allow one name in two branches of a parent. Here it has one range, whatever the branch, as
        # in the Gaussian process, the importance and TensorBoard's HParams page.
        if name and name in where:
            other = shown(where[name].path)
            yield parameter["parameterId"].problem(
                f"must be unique: {other} is the same, whose condition may name several values"
            )
        where.setdefault(name, parameter)
        if study["algorithm"].value == "GRID_SEARCH" and parameters.kind(parameter) == "double":
            yield parameters.spec(parameter).problem(
                "must be an integerValueSpec, a discreteValueSpec or a categoricalValueSpec, for GRID_SEARCH",
                received="doubleValueSpec",
            )


def _parameter(parameter: View) -> Iterator[Problem]:
    kind, spec = parameters.kind(parameter), parameters.spec(parameter)
    yield from parameter["parameterId"].required("must be a flag of `python -m trainer.task`")
    if not any(field in parameters.KINDS for field in parameter.names):
        yield parameter.problem(f"must have one of {', '.join(parameters.KINDS)}")
    if kind in ("double", "integer"):
        yield from _range(spec)
    if kind in ("discrete", "categorical"):
        yield from spec["values"].required("must contain at least one value")
    if kind == "discrete":
        yield from _ascending(spec["values"])
    if kind == "categorical":
        yield from _distinct(spec["values"])
    if spec["defaultValue"].is_given:
        yield spec["defaultValue"].problem("must be left out: tuning jobs do not support it")
    yield from _scale(parameter)
    for condition in parameter["conditionalParameterSpecs"]:
        yield from _condition(condition, parameter)


def _range(spec: View) -> Iterator[Problem]:
    low, high = spec["minValue"], spec["maxValue"]
    yield from low.required()
    yield from high.required()
    if low.number is not None and high.number is not None and low.number > high.number:
        yield low.problem(f"must be at most maxValue, {high.value}")


def _ascending(values: View) -> Iterator[Problem]:
    items = list(values)
    if len(items) > _MOST_VALUES:
        yield values.problem(f"must contain at most {_MOST_VALUES} values", received=f"{len(items)} of them")
    for before, item in itertools.pairwise(items):
        if before.number is not None and item.number is not None and item.number - before.number < _APART:
            yield item.problem(f"must be more than the previous value, {before.value}, because the values must ascend")


def _distinct(values: View) -> Iterator[Problem]:
    seen: set[str] = set()
    for item in values:
        if item.text in seen:
            yield item.problem("must be there once")
        seen.add(item.text)


def _scale(parameter: View) -> Iterator[Problem]:
    scale, kind = parameter["scaleType"], parameters.kind(parameter)
    if kind == "categorical" and scale.text not in ("", "SCALE_TYPE_UNSPECIFIED"):
        yield scale.problem("must be unset for a categorical parameter")
    if kind != "categorical" and scale.value in parameters.LOGARITHMIC:
        for value in parameters.values(parameter):
            if value.number is not None and value.number <= 0:
                yield value.problem(f"must be more than 0 for {scale.value}")


def _condition(condition: View, parent: View) -> Iterator[Problem]:
    yield from condition["parameterSpec"].required("must be given: the parameter that the condition is for")
    kind = parameters.kind(parent)
    if not kind:
        return
    if kind == "double":
        yield condition.problem("must not be there: a double parameter has no conditional ones")
        return
    wanted = parameters.CONDITIONS[kind]
    given = [name for name in condition.names if name in parameters.CONDITIONS.values()]
    for name in given:
        if name != wanted:
            yield condition[name].problem(f"must be {wanted}, because the parent is {kind}", received=name)
    if not given:
        yield condition.problem(f"must have {wanted}, with which values of the parent it is active")
    elif wanted in given:
        yield from condition[wanted]["values"].required("must contain at least one value of the parent")
        yield from _subset(condition[wanted]["values"], parent)


def _subset(chosen: View, parent: View) -> Iterator[Problem]:
    allowed, kind = parameters.values(parent), parameters.kind(parent)
    for item in chosen if all(_is_right(value, kind) for value in allowed) else ():
        if kind == "categorical":
            is_one = item.text in [value.text for value in allowed]
        elif item.number is None:
            continue
        else:
            is_one = _is_within(item.number, [value.number or 0 for value in allowed], kind)
        if not is_one:
            between = " to " if kind == "integer" else ", "
            yield item.problem(f"must be a value of the parent: {between.join(str(value.value) for value in allowed)}")


def _is_right(value: View, kind: str) -> bool:
    return isinstance(value.value, str) if kind == "categorical" else value.number is not None


def _is_within(number: float, allowed: Sequence[float], kind: str) -> bool:
    if kind == "integer":
        return len(allowed) < 2 or allowed[0] <= number <= allowed[1]
    return any(abs(number - value) < _APART for value in allowed)
