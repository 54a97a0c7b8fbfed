"""Rows of JSON Lines: an object in each line, with free names or in Vertex AI's import schema."""

import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainer.data.lists.fields import IMAGE, LABEL, ROLES, may_be_label, role_of
from trainer.data.lists.targets import Target
from trainer.data.lists.targets.classes import hint
from trainer.errors import UsageError, one_line

_LONGEST = 1000  # characters of an array or object that is compared with others

Row = tuple[int, dict[str, str]]  # its line's number, from 1, and what it says by role or by a name of its own


class Settled(str):
    """A text that stands for a target which is read already, `value`, such as that of a list of labels."""

    __slots__ = ("value",)
    value: str

    @classmethod
    def of(cls, shown: str, value: str) -> "Settled":
        """Returns the text, for messages, with the target."""
        found = cls(shown)
        found.value = value
        return found


def rows(text: str, location: str, target: Target) -> Iterator[Row]:
    """Yields what each line says that is not blank.

    Args:
      text: all of it.
      location: the file, for messages.
      target: how a label that is no text is read.

    Raises:
      UsageError: a line is not an object, or a field has another type or occurs twice.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        if not line.strip():
            continue
        where = f"{location}, line {number}"
        try:
            said = decoder.decode(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{where}: must be JSON. Received: {one_line(_reason(error))}") from None
        if not isinstance(said, dict):
            raise UsageError(f"{where}: must be an object. Received: {type(said).__name__}")
        yield number, {role: _text(role, values, where, target) for role, values in _by_role(said).items()}


def begins_with_image(text: str, *, needs_label: bool = True) -> bool:
    """Returns whether the first line that is not blank has an image and, if it needs one, its label."""
    try:
        said = json.loads(next((line for line in io.StringIO(text) if line.strip()), ""))
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and {IMAGE, *([LABEL] if needs_label else [])} <= {*_by_role(said)}


def _reason(error: Exception) -> str:
    """Returns why a line is no JSON; where Python advises its own setting, what the line has."""
    text = str(error)
    return "a number of more digits than can be read" if "integer string" in text else text


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"an object with two fields {next(name for name in names if names.count(name) > 1)}")
    return found


def _by_role(said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the values of an object that are not null, by role, each with its own name."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in said.items():
        for role, own, content in _fields(name, value):
            if content is not None:
                found.setdefault(role, {})[own] = content
    return found


def _fields(name: str, value: Any) -> Iterator[tuple[str, str, Any]]:
    """Yields a field's role, its name for a person, and its value: in Vertex AI's schema, those of fields within it.

    Source: Vertex AI, "Prepare image training data for classification", and `classificationAnnotations` as it exports.
    """
    several = value if name == "classificationAnnotations" and isinstance(value, list) else [value]
    if name == "dataItemResourceLabels" and isinstance(value, dict):  # `ml_use` has a prefix there, or should have
        yield from ((role_of(key.rpartition("/")[2]), key, content) for key, content in value.items())
    elif name in ("classificationAnnotation", "classificationAnnotations") and value is not None:
        names = [one.get("displayName") if isinstance(one, dict) else one for one in several]
        yield LABEL, f"{name}.displayName", names[0] if len(names) == 1 else names or None
    else:
        yield role_of(name), name, value


def _text(role: str, values: Mapping[str, Any], where: str, target: Target) -> str:
    """Returns what the fields of one role say.

    Raises:
      UsageError: they are several, or what they say is neither text nor, for a label, a whole number.
    """
    if role not in ROLES:
        return next((text for value in values.values() if (text := _other(role, value))), "")
    if len(values) > 1:
        raise UsageError(f"{where}: must have one field `{role}`. Received: {', '.join(map(one_line, values))}")
    ((name, value),) = values.items()
    if role == LABEL and (read := target.of_value(value, name, where)) is not None:
        return Settled.of(json.dumps(value)[:_LONGEST], read)
    is_number = role == LABEL and isinstance(value, int) and not isinstance(value, bool)
    if not (isinstance(value, str) or is_number):
        rule = "one class: a name or a whole number" if role == LABEL else "a text"
        raise UsageError(
            f"{where}: `{one_line(name)}` must be {rule}. Received: {json.dumps(value)[:100]}" + _hint(role, value)
        )
    try:
        str(value).encode("utf-8", "strict" if role == IMAGE else "replace")
    except UnicodeEncodeError:
        raise UsageError(f"{where}: `{one_line(name)}` must be text. Received: {json.dumps(value)[:100]}") from None
    return str(value)


def _hint(role: str, value: Any) -> str:
    """Returns the other reading of a label that is no class; empty if there is none."""
    if role == LABEL and isinstance(value, list):
        return hint("several values")
    return hint("a fraction") if role == LABEL and isinstance(value, float) and math.isfinite(value) else ""


def _other(name: str, value: Any) -> str:
    """Returns what a field that has no role says; nothing where that is an array or an object, which is no class."""
    if isinstance(value, str):
        return value
    is_single = isinstance(value, (bool, int, float))
    return json.dumps(value)[:_LONGEST] if is_single or may_be_label(name) else ""
