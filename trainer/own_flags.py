"""The flags of a user's own network, from the signature of the function that returns it.

    def build(input_shape, classes, *, width: int = 32, norm: Literal["batch", "layer"] = "batch", deep: bool = False):

has the flags `--width`, `--norm` and the question `--deep`, each with its type and default.
"""

import dataclasses
import functools
import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any

from trainer import own_function
from trainer.errors import UsageError
from trainer.hparams import ANSWERS, OWN, Field, HParams, Rule, Value, family, rule_of

_GIVEN = ("input_shape", "classes")  # the arguments of every such function
_READ_BEFORE = ("help", "h", "flagfile", "undefok")  # flags of the command line itself
_SUPPORTED = "int, float, str, bool or a Literal of texts or whole numbers"


@dataclasses.dataclass(frozen=True)
class _Argument:
    """An argument of a user's function and its flag.

    Attributes:
      name: the name of both.
      type: the type of the flag's value.
      default: the flag's default.
      rule: the flag's rule.
      convert: converts a value of the flag to the argument.
    """

    name: str
    type: type
    default: Value
    rule: Rule
    convert: Callable[[Any], Any]


def hparams_of(model: str) -> type[HParams]:
    """Returns the hyperparameters of a run with this `--model`; for a user's function, with a flag per argument.

    The module of the function is imported, after Keras; other networks import nothing.

    Raises:
      UsageError: the function cannot be imported, or one of its arguments cannot be a flag.
    """
    (field,) = (one for one in dataclasses.fields(HParams) if one.name == "model")
    if family(model) != OWN or not rule_of(field).allows(model):
        return HParams
    return _subclass(model)


def sources(model: str) -> dict[str, str]:
    """Returns the SHA-256 of the files of the user's own network, by name; empty for other networks.

    Raises:
      UsageError: as `hparams_of`.
    """
    return dict(own_function.load(model).sources) if family(model) == OWN else {}


def fields_of(hparams: HParams) -> list[Field]:
    """Returns the fields of the arguments of a user's function."""
    return [field for field in dataclasses.fields(hparams) if rule_of(field).networks == (OWN,)]


def call(hparams: HParams, input_shape: tuple[int, ...], classes: int) -> Any:
    """Returns the result of a user's function for these hyperparameters.

    Raises:
      UsageError: as `hparams_of`.
      BaseException: any exception of the function.
    """
    function = own_function.load(hparams.model).call
    # Python's own numbers: Keras records an argument of a class automatically only if it has one of these types.
    values: dict[str, Any] = {"input_shape": tuple(map(int, input_shape)), "classes": int(classes)}
    for one in _arguments(hparams.model):
        values[one.name] = one.convert(getattr(hparams, one.name, one.default))
    places = [
        values.pop(name)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.POSITIONAL_ONLY
    ]
    return function(*places, **values)


@functools.cache
def _subclass(model: str) -> type[HParams]:
    fields = [
        (one.name, one.type, dataclasses.field(default=one.default, metadata={"rule": one.rule}))
        for one in _arguments(model)
    ]
    return dataclasses.make_dataclass("HParams", fields, bases=(HParams,), frozen=True, kw_only=True)


@functools.cache
def _arguments(model: str) -> tuple[_Argument, ...]:
    """Returns the arguments of a user's function that become flags, in order.

    Raises:
      UsageError: the function lacks `input_shape` or `classes`, or an argument cannot be a flag.
    """
    function = own_function.load(model)
    try:
        parameters = inspect.signature(function.call).parameters
    except (TypeError, ValueError):
        raise UsageError(f"`--model` must be a function with a signature. Received: {model}") from None
    missing = [name for name in _GIVEN if name not in parameters]
    if missing:
        raise UsageError(
            "`--model` must be a function of input_shape and classes, as in def build(input_shape, classes). "
            f"Received: {model}, without {missing[0]}"
        )
    helps = _helps(inspect.getdoc(function.call) or "")
    return tuple(
        _argument(model, parameter, helps.get(parameter.name, f"of {model}"))
        for parameter in parameters.values()
        if parameter.name not in _GIVEN and not _is_bare_catch_all(parameter)
    )


def _is_bare_catch_all(parameter: inspect.Parameter) -> bool:
    return parameter.kind is parameter.VAR_KEYWORD and parameter.annotation is parameter.empty


