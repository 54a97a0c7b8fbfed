"""The font of each character: Pillow's for Latin letters, Noto and the machine's fonts for other scripts.

A character without a font is written in Latin letters, so nothing is drawn as a box.
"""

import functools
import importlib.util
import itertools
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from anyascii import anyascii
from PIL import ImageFont, features

ISOLATE, END = "\u2068", "\u2069"  # around a part whose direction is its own; Unicode's report 9, 2.4
SIZE = 13  # pixels, at which digits and capitals are 9 pixels high
_LARGER = 14  # of scripts with many strokes

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Run = tuple[str, Font]

_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk", "matplotlib")
_SYSTEM = ("/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", "/Library/Fonts", "C:/Windows/Fonts")
_NAMES = ("noto", "dejavusans.", "droidsansfallback", "unifont", "wqy", "arialuni", "applesdgothic", "pingfang")
_JOINERS = "\u200c\u200d"
_PLAIN = "…"  # always in Pillow's font, where it is as low as it is wide
_MISSING = "\U0010fffe"  # no character: fonts draw it for missing ones
_REGULAR = 400  # of a variable font's weights
# Their letters depend on their neighbours or run from right to left, which needs Raqm.
_SHAPED = frozenset(
    [
        "ARABIC",
        "HEBREW",
        "SYRIAC",
        "THAANA",
        "NKO",
        "DEVANAGARI",
        "BENGALI",
        "GUJARATI",
        "GURMUKHI",
        "TAMIL",
        "TELUGU",
        "KANNADA",
        "MALAYALAM",
        "SINHALA",
        "ORIYA",
        "MYANMAR",
        "KHMER",
        "THAI",
        "LAO",
        "TIBETAN",
    ]
)


def runs(text: str) -> list[Run]:
    """Returns a text as parts of one font each, in their order from left to right.

    A text with isolated parts goes from left to right; any other as its first letter does.
    """
    text = " ".join(unicodedata.normalize("NFC", text).split())
    pieces = re.split(f"([{ISOLATE}{END}])", text)
    if len(pieces) == 1:
        return _runs(text, is_from_right=_is_from_right(text))
    found: list[Run] = []
    for before, piece in itertools.pairwise(["", *pieces]):
        if piece not in (ISOLATE, END):
            found += _runs(piece, is_from_right=before == ISOLATE and _is_from_right(piece))
    return found


def _is_from_right(text: str) -> bool:
    return next((unicodedata.bidirectional(one) for one in text if one.isalpha()), "L") in ("R", "AL")


def _runs(text: str, *, is_from_right: bool) -> list[Run]:
    found: list[tuple[str, Font]] = []
    for character in text:
        former = found[-1][1] if found else own()
        if character in _PLAIN or (character == " " and (is_from_right or _is_emoji(former))):
            found.append((character, own()))
        elif former != own() and not character.isalnum() and _has(former, character):
            found.append((character, former))  # a mark, a joiner, or what stands between words
        else:
            chosen = _font_of(character)
            found += [(character, chosen)] if chosen else [(one, own()) for one in _latin(character)]
    parts = [
        ("".join(one for one, _ in group), font) for font, group in itertools.groupby(found, key=lambda one: one[1])
    ]
    return parts[::-1] if is_from_right else parts


@functools.cache
def own() -> Font:
    """Returns Pillow's own font."""
    return ImageFont.load_default(SIZE)


def _latin(character: str) -> str:
    """Returns a character in Latin letters; empty if it is not a letter, such as a joiner."""
    return anyascii(character) or ("" if unicodedata.category(character)[0] in "CM" else "?")


def _is_emoji(font: Font) -> bool:
    return isinstance(font, ImageFont.FreeTypeFont) and "Emoji" in str(font.getname()[0])


@functools.lru_cache(8192)
def _font_of(character: str) -> Font | None:
    if _has(own(), character):
        return own()
    script = unicodedata.name(character, "").split(" ")[0]
    if script in _SHAPED and not features.check("raqm"):
        return None
    return next((font for font in _others() if _has(font, character)), None)


@functools.lru_cache(65536)
def _has(font: Font, character: str) -> bool:
    if character == " " or (character in _JOINERS and font != own()):
        return True
    return unicodedata.category(character)[0] != "C" and _picture(font, character) != _missing(font)


@functools.cache
def _missing(font: Font) -> bytes:
    return _picture(font, _MISSING)


@functools.cache
def _unshaped(font: Font) -> Font:
    """Returns the font without Raqm, which adds a circle to a mark without a letter, also where it has no such mark."""
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC) if isinstance(font, ImageFont.FreeTypeFont) else font


def _picture(font: Font, character: str) -> bytes:
    mask = _unshaped(font).getmask(character)
    return bytes(f"{mask.size}", "ascii") + bytes(mask)


def _others() -> Iterator[Font]:
    """Yields the fonts of packages, then of this machine; each is opened on demand."""
    yield from (font for font in map(_opened, _files()) if font)


@functools.cache
def _files() -> list[Path]:
    specs = (importlib.util.find_spec(name) for name in _PACKAGES)
    roots = [Path(folder) for spec in specs if spec for folder in spec.submodule_search_locations or ()]
    roots = [root / "mpl-data/fonts/ttf" if root.name == "matplotlib" else root for root in roots]
    # Matplotlib's others are mathematics, and one of boxes for all that there is.
    found = [path for root in (*roots, *map(Path, _SYSTEM)) for path in _below(root)]
    return [path for path in found if path.name.lower().startswith(_NAMES) and "italic" not in path.name.lower()]


def _below(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.suffix.lower() in (".ttf", ".otf", ".ttc"))


@functools.cache
def _opened(path: Path) -> Font | None:
    try:
        font = ImageFont.truetype(str(path), _LARGER)
        axes = font.get_variation_axes() if "[wght]" in path.name or "-VF" in path.name else []
        if axes:
            font.set_variation_by_axes(
                [_REGULAR if b"eight" in axis["name"] else axis["default"] or 0 for axis in axes]
            )
        font.getmask("a")
    except (OSError, NotImplementedError):
        return None
    return font
