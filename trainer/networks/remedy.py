"""Which flag a person changes, and to what, where a network cannot be built as its flags ask for."""

import bisect
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from trainer.data.form import Form
from trainer.errors import UsageError
from trainer.hparams import HParams, Value

SIZE = "size"  # stands for the flag that says the samples' sizes
NOUNS = {1: "signals", 2: "images", 3: "volumes"}  # by rank

_SIZES = {1: "length", 2: "image_size", 3: "volume_size"}  # by rank, that flag
_LARGEST = {1: 2**24, 2: 4096, 3: 1024}  # by rank, the most that it takes
_MAXIMUM_PARAMETERS = 500_000_000  # with the gradient and Adam's two moments, 8 GB in float32
_USUAL_SIZE = 96  # pixels of a side, of photographs

Test = Callable[[HParams, Form], bool]
Count = Callable[[HParams, Form], int]


@dataclasses.dataclass(frozen=True)
class Remedy:
    """One flag's value with which a network can be.

    Attributes:
      flag: without dashes.
      value: with which it can be, the nearest to what the flag has.
      received: what the flag has, for a message; it says so where that is the default, which nobody gave.
    """

    flag: str
    value: Value
    received: str


def find(hparams: HParams, form: Form, aims: Mapping[str, Value], is_possible: Test) -> Remedy | None:
    """Returns the change of one flag with which a network can be; nothing where no single one helps.

    Flags that were given come before those that have their defaults, for a message should blame what a person wrote.

    Args:
      hparams: with which it cannot be.
      form: of the samples.
      aims: by flag, or `SIZE`, in the order in which to give them up, the value with which a network is the likeliest
        to be; of `SIZE` at most what its flag takes.
      is_possible: returns whether it can be.
    """
    aims = {named(flag, form): _LARGEST[form.rank] if flag == SIZE else aim for flag, aim in aims.items()}
    for flag in sorted(aims, key=lambda flag: not is_given(hparams, flag)):
        value = next(_values(hparams, form, flag, aims[flag], is_possible), None)
        if value is not None:
            return Remedy(flag, value, _received(hparams, form, flag))
    return None


def check_parameters(parameters: int, hparams: HParams, form: Form, larger: Sequence[str], count: Count) -> None:
    """Checks that a network's weights fit in memory.

    Args:
      parameters: how many numbers they are.
      hparams: of the network.
      form: of the samples.
      larger: the flags, or `SIZE`, that give it more weights.
      count: returns how many weights a network has; none where it cannot be.

    Raises:
      UsageError: they do not; the message names the flag that makes most of them.
    """
    if parameters <= _MAXIMUM_PARAMETERS:
        return
    larger = [named(flag, form) for flag in larger]
    aims = dict.fromkeys(sorted(larger, key=lambda flag: count(*_by_default(hparams, form, flag))), 1)
    found = find(hparams, form, aims, lambda *changed: 0 < count(*changed) <= _MAXIMUM_PARAMETERS)
    if found:
        raise UsageError(
            f"`--{found.flag}` must be at most {found.value} here, for a network of at most {_MAXIMUM_PARAMETERS:,} "
            f"parameters. Received: {found.received}, for one of {parameters:,}"
        )
    flags = listed([flag for flag in larger if is_given(hparams, flag)])
    raise UsageError(f"{flags} must make at most {_MAXIMUM_PARAMETERS:,} parameters together. Received: {parameters:,}")


def listed(flags: Sequence[str]) -> str:
    """Returns flags as a message names several of them."""
    *others, last = (f"`--{flag}`" for flag in flags)
    return f"{', '.join(others)} and {last}" if others else last


def is_given(hparams: HParams, flag: str) -> bool:
    """Returns whether a flag has another value than its default."""
    return bool(getattr(hparams, flag) != getattr(HParams, flag))


def changed(hparams: HParams, form: Form, flag: str, value: Value) -> tuple[HParams, Form]:
    """Returns both with another value of a flag; the form follows from that of the samples' sizes."""
    if flag == _SIZES[form.rank]:
        form = dataclasses.replace(form, sizes=(int(value),) * form.rank)
    values: dict[str, Any] = {flag: value}
    return dataclasses.replace(hparams, **values), form


def _by_default(hparams: HParams, form: Form, flag: str) -> tuple[HParams, Form]:
    return changed(hparams, form, flag, _USUAL_SIZE if flag == _SIZES[form.rank] else getattr(HParams, flag))


def _values(hparams: HParams, form: Form, flag: str, aim: Value, is_possible: Test) -> Iterator[Value]:
    """Yields the value of a flag that is the nearest to its own and with which a network can be, if there is one."""

    def fits(value: Value) -> bool:
        return is_possible(*changed(hparams, form, flag, value))

    own: Any = max(form.sizes) if flag == _SIZES[form.rank] else getattr(hparams, flag)
    if isinstance(aim, int):
        steps: Sequence[int] = range(own - 1, aim - 1, -1) if aim < own else range(own + 1, aim + 1)
        index = bisect.bisect_left(steps, True, key=fits)
        yield from steps[index : index + 1]
    elif aim != own and fits(aim):
        yield aim


def _received(hparams: HParams, form: Form, flag: str) -> str:
    value = getattr(hparams, flag)
    if is_given(hparams, flag):
        return str(value)
    return f"{value}, the default" + (f", so {form}" if flag == _SIZES[form.rank] else "")


def named(flag: str, form: Form) -> str:
    """Returns a flag's name, which may be that of the samples' sizes."""
    return _SIZES[form.rank] if flag == SIZE else flag
