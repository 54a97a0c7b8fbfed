"""What the test part says of the best trial of a study; of the others it is not evaluated."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer import interval
from trainer.study.screen import wording

_CARD = Path("model") / "model.json"  # of a run


def read(root: Path, trial: int) -> dict[str, Any]:
    """Returns the results of the test part from the card of a trial's model; nothing if it has none.

    Args:
      root: the folder of the trial.
      trial: its number.

    Returns:
      `trial`, `samples`, `summary`, which is for a person, and the results by name: `accuracy`, or what labels and
      numbers have, and the metric of `--metric`.
    """
    try:
        return _of_card(json.loads((root / _CARD).read_bytes()), trial)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _of_card(card: Mapping[str, Any], trial: int) -> dict[str, Any]:
    samples = int(card["samples"]["test"])
    if not samples:
        return {}
    outcome = card.get("outcome", {}).items()
    found = {name.removeprefix("test_"): float(value) for name, value in outcome if name.startswith("test_")}
    if "result" in card:
        summary = f"{card['result']['summary']} ({wording.count(samples, 'sample')})"
    else:
        found = {"accuracy": float(card["accuracy"]), **found}
        others = "".join(f", {name} {value:.4f}" for name, value in found.items() if name != "accuracy")
        summary = f"test accuracy {interval.percent(found['accuracy'], samples, 'samples')}{others}"
    return {"trial": trial, "samples": samples, **found, "summary": summary}


def line(test: Mapping[str, Any]) -> str:
    """Returns a line for a person; nothing without a result.

    Args:
      test: as `read` returns it.
    """
    if not test:
        return ""
    return f"Trial {test['trial']} on the test part, which no other trial was compared on: {test['summary']}."
