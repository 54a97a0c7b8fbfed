"""Suspect labels, of several for each sample: those that are missing and those that are too many."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from trainer.data.suspects import ranking
from trainer.objectives.suspects.doubts import Array, Doubt, Doubts, More, Targets, Words

WORDS = Words(
    heading="labels",
    problem="labels",
    nothing="No {samples} have labels that are probably wrong.",
    about="A missing label probably applies, one too many probably does not. The probabilities are those that the "
    "label applies: of a network that was not trained on the sample, and of its neighbours' labels.",
    share="wrong labels",
)


def find(targets: Targets, predictions: Array, names: Sequence[str], more: More) -> Doubts:
    """Returns the suspect labels.

    Each label of each sample is ranked by itself, as one of two classes, absent and present; all have the same weights
    of the sources and the same share of wrong ones, see `ranking`.

    Args:
      targets: 0 and 1, `(samples, labels)`.
      predictions: probabilities out of fold, `(samples, labels)`.
      names: of the labels.
      more: returns the shares of the labels among each sample's neighbours.
    """
    count = len(names)
    sources = [np.stack([1 - one, one], -1).reshape(-1, 2) for one in (predictions, *more())]
    has = targets.reshape(-1).astype(np.int64)
    ranked = ranking.rank(sources, has)
    shares = ranked.probabilities[:, 1]
    wrong: dict[int, list[int]] = defaultdict(list)  # the suspect labels of a sample, the most suspect one first
    for pair in map(int, ranked.order[: ranked.count]):
        wrong[pair // count].append(pair)
    listed = []
    for row, pairs in wrong.items():
        faults = [("too many: " if has[pair] else "missing: ", names[pair % count], shares[pair]) for pair in pairs]
        said = [("labels " if targets[row].any() else "", given(targets[row], names))]
        before = ", "
        for fault, name, share in faults:
            said.append((f"{before}{fault}", name))
            before = f" ({share:.1%}), "
        said.append((before.removesuffix(", "), ""))
        first = float(shares[pairs[0]])
        share = 1 - first if has[pairs[0]] else first
        found = "; ".join(f"{fault}{name}" for fault, name, _ in faults)
        listed.append(Doubt(row, found, said, share, 1 - share))
    order = np.argsort(ranked.margins.reshape(-1, count).min(1), kind="stable")
    return Doubts(order, listed, ranked.noise)


def given(target: Targets, names: Sequence[str]) -> str:
    """Returns the target of a sample as text: its labels."""
    return ";".join(name for name, has in zip(names, target, strict=True) if has) or "no label"
