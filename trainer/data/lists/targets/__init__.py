"""What a list says of each sample besides its content: one class, several labels, or numbers."""

from trainer.data.lists.targets.classes import BY_DEFAULT, Classes
from trainer.data.lists.targets.labels import Labels
from trainer.data.lists.targets.numbers import Numbers
from trainer.data.lists.targets.target import Target
from trainer.hparams import AUTO, CLASSES, LABELS, NUMBERS

__all__ = ["BY_DEFAULT", "Classes", "Labels", "Numbers", "Target", "target_of"]


def target_of(name: str) -> Target:
    """Returns how the targets of a list are read, as `--target` names it."""
    return _BY_NAME[name]


_BY_NAME: dict[str, Target] = {
    AUTO: BY_DEFAULT,
    CLASSES: Classes(is_asked=True),
    LABELS: Labels(),
    NUMBERS: Numbers(),
}
