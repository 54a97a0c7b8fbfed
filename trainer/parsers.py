"""argparse parsers with the rules and messages of `command_line`."""

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn

from trainer import spelling
from trainer.errors import UsageError

_REQUIRED = re.compile(r"the following arguments are required: ([^,]+)")
_QUOTED = re.compile(r"'(.*?)'(?: \(choose from|$)")


class Parser(argparse.ArgumentParser):
    """A parser that raises one-line errors instead of ending the process."""

    def __init__(self, prog: str, description: str):
        super().__init__(prog=prog, description=description, allow_abbrev=False, exit_on_error=False)

    def error(self, message: str) -> NoReturn:
        """Raises a `UsageError` with the message."""
        missing = _REQUIRED.match(message)
        raise UsageError(f"`{missing[1]}` must be given. Received: nothing" if missing else message)

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Returns the parsed command line; `--max-batch` is the same as `--max_batch`.

        Raises:
          UsageError: a flag is unknown, lacks its value, or has an invalid value.
        """
        words = [_underscored(argument) for argument in arguments]
        flags = words[: words.index("--")] if "--" in words else words
        for word, typed in zip(flags, arguments, strict=False):
            if word.startswith("--") and word.partition("=")[0] not in self._option_string_actions:
                raise UsageError(self._unknown(typed))
        try:
            given, rest = self.parse_known_intermixed_args(words)
        except argparse.ArgumentError as error:
            raise UsageError(self._refusal(error)) from None
        if rest:
            raise UsageError(self._unknown(rest[0]))
        return given

    def _unknown(self, word: str) -> str:
        name, known = word.partition("=")[0], self._option_string_actions
        if name.startswith("-"):
            flags = [option.removeprefix("--") for option in known if option.startswith("--")]
            return f"`{name}` is not a flag. {spelling.advice(name, flags)}"
        example = next(flag for flag in known if flag not in ("-h", "--help"))
        return f"every argument must be a flag, as in {example}=…. Received: {name or repr(name)}"

    def _refusal(self, error: argparse.ArgumentError) -> str:
        name, received = error.argument_name or "", _QUOTED.search(error.message)
        action = self._option_string_actions.get(name.split("/")[-1])
        rule = "must have a value"
        if action and received:
            rule = f"must be one of {', '.join(map(str, action.choices))}" if action.choices else "must be a number"
        return f"`{name}` {rule}. Received: {received[1] if action and received else error.message}"


def _underscored(argument: str) -> str:
    name, equals, value = argument.partition("=")
    return "--" + name[2:].replace("-", "_") + equals + value if name.startswith("--") and name != "--" else argument
