"""Words in capitals, as in gs://BUCKET/trainer, that the user replaces before a job is submitted."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trainer.study.config.messages import FieldPath, shown

# The part of each address in which Google allows no capitals: capitals there are a placeholder.
_BUCKET, _IMAGE, _ALL = re.compile(r"gs://[^/]*"), re.compile(r"[^:@]*"), re.compile(r".*", re.DOTALL)
_ADDRESSES = {
    "outputUriPrefix": _BUCKET,
    "packageUris": _BUCKET,
    "args": re.compile(r"(?:--[\w-]+=)?gs://[^/]*"),
    "imageUri": _IMAGE,
    "executorImageUri": _IMAGE,
    **dict.fromkeys(("serviceAccount", "tensorboard", "network", "kmsKeyName", "experiment"), _ALL),
}
_WORD = re.compile(r"(?<![A-Za-z])[A-Z](?:[A-Z_]*[A-Z])?(?![A-Za-z])")
_FILLING = "111"  # is valid in every kind of name, also in a project number


def placeholders(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns the fields of a job that still contain a placeholder: each one's path and value."""
    return [(shown(path), text) for path, text in _texts(document, ()) if _words(text, path)]


def filled(text: str, name: str) -> str:
    """Returns an address with digits for its placeholders, so that the rest of it can be checked.

    Args:
      text: the address.
      name: the name of its field.
    """
    match = _ADDRESSES[name].match(text)
    return _WORD.sub(_FILLING, match[0]) + text[match.end() :] if match else text


def _words(text: str, path: FieldPath) -> list[str]:
    names = [part for part in path if isinstance(part, str)]
    pattern = _ADDRESSES.get(names[-1]) if names else None
    match = pattern.match(text) if pattern else None
    return _WORD.findall(match[0].partition("=")[2] if "=" in match[0] else match[0]) if match else []


def _texts(value: Any, path: FieldPath) -> Iterator[tuple[FieldPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
