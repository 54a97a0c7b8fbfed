"""Finds the arrays of samples and labels in a file by their names.

| arrays | of |
|---|---|
| `train_images`, `train_labels`, `val_images`, …, `test_labels` | MedMNIST |
| `x_train`, `y_train`, `x_test`, `y_test`, optionally `x_val`, `y_val` | Keras |
| `x` and `y`, `data` and `labels`, `images` and `labels`, `features` and `labels` | one part, to be split |
| `class_names`, `classes`, `label_names` or `target_names` | the names of the classes, where the file has them |

Capital letters make no difference.
"""

import re
from collections.abc import Sequence

from trainer.data.lists.entries import TEST, TRAIN, VALIDATION
from trainer.data.lists.parts import part_of
from trainer.errors import UsageError, one_line

_SAMPLES = {"images", "image", "x", "data", "features", "samples", "signals", "volumes", "inputs"}
_LABELS = {"labels", "label", "y", "targets", "target"}
_NAMES = {"class_names", "classes", "label_names", "target_names"}
_PARTS = (TRAIN, "", VALIDATION, TEST)  # the arrays of no part are training samples
_SHOWN = 8  # names in a message


def pairs_of(
    names: Sequence[str], location: str, for_training: bool = True
) -> tuple[dict[str, tuple[str, str]], str, list[str]]:
    """Returns the names of the samples and labels of each part, of the array of class names, and the others.

    The training part is the first. The name of the class names is empty where there are none.
    """
    found: dict[tuple[str, bool], list[str]] = {}
    classes: list[str] = []
    others: list[str] = []
    for name in names:
        role = _role(name)
        if role:
            found.setdefault(role, []).append(name)
        else:
            (classes if name.lower() in _NAMES else others).append(name)
    for (_, is_label), some in found.items():
        if len(some) > 1:
            what = "labels" if is_label else "samples"
            raise UsageError(f"{location}: must contain one array of {what} per part. Received: {' and '.join(some)}")
    if any(part for part, _ in found):
        others += [name for key in (("", False), ("", True)) for name in found.pop(key, ())]
    for part, is_label in found:
        if (part, not is_label) not in found:
            what = "samples" if is_label else "labels"
            raise UsageError(
                f"{location}: `{found[part, is_label][0]}` must have an array of {what}. Received: {listed(names)}"
            )
    pairs = {part or TRAIN: (found[part, False][0], found[part, True][0]) for part in _PARTS if (part, True) in found}
    if TRAIN not in pairs and (for_training or not pairs):
        raise UsageError(
            f"{location}: must contain training samples and their labels: train_images and train_labels, x_train and "
            f"y_train, or images and labels. Received: {listed(names) or 'none'}"
        )
    if len(classes) > 1:
        raise UsageError(f"{location}: must contain one array of class names. Received: {' and '.join(classes)}")
    return pairs, "".join(classes), others


def _role(name: str) -> tuple[str, bool] | None:
    """Returns the part that an array's name says, or nothing for one, and whether it holds labels; None for others."""
    words = re.split(r"[\W_]+", name.lower())
    roles = [word in _LABELS for word in words if word in _LABELS | _SAMPLES]
    parts = [part_of(word) for word in words if word not in _LABELS | _SAMPLES]
    if len(roles) != 1 or len(parts) > 1 or not all(parts):
        return None
    return (parts[0] or "") if parts else "", roles[0]


def listed(names: Sequence[str]) -> str:
    """Returns names in one line, for messages."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return one_line(", ".join(names[:_SHOWN])) + more
