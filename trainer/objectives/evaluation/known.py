"""Which outputs of a model the samples have, in words."""

from collections.abc import Container, Sequence

from trainer.errors import one_line

_SHOWN = 5  # names in a line


def listed(names: Sequence[str]) -> str:
    """Returns names, and how many more there are than are shown."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return one_line(", ".join(names[:_SHOWN])) + more


def missing(names: Sequence[str], found: Container[str], outputs: str, samples: str) -> list[str]:
    """Returns which outputs samples have; nothing if they have all.

    Args:
      names: of the model's outputs.
      found: the names in the data.
      outputs: what they are, in the plural.
      samples: what samples are, in the plural.
    """
    known = [name for name in names if name in found]
    if len(known) == len(names):
        return []
    verb = "has" if len(known) == 1 else "have"
    return [f"{len(known):,} of the model's {len(names):,} {outputs} {verb} {samples}: {listed(known)}"]
