"""The protobuf messages of Vertex AI's jobs; checks that a document is one of them.

`job_messages.pb` holds their definitions, a FileDescriptorSet made from google-cloud-aiplatform 2.7 by
`tests/study/config/make_messages.py` (Copyright Google LLC, Apache License 2.0), so that a job can be checked by
`google.protobuf` alone: 19 KB instead of 160 MB. Protobuf's own JSON parser stops at the first wrong field; this one
finds all of them.
"""

import dataclasses
import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

TUNING_JOB, CUSTOM_JOB, CUSTOM_JOB_SPEC = "HyperparameterTuningJob", "CustomJob", "CustomJobSpec"

# Field names and item indices, from the document's root.
FieldPath = tuple[str | int, ...]

_FILE = Path(__file__).with_name("job_messages.pb")
_PACKAGE = "google.cloud.aiplatform.v1"
_WRAPPER = re.compile(r"google\.protobuf\.(Double|Float|U?Int32|U?Int64|Bool|String)Value")
_QUOTE = "put it in quotes"


@dataclasses.dataclass(frozen=True)
class Problem:
    """A part of a document that breaks a rule.

    Attributes:
      path: the path of the field.
      rule: the rule, which follows the field's name in a message, as in `must be a number`.
      received: the received value, if it is not the field's.
      meant: for an unknown field, the known field with the most similar spelling.
      message: the whole message, if it does not consist of name, rule and value.
    """

    path: FieldPath
    rule: str = ""
    received: str = ""
    meant: str = ""
    message: str = ""


def shown(path: FieldPath) -> str:
    """Returns a path as text: `studySpec.parameters[1].scaleType`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def check(document: Any, name: str = TUNING_JOB) -> list[Problem]:
    """Returns a problem for each field of a JSON document that is not in the message `name` or has a wrong value.

    It is stricter than protobuf's parser, like gcloud: names are in camel case, the value of an enumeration is its
    name, and a field without a value is an error.
    """
    kind = _pool().FindMessageTypeByName(f"{_PACKAGE}.{name}")
    return [_with_home(problem, kind) for problem in _message(document, kind, ())]


def parse(document: Mapping[str, Any], name: str = TUNING_JOB) -> Any:
    """Returns a document as a message of `google.protobuf`.

    Raises:
      google.protobuf.json_format.ParseError: the document is not a valid message.
    """
    from google.protobuf import json_format, message_factory  # type: ignore[import-untyped]

    kind = message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))
    return json_format.ParseDict(dict(document), kind())


def _pool() -> Any:
    """Returns a separate pool: in the default one, the definitions collide with google-cloud-aiplatform's."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet  # type: ignore[import-untyped]
    from google.protobuf.descriptor_pool import DescriptorPool  # type: ignore[import-untyped]

    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(_FILE.read_bytes()).file:
        pool.Add(file)
    return pool


def _message(value: Any, kind: Any, path: FieldPath) -> Iterator[Problem]:
    fields = {field.json_name: field for field in kind.fields}
    if not isinstance(value, Mapping):
        yield Problem(path, f"must be a mapping of {', '.join(sorted(fields)) or 'nothing'}")
        return
    for name, inner in value.items():
        if name in fields:
            yield from _field(inner, fields[name], (*path, name))
        else:
            yield _unknown(name, kind, (*path, name))
    for oneof in kind.oneofs:
        names = [field.json_name for field in oneof.fields]
        first, *others = [name for name in value if name in names] or [""]
        for name in others:
            yield Problem(
                (*path, name),
                f"must not be used with `{first}`: one of {', '.join(names)}",
                received=f"{first} and {name}",
            )


def _field(value: Any, field: Any, path: FieldPath) -> Iterator[Problem]:
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    if value is None:
        empty = "[]" if field.is_repeated and not is_map else "{}"
        has_empty = field.is_repeated or field.message_type is not None
        yield Problem(path, f"must have a value{f' ({empty} is an empty one)' if has_empty else ''}, or be left out")
    elif is_map:
        yield from _map(value, field.message_type.fields_by_name["value"], path)
    elif not field.is_repeated:
        yield from _value(value, field, path)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for index, item in enumerate(value):
            yield from _value(item, field, (*path, index))
    else:
        yield Problem(path, "must be a list, as in [first, second]")


def _map(value: Any, inner: Any, path: FieldPath) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield Problem(path, "must be a mapping of names to values")
        return
    for name, item in value.items():
        yield from _value(item, inner, (*path, name))


