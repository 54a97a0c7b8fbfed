"""Text that data sets name things with: one form to compare it in, and one to print it in."""

import re
import unicodedata

# Soft hyphen, zero-width space, marks of direction, joiners of words, variation selectors, byte order mark; the joiners
# of letters, U+200C and U+200D, only where they join nothing: within a word they change what a person sees.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
    "|(?<!\\S)[\u200c\u200d]|[\u200c\u200d](?!\\S)"
)
_BLANKS = re.compile(r"[^\S\t\n]+")


def normal(text: str) -> str:
    """Returns the one form of texts that look the same to a person, such as a class's name.

    Letters are composed (Unicode's normalization form C), blanks outside are removed and runs of blanks inside become
    one space, whatever blanks they are; tabs and line ends inside stay, as tabs and line feeds. Characters that cannot
    be seen are removed. Bytes that are not UTF-8, which Python keeps as surrogates in the names of files, become
    escapes such as `\\xe9`, so that the result can always be written as UTF-8.

    Source: Unicode Standard Annex #15, "Unicode Normalization Forms".
    """
    if text.isascii() and text.isprintable() and "  " not in text:  # nearly always; a tenth of the time
        return text.strip(" ")
    encoded = (
        text.encode("utf-8", "surrogateescape") if _can_be_bytes(text) else text.encode("utf-8", "backslashreplace")
    )
    composed = unicodedata.normalize("NFC", encoded.decode("utf-8", "backslashreplace"))
    visible = _INVISIBLE.sub("", composed).replace("\r\n", "\n").replace("\r", "\n")
    return _BLANKS.sub(" ", visible).strip()


def _can_be_bytes(text: str) -> bool:
    """Returns whether all surrogates in a text stand for bytes that are not UTF-8."""
    return not re.search("[\ud800-\udc7f\udd00-\udfff]", text)
