"""A part of a reply: the `fields` parameter, https://cloud.google.com/storage/docs/json_api#partial-response"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.gcs.reply import Reply

Tree = dict[str, "Tree"]  # the names that are wanted; an empty one wants everything below


def select(reply: Reply, fields: str | None) -> Reply:
    """Returns a reply with only what was asked for, so that no test reads what the service would not have sent."""
    if not fields or reply.status != 200 or not reply.headers.get("Content-Type", "").startswith("application/json"):
        return reply
    return Reply.json(_pick(json.loads(reply.body), tree(fields)))


def tree(fields: str) -> Tree:
    """Returns what is asked for by text such as `items(name,size),prefixes` or `items/name`."""
    return _read(iter(re.findall(r"[^,/()]+|[,/()]", fields)))


def _read(words: Iterator[str]) -> Tree:
    root: Tree = {}
    here = root
    for word in words:
        if word == ")":
            break
        if word == "(":
            here.update(_read(words))
        elif word == ",":
            here = root
        elif word != "/":
            here = here.setdefault(word, {})
    return root


def _pick(value: Any, wanted: Tree) -> Any:
    if not wanted or "*" in wanted:
        return value
    if isinstance(value, list):
        return [_pick(one, wanted) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: _pick(one, wanted[key]) for key, one in value.items() if key in wanted}