def _value(value: Any, field: Any, path: FieldPath) -> Iterator[Problem]:
    kind = field.message_type
    if kind is not None and _WRAPPER.fullmatch(kind.full_name):
        yield from _value(value, kind.fields_by_name["value"], path)
        return
    if kind is not None and kind.full_name not in _TIMES:
        yield from _message(value, kind, path)
        return
    if kind is not None:
        rule = _broken_time(value, kind.full_name)
    elif field.enum_type is not None:
        rule = _broken_choice(value, [choice.name for choice in field.enum_type.values])
    else:
        rule = _broken_scalar(value, field)
    if rule:
        yield Problem(path, rule)


_TIMES = {
    "google.protobuf.Duration": "a time in seconds, as in 3600s",
    "google.protobuf.Timestamp": "a time in quotes, as in '2026-01-31T12:00:00Z'",
}


def _broken_time(value: Any, name: str) -> str:
    """Returns the rule that a time or a duration breaks, or an empty text."""
    from google.protobuf import duration_pb2, timestamp_pb2

    kind = duration_pb2.Duration if name.endswith("Duration") else timestamp_pb2.Timestamp
    if isinstance(value, str):
        try:
            kind().FromJsonString(value)
        except ValueError:
            pass
        else:
            return ""
    return f"must be {_TIMES[name]}"


def _broken_choice(value: Any, choices: Sequence[str]) -> str:
    return "" if value in choices else f"must be one of {', '.join(choices)}{_most_like(str(value), choices)}"


def _broken_scalar(value: Any, field: Any) -> str:
    """Returns the rule that a text, a number or a boolean breaks, or an empty text."""
    if field.cpp_type == field.CPPTYPE_STRING:
        if isinstance(value, bool):
            return f"must be text: YAML reads yes, no, on and off as true and false, so {_QUOTE}"
        return "" if isinstance(value, str) else f"must be text: {_QUOTE}"
    if field.cpp_type == field.CPPTYPE_BOOL:
        return "" if isinstance(value, bool) else "must be true or false"
    number = as_number(value)
    if field.cpp_type in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
        return "" if number is not None and math.isfinite(number) else "must be a finite number"
    if number is None or not math.isfinite(number) or number != int(number):
        return "must be a whole number"
    bits = 31 if field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_UINT32) else 63
    return "" if -(2**bits) <= number < 2**bits else f"must be a whole number below 2 to the power of {bits}"


def as_number(value: Any) -> float | int | None:
    """Returns a number, also from text, which is protobuf's JSON form of large integers; None for other values."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value == value.strip() and "_" not in value:
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                pass
    return None


def _unknown(name: str, kind: Any, path: FieldPath) -> Problem:
    names = sorted(field.json_name for field in kind.fields)
    meant = {field.name: field.json_name for field in kind.fields}.get(name, "") or _nearest(name, names)
    hint = f" (did you mean {meant}?)" if meant else ""
    return Problem(path, f"must be one of {', '.join(names)}{hint}", received=name, meant=meant)


def _most_like(name: str, names: Sequence[str]) -> str:
    meant = _nearest(name, names)
    return f" (did you mean {meant}?)" if meant else ""


def _nearest(name: str, names: Sequence[str]) -> str:
    lower = {other.lower(): other for other in names}
    return next((lower[found] for found in difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.75)), "")


def _with_home(problem: Problem, kind: Any) -> Problem:
    """Returns a problem whose rule names the part of the message in which its unknown field belongs, if there is one.

    A wrong position is likelier than a wrong spelling, unless the two names have the same letters.
    """
    name = problem.received
    if not name or problem.path[-1] != name or problem.meant.lower() == name.replace("_", "").lower():
        return problem
    home = _home(name, kind)
    rule, _, _ = problem.rule.partition(" (")
    return dataclasses.replace(problem, rule=f"{rule}; {home}", meant="") if home else problem


def _home(name: str, kind: Any) -> str:
    """Returns a description of the part of a message that has a field of this name, or an empty text."""
    paths: list[tuple[FieldPath, Any]] = [((), kind)]
    seen = set()
    for path, inner in paths:  # the list grows: the fields nearest to the root come first
        if name in {field.json_name for field in inner.fields}:
            return f"{name} belongs {f'below {shown(path)}' if path else 'to the job itself'}"
        seen.add(inner.full_name)
        paths += [
            ((*path, field.json_name, *((0,) if field.is_repeated else ())), field.message_type)
            for field in inner.fields
            if field.message_type is not None and field.message_type.full_name not in seen
        ]
    return ""
