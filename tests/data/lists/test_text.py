import pytest

from trainer.data.lists import text

NFC, NFD = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("cat", "cat"),
        (NFD, NFC),
        (" cat\t\n", "cat"),
        ("sea  lion", "sea lion"),
        ("sea\u00a0lion\u3000", "sea lion"),
        ("\ufeffcat\u200b", "cat"),
        ("two\r\nlines", "two\nlines"),
        ("two\nlines", "two\nlines"),
        ("a\tb", "a\tb"),
        ("caf\udce9", r"caf\xe9"),  # a folder's name in Latin-1
        ("\udce7\udc8c\udcab", "猫"),  # UTF-8, read in a locale that is not
        ("\ud83d", r"\ud83d"),  # half of a pair, as JSON can hold
        ("👩\u200d🌾", "👩\u200d🌾"),
        ("Cat", "Cat"),
        ("\u200b ", ""),
        ("cat\u200e", "cat"),  # marks of direction, as spreadsheets and browsers leave them
        ("\u202acat\u202c", "cat"),
        ("cat\u200d", "cat"),
        ("\u2764\ufe0f", "\u2764"),
        ("نمی\u200cدانم", "نمی\u200cدانم"),
    ],
)
def test_one_form_of_what_looks_the_same(given: str, expected: str) -> None:
    assert text.normal(given) == expected
    assert text.normal(expected) == expected
    text.normal(given).encode()
