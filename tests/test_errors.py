import pytest

from trainer.errors import StorageError, UsageError

ODD = {
    "a\nb": "a\\nb",
    "a\r\n": "a\\r\\n",
    "\x1b[31m": "\\x1b[31m",
    "\t": "\\t",
    "\ud800": "\\ud800",
    "\u2028": "\\u2028",
    "\x85": "\\x85",
    "caf\udce9": "caf\\udce9",
}


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("error", [UsageError, StorageError])
def test_a_message_is_one_line_whatever_it_repeats(error: type[Exception], text: str) -> None:
    assert str(error(f"must be so. Received: {text}")) == f"must be so. Received: {ODD[text]}"


@pytest.mark.parametrize("text", ["café", "cafe\u0301", "日本", "C:\\new", ""])
def test_text_that_can_be_printed_stays(text: str) -> None:
    assert str(UsageError(text)) == text


def test_each_mistake_has_a_line() -> None:
    assert str(UsageError("one\n", "two")) == "one\\n\ntwo"
    assert str(UsageError(*[str(UsageError("a\tb"))])) == "a\\tb"
