"""The parameters of a study as in config.yaml."""

from collections.abc import Iterator

from trainer.study.config.view import View
from trainer.study.spec import LINEAR, Parameter, Value

KINDS = {
    "doubleValueSpec": "double",
    "integerValueSpec": "integer",
    "discreteValueSpec": "discrete",
    "categoricalValueSpec": "categorical",
}
CONDITIONS = {
    "integer": "parentIntValues",
    "discrete": "parentDiscreteValues",
    "categorical": "parentCategoricalValues",
}
LOGARITHMIC = ("UNIT_LOG_SCALE", "UNIT_REVERSE_LOG_SCALE")


def name(parameter: View) -> str:
    """Returns the flag that a parameter tunes."""
    return parameter["parameterId"].text


def kind(parameter: View) -> str:
    """Returns the kind of a parameter, from its value spec; an empty text if it has none, or two."""
    kinds = [KINDS[field] for field in parameter.names if field in KINDS]
    return kinds[0] if len(kinds) == 1 else ""


def spec(parameter: View) -> View:
    """Returns a parameter's value spec."""
    return next((parameter[field] for field in parameter.names if field in KINDS), View(None, parameter.path))


def values(parameter: View) -> list[View]:
    """Returns the values that a parameter may have, or the limits of their range."""
    inner = spec(parameter)
    if kind(parameter) in ("double", "integer"):
        return [end for end in (inner["minValue"], inner["maxValue"]) if end.is_given]
    return list(inner["values"])


def every(study: View) -> list[View]:
    """Returns all parameters of a `studySpec`, each before the ones that depend on it."""
    return [found for parameter in study["parameters"] for found in _family(parameter)]


def read(study: View) -> tuple[Parameter, ...]:
    """Returns the parameters of a valid `studySpec`."""
    return tuple(map(_parameter, study["parameters"]))


def _family(parameter: View) -> Iterator[View]:
    yield parameter
    for condition in parameter["conditionalParameterSpecs"]:
        if condition["parameterSpec"].is_given:
            yield from _family(condition["parameterSpec"])


def _parameter(parameter: View) -> Parameter:
    what, inner = kind(parameter), spec(parameter)
    scale = parameter["scaleType"].text.replace("SCALE_TYPE_UNSPECIFIED", "") or LINEAR
    children = tuple(
        (
            tuple(_value(item, what) for item in condition[CONDITIONS[what]]["values"]),
            _parameter(condition["parameterSpec"]),
        )
        for condition in parameter["conditionalParameterSpecs"]
    )
    if what in ("double", "integer"):
        low, high = (_value(inner[end], what) for end in ("minValue", "maxValue"))
        return Parameter(
            name=name(parameter), kind=what, low=float(low), high=float(high), scale=scale, children=children
        )
    allowed = tuple(_value(item, what) for item in inner["values"])
    return Parameter(name=name(parameter), kind=what, values=allowed, scale=scale, children=children)


def _value(view: View, what: str) -> Value:
    if what == "categorical":
        return view.text
    number = view.number or 0
    return int(number) if what == "integer" else float(number)