def _argument(model: str, parameter: inspect.Parameter, help: str) -> _Argument:
    """Returns the flag of an argument.

    Raises:
      UsageError: the argument cannot be a flag.
    """
    name, default = parameter.name, parameter.default
    stars = (
        "*" if parameter.kind is parameter.VAR_POSITIONAL else "**" if parameter.kind is parameter.VAR_KEYWORD else ""
    )
    said = stars + name
    if stars:
        raise _refusal(model, said, f"must be replaced by named arguments, each annotated with {_SUPPORTED}", said)
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise _refusal(model, said, "must be passable by name", "before /")
    _check_name(model, name)
    if parameter.annotation is parameter.empty:
        raise _refusal(model, said, f"must be annotated, as in {name}: int = 1, with {_SUPPORTED}", "no annotation")
    annotation = _annotation(model, parameter)
    if default is parameter.empty:
        raise _refusal(model, said, "must have a default, which becomes the flag's default", "none")
    if annotation is bool:
        _check_default(model, name, default, bool)
        return _Argument(name, str, ANSWERS[default], _rule(help, ANSWERS), lambda value: value == ANSWERS[1])
    if typing.get_origin(annotation) is typing.Literal:
        return _choice(model, name, default, help, typing.get_args(annotation))
    if {*typing.get_args(annotation)} == {int, float}:
        annotation = float
    if annotation not in (int, float, str):
        without = " without None" if type(None) in typing.get_args(annotation) else ""
        raise _refusal(model, said, f"must be annotated with {_SUPPORTED}{without}", annotation)
    _check_default(model, name, default, annotation)
    return _Argument(name, annotation, annotation(default), _rule(help), annotation)


def _choice(model: str, name: str, default: Any, help: str, values: tuple[Any, ...]) -> _Argument:
    """Returns the flag of an argument that is one of several texts or numbers."""
    if {type(value) for value in values} not in ({str}, {int}):
        raise _refusal(model, name, f"must be annotated with {_SUPPORTED}", f"Literal{[*values]}")
    texts = {str(value): value for value in values}
    if default not in values or type(default) is not type(values[0]):
        raise _refusal(model, name, f"must have a default that is one of {', '.join(texts)}", repr(default))
    return _Argument(name, str, str(default), _rule(help, tuple(texts)), texts.__getitem__)


def _rule(help: str, choices: tuple[str, ...] = ()) -> Rule:
    return Rule("Network", help, choices=choices, networks=(OWN,))


def _check_name(model: str, name: str) -> None:
    standard = {field.name: rule_of(field) for field in dataclasses.fields(HParams)}
    is_free = name not in standard or standard[name].networks or standard[name].may_be_replaced
    if name in _READ_BEFORE or not is_free:
        raise _refusal(model, name, f"must have another name: --{name} is a flag of every run", name)
    if name not in standard and hasattr(HParams, name):
        raise _refusal(model, name, "must have another name", name)


def _check_default(model: str, name: str, default: Any, annotation: type) -> None:
    is_right = type(default) is annotation or (annotation is float and type(default) is int)
    if not is_right or (annotation is float and not math.isfinite(default)):
        what = {int: "a whole number", float: "a finite number", str: "a text", bool: "True or False"}[annotation]
        raise _refusal(model, name, f"must have {what} as its default, to match its annotation", repr(default))


def _annotation(model: str, parameter: inspect.Parameter) -> Any:
    """Returns an argument's annotation as an object, also if it is written as text."""
    function = inspect.unwrap(own_function.load(model).call)
    while isinstance(function, functools.partial):
        function = inspect.unwrap(function.func)
    holder = types.SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    try:
        found = typing.get_type_hints(holder, getattr(function, "__globals__", {}))[parameter.name]
    except Exception as error:  # an annotation can be any expression
        said = f"{parameter.annotation!r}, {type(error).__name__}: {error}"
        raise _refusal(model, parameter.name, f"must be annotated with {_SUPPORTED}", said) from None
    return getattr(found, "__value__", found)  # of an alias: type Size = Literal[…]


def _refusal(model: str, name: str, rule: str, received: Any) -> UsageError:
    if isinstance(received, type):
        received = received.__name__
    return UsageError(f"argument `{name}` of `--model={model}` {rule}. Received: {received}")


def _helps(text: str) -> dict[str, str]:
    """Returns the description of each argument in a Google-style docstring."""
    return dict(_described(text))


def _described(text: str) -> Iterator[tuple[str, str]]:
    """Yields the arguments under `Args:`, with their texts.

    Args:
      text: a docstring without the indentation of its code, as `inspect.getdoc` returns it.
    """
    found = re.search(r"^(Args|Arguments|Parameters):\n((?:[ \t]+.*\n?|\s*\n)*)", text, re.MULTILINE)
    lines = [line for line in (found[2] if found else "").splitlines() if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    entries = re.split(rf"^[ \t]{{{margin}}}\*{{0,2}}(\w+)(?:[ \t]*\([^)]*\))?:", "\n".join(lines), flags=re.MULTILINE)
    for name, said in zip(entries[1::2], entries[2::2], strict=True):
        yield name, " ".join(said.split()).rstrip(".")
