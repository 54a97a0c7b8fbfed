"""The kinds of samples."""

from collections.abc import Mapping
from typing import Any

from trainer.data.form import Form
from trainer.data.kinds.image.kind import IMAGE
from trainer.data.kinds.kind import Kind
from trainer.data.kinds.signal.kind import SIGNAL
from trainer.data.kinds.volume.kind import VOLUME
from trainer.errors import UsageError

BY_RANK: Mapping[int, Kind[Any]] = {1: SIGNAL, 2: IMAGE, 3: VOLUME}


def kind_of(form: Form) -> Kind[Any]:
    """Returns the kind of samples of this form."""
    return BY_RANK[form.rank]


def check_flags(kind: Kind[Any], given: Mapping[str, Any]) -> None:
    """Checks that no flag of another kind is given.

    Args:
      kind: of the samples.
      given: by name, the flags that have other values than their defaults.

    Raises:
      UsageError: one is; the message names it.
    """
    for other in BY_RANK.values():
        for flag in other.flags:
            if flag in given and flag not in kind.flags:
                raise UsageError(
                    f"`--{flag}` must be used with {other.name}s. Received: {kind.name}s, and --{flag}={given[flag]}"
                )
    augment = given.get("augment", "none")
    if augment not in ("none", *kind.presets):
        raise UsageError(
            f"`--augment` must be one of auto, {', '.join(kind.presets)}, none for {kind.name}s. Received: {augment}"
        )
