"""Suspect classes."""

from collections.abc import Sequence

from trainer.data.suspects import ranking
from trainer.objectives.suspects.doubts import Array, Doubt, Doubts, More, Targets, Words

WORDS = Words(
    heading="labels",
    problem="label",
    nothing="No {samples} have a label that is probably wrong.",
    about="The probabilities are those of a network that was not trained on the sample, and of its neighbours' labels.",
    share="wrong labels",
)


def find(targets: Targets, predictions: Array, names: Sequence[str], more: More) -> Doubts:
    """Returns the suspect classes; see `ranking`.

    Args:
      targets: class numbers, `(samples,)`.
      predictions: probabilities out of fold, `(samples, classes)`.
      names: of the classes.
      more: returns the shares of the classes among each sample's neighbours.
    """
    ranked = ranking.rank([predictions, *more()], targets)
    listed = []
    for row in map(int, ranked.order[: ranked.count]):
        shares, own = ranked.probabilities[row], int(targets[row])
        best = int(shares.argmax())
        said = [
            ("label ", names[own]),
            (f" ({shares[own]:.1%}), predicted ", names[best]),
            (f" ({shares[best]:.1%})", ""),
        ]
        listed.append(Doubt(row, names[best], said, float(shares[best]), float(shares[own])))
    return Doubts(ranked.order, listed, ranked.noise)


def given(target: Targets, names: Sequence[str]) -> str:
    """Returns the target of a sample as text: its class."""
    return names[int(target)]
