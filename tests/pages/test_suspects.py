import datetime

import numpy as np

from trainer.objectives.suspects.classes import WORDS
from trainer.pages import suspects
from trainer.pages.picture import encoded
from trainer.pages.suspects import Group, Pictured, Suspects

PICTURE = encoded(np.zeros((4, 4, 3), np.uint8))


def test_names_are_escaped_and_groups_across_parts_are_marked() -> None:
    said = [("label ", "a&b"), (" (5.0%), predicted ", "cat"), (" (90.0%)", "")]
    one = Pictured("<b>.png", "train", "a&b", PICTURE, said)
    twin = Pictured("c.png", "test", "dog", PICTURE)
    found = Suspects(
        "photos", "images", 90, WORDS, 0.1, [one, one], [Group([twin, one], 0.0)], "suspects.csv", "command --drop=x"
    )
    page = suspects.html(found, datetime.datetime(2026, 1, 2))
    assert "&lt;b&gt;.png" in page and "<b>.png" not in page
    assert "exact copies; across parts: test, train; different labels" in page
    assert 'label <bdi class="short">a&amp;b</bdi> (5.0%), predicted <bdi class="short">cat</bdi> (90.0%)' in page
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")


def test_says_that_nothing_was_found() -> None:
    page = suspects.html(
        Suspects("d", "signals", 9, WORDS, 0.0, [], [], "suspects.csv", "x"), datetime.datetime(2026, 1, 2)
    )
    assert "No signals have a label that is probably wrong." in page
    assert "No two signals are almost the same." in page
