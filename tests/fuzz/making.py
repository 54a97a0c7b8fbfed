"""Random texts, names, values and bytes, and damage to sound ones; each a function of a `Random`."""

import json
import os
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.data.images import BROKEN, READABLE

IMAGES = [*READABLE.values(), *(content for content, _ in BROKEN.values())]

_WORDS = (
    "cat",
    "dog",
    "train",
    "valid",
    "test",
    "validation",
    "runs",
    "model",
    "Cat",
    "café",
    "cafe\u0301",
    "日本",
    "a b",
)
_ODD = (
    "",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\0",
    "\x1b[31m",
    "\u2028",
    "\ufeff",
    "\u202e",
    "\ud800",
    "~",
    "~x",
    "*",
    "[a]",
    "?",
    "\\",
)
_ODD_WORDS = (
    "..",
    ".",
    "/",
    "//",
    "-",
    "--",
    "=",
    "%s",
    "{}",
    "${HOME}",
    "`",
    "'",
    '"',
    ",",
    ";",
    "#",
    "null",
    "NaN",
    "1e999",
)
_NUMBERS = (0, 1, -1, 2, 7, 64, 1000, 2**31, 2**63, 10**30, 0.5, -0.5, 1e-12, 1e308, 1.0)
_EXTENSIONS = (
    "png",
    "jpg",
    "JPEG",
    "webp",
    "gif",
    "bmp",
    "csv",
    "jsonl",
    "tfrecord",
    "txt",
    "png.gz",
    "tfrecord-00000-of-00001",
)
_MOST = 40  # characters of a text


def text(random: Random) -> str:
    """Returns a text, most often short and odd."""
    parts = [
        random.choice(random.choice((_WORDS, _WORDS, _ODD, _ODD_WORDS, (str(number(random)),))))
        for _ in range(_few(random))
    ]
    if random.random() < 0.1:
        parts.append(
            "".join(
                chr(random.choice((random.randrange(128), random.randrange(0xD800))))
                for _ in range(random.randrange(_MOST))
            )
        )
    if random.random() < 0.02:
        parts.append("x" * random.choice((255, 256, 5000)))
    return "".join(parts)


def number(random: Random) -> float:
    return random.choice(_NUMBERS) if random.random() < 0.7 else random.randrange(-10, 300)


def name(random: Random, extensions: Sequence[str] = _EXTENSIONS) -> str:
    """Returns the name of a file that the file system takes, which need not be text."""
    if random.random() < 0.6:
        made = random.choice(_WORDS) + str(random.randrange(20))
    elif random.random() < 0.2:
        made = os.fsdecode(bytes(random.randrange(1, 256) for _ in range(1 + random.randrange(12))))
    else:
        made = text(random)
    made = made.replace("/", "_").replace("\0", "_")
    if random.random() < 0.8 and extensions:
        made += f".{random.choice(extensions)}"
    cut = encoded(made)[:250]
    return os.fsdecode(cut) if cut.strip(b".") else "_"


def encoded(text: str) -> bytes:
    """Returns text as UTF-8, its surrogates as the bytes that they stand for, or as question marks."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="replace")


def value(random: Random, depth: int = 2) -> Any:
    """Returns a value of JSON."""
    kind = random.randrange(8 if depth else 6)
    if kind == 6:
        return [value(random, depth - 1) for _ in range(random.randrange(4))]
    if kind == 7:
        return {text(random): value(random, depth - 1) for _ in range(random.randrange(4))}
    return (text(random), number(random), None, random.random() < 0.5, random.choice(_WORDS), float("nan"))[kind]


def changed(random: Random, sound: Any) -> Any:
    """Returns a value of JSON in which some part is another, missing or doubled."""
    if isinstance(sound, dict) and sound and random.random() < 0.9:
        key = random.choice([*sound])
        if random.random() < 0.15:
            return {name: one for name, one in sound.items() if name != key}
        if random.random() < 0.1:
            return {**sound, text(random): value(random)}
        return {**sound, key: changed(random, sound[key])}
    if isinstance(sound, list) and sound and random.random() < 0.9:
        index = random.randrange(len(sound))
        if random.random() < 0.2:
            return sound[:index] + sound[index + 1 :]
        if random.random() < 0.1:
            return [*sound, sound[index]]
        return [*sound[:index], changed(random, sound[index]), *sound[index + 1 :]]
    return value(random)


def damaged(random: Random, content: bytes) -> bytes:
    """Returns bytes of which some are flipped, missing, doubled or others."""
    made = bytearray(content)
    for _ in range(_few(random)):
        at = random.randrange(len(made) + 1)
        what = random.randrange(6)
        if what == 0:
            del made[at:]
        elif what == 1:
            del made[at : at + random.choice((1, 1, 4, 100))]
        elif what == 2:
            made[at:at] = random.randbytes(random.choice((1, 4, 100)))
        elif what == 3:
            made[at:at] = made[max(0, at - 20) : at]
        elif at < len(made):
            made[at] = random.choice((0, 255, made[at] ^ (1 << random.randrange(8))))
    return bytes(made)


def as_json(random: Random, sound: Any) -> bytes:
    """Returns JSON of a value, mostly changed, sometimes damaged; some of it is none."""
    for _ in range(random.randrange(3)):
        sound = changed(random, sound)
    content = json.dumps(sound, ensure_ascii=random.random() < 0.5).encode(errors="surrogatepass")
    if random.random() < 0.02:
        return b"[" * 100_000
    return damaged(random, content) if random.random() < 0.3 else content


def image(random: Random) -> bytes:
    """Returns the content of an image file, some of them broken."""
    content = random.choice(IMAGES)
    return damaged(random, content) if random.random() < 0.4 else content


def _few(random: Random) -> int:
    return min(random.choice((1, 1, 1, 2, 3, 5)), 5)
