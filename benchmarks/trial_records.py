"""What the record of a study says about its trials, and what two records of one study must agree on."""

import collections
import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Ended = Any  # what a trial measured; None if it has not ended


@dataclasses.dataclass(frozen=True)
class Recorded:
    """What the record of a study says about one trial."""

    parameters: Mapping[str, Any]
    state: str
    measured: Ended


def study_record(folder: Path) -> dict[int, Recorded]:
    """Returns the trials of a study of this package."""
    try:
        trials = json.loads((folder / "study.json").read_text())["trials"]
    except FileNotFoundError:
        return {}
    return {
        trial["id"]: Recorded(
            trial["parameters"],
            trial["state"],
            [(one["step"], one["value"]) for one in trial["measurements"]] if trial["ended"] else None,
        )
        for trial in trials
    }


def shared_record(folder: Path) -> dict[int, Recorded]:
    """Returns the trials of Optuna's journal."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    journal = folder / "journal.log"
    if not journal.exists():
        return {}
    storage = JournalStorage(JournalFileBackend(str(journal)))
    names = optuna.get_all_study_names(storage)
    if not names:
        return {}
    trials = optuna.load_study(study_name=names[0], storage=storage).trials
    states = {optuna.trial.TrialState.COMPLETE: "SUCCEEDED"}
    return {
        trial.number: Recorded(trial.params, states.get(trial.state, trial.state.name), trial.value) for trial in trials
    }


def wrong(before: Mapping[int, Recorded], now: Mapping[int, Recorded]) -> Iterator[str]:
    """Yields what a later record of a study has lost or changed, and what was suggested twice."""
    for number, trial in before.items():
        if number not in now:
            yield f"lost: trial {number}"
        elif now[number].parameters != trial.parameters:
            yield f"changed: the parameters of trial {number}"
        elif trial.measured is not None and now[number] != trial:
            yield f"changed: the result of trial {number}"
    counts = collections.Counter(json.dumps(trial.parameters, sort_keys=True) for trial in now.values())
    yield from (f"suggested {count} times: {parameters}" for parameters, count in counts.items() if count > 1)


def unfinished(trials: Mapping[int, Recorded], count: int, folder: Path) -> Iterator[str]:
    """Yields what is wrong with the record of a study that has ended."""
    if len(trials) != count:
        yield f"{len(trials)} trials, not {count}"
    yield from (f"trial {number} is {trial.state}" for number, trial in trials.items() if trial.state != "SUCCEEDED")
    folders = {int(path.name) for path in folder.iterdir() if path.name.isdecimal()}
    if folders != set(trials):
        yield f"folders {sorted(folders)}, trials {sorted(trials)}"
