"""Keeps secrets out of a page."""

import re
import shlex
from collections.abc import Sequence

HIDDEN = "(hidden)"

_NAME = re.compile(r"secret|token|passw|credential|api_?key|private_?key|access_?key", re.IGNORECASE)
_FLAG = re.compile(r"-{1,2}([\w-]+)=(.*)", re.DOTALL)
_USER = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")  # of an address, with a password
_QUERY = re.compile(r"(?i)([?&][\w-]*(?:sig|signature|token|key|credential)[\w-]*=)[^&\s]+")  # of a signed address


def value_of(name: str, value: object) -> str:
    """Returns a flag's value; a word in its place if its name says that it is secret, and no password of an address."""
    text = str(value)
    if text and _NAME.search(name):
        return HIDDEN
    return _QUERY.sub(rf"\1{HIDDEN}", _USER.sub(HIDDEN, text))


def words_of(words: Sequence[str]) -> list[str]:
    """Returns a command's words, with each flag's value as `value_of` gives it."""
    found = [_FLAG.fullmatch(word) for word in words]
    return [
        f"{word.partition('=')[0]}={value_of(flag[1], flag[2])}" if flag else value_of("", word)
        for word, flag in zip(words, found, strict=True)
    ]


def command(words: Sequence[str]) -> str:
    """Returns a command line without secrets."""
    return shlex.join(words_of(words))
