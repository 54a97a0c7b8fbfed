import numpy as np
import pytest
from PIL import ImageFont

from trainer.tensorboard.draw import fonts, text

NAMES = {
    "Han": "中文类别",
    "kana": "ねこ",
    "Hangul": "한국어",
    "Arabic": "قطة صغيرة",
    "Hebrew": "חתול",
    "Thai": "บ้านแมว",
    "Devanagari": "हिन्दी",
    "Tamil": "தமிழ்",
    "Bengali": "বাংলা",
    "Cyrillic": "Кошка",
    "Greek": "Ελληνικά",
    "Georgian": "ქართული",
    "Armenian": "Հայերեն",
    "Ethiopic": "አማርኛ",
    "emoji": "🐱",
    "beyond 16 bits": "𠮷",
    "runes": "ᚠᚢᚦ",
    "hieroglyphs": "𓀀",
    "Latin": "Łódź İstanbul Việt",
}


@pytest.mark.parametrize("name", NAMES)
def test_no_character_is_drawn_as_a_box(name: str) -> None:
    found = fonts.runs(NAMES[name])
    assert found
    for part, font in found:
        unshaped = font.font_variant(layout_engine=ImageFont.Layout.BASIC)
        missing = bytes(unshaped.getmask("\U0010fffe"))
        for character in part.replace(" ", ""):
            assert bytes(unshaped.getmask(character)) != missing
    assert text.line(NAMES[name]).any()


@pytest.mark.parametrize(
    "name", ["Han", "kana", "Hangul", "Arabic", "Hebrew", "Thai", "Devanagari", "Cyrillic", "emoji"]
)
def test_what_a_font_has_is_not_spelled_in_latin_letters(name: str) -> None:
    assert "".join(part for part, _ in fonts.runs(NAMES[name])).replace(" ", "").isascii() is False


def test_different_names_are_different_pictures() -> None:
    pictures = {text.line(name).tobytes() for name in NAMES.values()}
    assert len(pictures) == len(NAMES)


def test_control_characters_are_spaces_or_nothing() -> None:
    assert [part for part, _ in fonts.runs("a\tb\nc")] == ["a b c"]
    assert not text.line("\u200d\ufe0f").any()
    assert not text.line("").any()


def test_a_name_in_two_directions_begins_where_it_is_read_from() -> None:
    left = [part for part, _ in fonts.runs("dog كلب")]
    right = [part for part, _ in fonts.runs("كلب dog")]
    assert left[0].startswith("dog")
    assert right[-1] == "كلب"
    mixed = f"{text.isolated('كلب', 99)} as dog, 98%"
    assert [part for part, _ in fonts.runs(mixed)] == ["كلب", " as dog, 98%"]


@pytest.mark.parametrize("name", [*NAMES.values(), "a name that is much longer than what there is room for"])
def test_is_cut_to_a_width_with_an_ellipsis(name: str) -> None:
    assert text.cut(name, 1000) == name
    most = text.width(name) - 1
    short = text.cut(name, max(most, 12))
    assert text.width(short) <= max(most, 12)
    assert short == name or short.endswith("…")


def test_a_line_is_as_wide_as_it_says() -> None:
    for name in NAMES.values():
        picture = text.line(name)
        assert picture.shape == (text.HEIGHT, text.width(name))
        assert picture.dtype == np.uint8


def test_lines_are_broken_between_words_and_keep_isolated_parts_whole() -> None:
    name = text.isolated("a name of several words", 200)
    lines = text.wrapped(f"true {name}; predicted {name}, 50%", 180)
    assert " ".join(lines) == f"true {name}; predicted {name}, 50%"
    assert [line.count(fonts.ISOLATE) for line in lines] == [line.count(fonts.END) for line in lines]
    assert len(lines) > 1
    assert all(text.width(line) <= 180 for line in lines)
