"""argparse's parsers, by the rules and in the words of `command_line`."""

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn

from trainer import spelling
from trainer.errors import UsageError

_REQUIRED = re.compile(r"the following arguments are required: ([^,]+)")
_QUOTED = re.compile(r"'(.*)'")


class Parser(argparse.ArgumentParser):
    """A parser that refuses in one line, and does not end the process."""

    def __init__(self, prog: str, description: str):
        super().__init__(prog=prog, description=description, allow_abbrev=False, exit_on_error=False)

    def error(self, message: str) -> NoReturn:
        """Raises what makes one line of it."""
        missing = _REQUIRED.match(message)
        raise UsageError(f"`{missing[1]}` must be given. Received: nothing" if missing else message)

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Returns what a command line says; `--max-batch` is `--max_batch`.

        Raises:
          UsageError: a flag is unknown, lacks its value, or has one that it may not have.
        """
        typed = {_underscored(argument): argument for argument in arguments}
        try:
            given, rest = self.parse_known_intermixed_args([_underscored(argument) for argument in arguments])
        except argparse.ArgumentError as error:
            raise UsageError(self._refusal(error)) from None
        if rest:
            name, known = typed.get(rest[0], rest[0]).partition("=")[0], self._option_string_actions
            if not name.startswith("-"):
                example = next(flag for flag in known if flag not in ("-h", "--help"))
                raise UsageError(f"every argument must be a flag, as in {example}=…. Received: {name or repr(name)}")
            flags = [option.removeprefix("--") for option in known if option.startswith("--")]
            raise UsageError(f"`{name}` is no flag. {spelling.advice(name, flags)}")
        return given

    def _refusal(self, error: argparse.ArgumentError) -> str:
        name, received = error.argument_name or "", _QUOTED.search(error.message)
        action = self._option_string_actions.get(name.split("/")[-1])
        rule = "must have a value of its own"
        if action and received:
            rule = f"must be one of {', '.join(map(str, action.choices))}" if action.choices else "must be a number"
        return f"`{name}` {rule}. Received: {received[1] if action and received else error.message}"


def _underscored(argument: str) -> str:
    name, equals, value = argument.partition("=")
    return "--" + name[2:].replace("-", "_") + equals + value if name.startswith("--") and name != "--" else argument
