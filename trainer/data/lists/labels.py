"""Texts that are not a single class: missing values, vectors, several classes, fractions."""

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable

from trainer.data.lists.text import normal
from trainer.errors import UsageError, one_line

_NUMBER = re.compile(r"(?P<sign>[+\-\u2212]?)(\d+\.?\d*|\.\d+)([eE][+\-\u2212]?\d+)?")
_NOT_FINITE = re.compile(r"[+-]?(inf|Inf|INF|Infinity)")
_NUMBERS = re.compile(  # a one-hot vector, or several classes
    r"[+-]?[\d.]+(e[+-]?\d+)?(\s*[;,|\s]\s*[+-]?[\d.]+(e[+-]?\d+)?)+", re.IGNORECASE
)

# Arrays as programs print them: `[0, 1]`, `[[0 1]]`, `{cat, dog}`, `(0, 1)`, `('cat',)`, `np.array([0])`, `tensor(1)`.
_ARRAY = re.compile(
    r"\[+[^\[\]]*(\][\s,]*\[[^\[\]]*)*\]+"
    r"|\{.*\}"
    r"|\((?=['\"]|.*,|[\s\d.+-]+\)).*\)"
    r"|(array|tensor|eagertensor|set|frozenset|tuple|list|dict|series|index)\(.*\)"
    r"|(np|numpy|tf|torch|jnp|pd)\.\w+\(.*\)"
    r"|<tf\.Tensor.*>",
    re.DOTALL | re.IGNORECASE,
)

# What pandas reads as missing (`pandas.read_csv`, `na_values`), what spreadsheets write for an error, MySQL's `\N`, and
# the question mark of ARFF files. `none` and `na` in small letters are classes.
_MISSING = {
    *("nan", "-nan", "+nan", "<nan>", "nat", "null", "<null>", "<none>", "<na>", "n/a", "\\n", "?"),
    *("1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
    *("#n/a", "#n/a n/a", "#na"),
}
_ERROR = re.compile(r"#[A-Z0/]+[!?]")  # `#REF!`, `#DIV/0!`, `#NAME?`
_MISSING_AS_WRITTEN = {"None", "NA", "pd.NA"}

_SURE = re.compile(r"[|;]")  # what separates several classes
_POSSIBLE = (  # what separates them too, and is in many a name
    re.compile(r"\s*[,\uff0c\u3001\uff1b/&+>\\]\s*|\s+(?:and|or)\s+"),
    *(re.compile(one) for one in (",", r"[/\\>]", "&", r"\+", r"\s+(?:and|or)\s+", r"\s+", "-", "_", ":", r"[\s:_-]+")),
)
_ONE_HOT = re.compile(r"0*10*|[01](?P<by>[-/:_.])[01](?:(?P=by)[01])*")


@functools.lru_cache(1 << 16)
def fault(text: str) -> str:
    """Returns what a text is, for messages, where it is no class; nothing where it may be one."""
    if any(character not in "\t\n" and unicodedata.category(character) == "Cc" for character in text):
        return "a control character; the name of a class must be printable"
    if text.lower() in _MISSING or text in _MISSING_AS_WRITTEN or _ERROR.fullmatch(text):
        return "a missing value; only class folders can have this name"
    if _ARRAY.fullmatch(text) or _NUMBERS.fullmatch(text):
        return "several values"
    if _NOT_FINITE.fullmatch(text):
        return "a number that is not finite"
    number = _NUMBER.fullmatch(text)
    if not number or text.isdecimal():
        return ""
    is_whole = text.removeprefix(number["sign"]).isdecimal()
    return "a number with a sign" if is_whole else "a fraction"


def reject_several(labels: Iterable[str], where: Callable[[str], str]) -> None:
    """Checks that no label is several classes, or a class's one-hot vector.

    Several classes: `cat|dog` if there is `cat` or `cat|bird`; `cat, dog`, `cat/dog` or `cat dog` if there are both;
    `cat/dog` if there are `cat` and `dog/bird`. One-hot: `100`, `010` and `001`, or `1/0` and `0/1`, if all labels are.

    Args:
      labels: of a data set, each once.
      where: returns the line or record that has a label.

    Raises:
      UsageError: one is.
    """
    known = [*labels]
    _reject_one_hot(known, where)
    alone = {*known}
    of_piece = {label: label for label in known}  # a label that is a piece, or has it
    for label in known:
        pieces = _pieces(label, _SURE)
        for piece in pieces:
            other = of_piece.setdefault(piece, label)
            if pieces != [label] and other != label:
                raise _error(label, piece, other, where)
    of_list: dict[str, list[str]] = {}  # the labels that are lists with a piece
    lists = [(label, _pieces(label, _POSSIBLE[0])) for label in known]
    for label, pieces in lists:
        for piece in {*pieces} if len(pieces) > 1 else ():
            of_list.setdefault(piece, []).append(label)
    for label, pieces in lists:
        of_other = [next((one for one in of_list.get(piece, ())[:2] if one != label), "") for piece in pieces]
        for piece in pieces if len({*pieces}) > 1 else ():
            if piece in alone and all(one in alone or other for one, other in zip(pieces, of_other, strict=True)):
                raise _error(label, piece, piece, where)
        for separator in _POSSIBLE[1:]:
            more = _pieces(label, separator)
            if len({*more}) > 1 and alone.issuperset(more):
                raise _error(label, more[0], more[0], where)


def _reject_one_hot(labels: list[str], where: Callable[[str], str]) -> None:
    is_one_hot = len(labels) > 1 and len({*map(len, labels)}) == 1 and len(labels[0]) > 1
    if is_one_hot and all(label.count("1") == 1 and _ONE_HOT.fullmatch(label) for label in labels):
        raise UsageError(
            f"{where(labels[0])}: `label` must be one class: a name or a whole number. "
            f"Received: {one_line(labels[0])}, a one-hot vector, as all labels are"
        )


def _error(label: str, piece: str, other: str, where: Callable[[str], str]) -> UsageError:
    return UsageError(
        f"{where(label)}: `label` must be one class. Received: {one_line(label)}; "
        f"{one_line(piece)} is a class too, in {where(other)}"
    )


def _pieces(label: str, separator: re.Pattern[str]) -> list[str]:
    """Returns what is between separators, without a bracket around all; the label itself where it has none."""
    if not separator.search(label):
        return [label]
    pieces = [piece for one in separator.split(label.strip("()")) if (piece := normal(one))]
    return pieces or [label]
