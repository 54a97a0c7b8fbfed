"""A Rich console whose lines break between words at the width of the terminal; elsewhere, a line stays one line."""

from typing import Any

from rich.console import Console

from trainer.console import flowed


def silent() -> Console:
    """Returns a console that shows nothing."""
    return Console(quiet=True, force_terminal=False)


class Screen(Console):
    """A console for lines of text, without highlighting."""

    def __init__(self, **settings: Any):
        super().__init__(highlight=False, **settings)

    def out(self, *objects: Any, **settings: Any) -> None:
        """Prints objects without markup, in lines of the terminal's width."""
        texts = [flowed(str(one), self.width) for one in objects] if self.is_terminal else objects
        super().out(*texts, **settings)
