"""The folder, the environment and the cores of each trial of a study, as Vertex AI would give them to it."""

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.study.spec import Value

_METRICS = "output.metrics"
_LOG = "log.txt"
# These would give a trial other folders, or other machines, than its own.
_OWN = ("AIP_MODEL_DIR", "AIP_CHECKPOINT_DIR", "AIP_TENSORBOARD_LOG_DIR", "TF_CONFIG", "CLUSTER_SPEC", "TPU_NAME")


def folder(study: Path, trial: int) -> Path:
    """Returns a trial's root."""
    return study / str(trial)


def log(study: Path, trial: int) -> Path:
    """Returns the file that takes a trial's output."""
    return folder(study, trial) / _LOG


def metric_file(study: Path, trial: int) -> Path:
    """Returns the file that a trial reports its metric in."""
    return folder(study, trial) / _METRICS


def environment(
    study: Path, name: str, trial: int, variables: Mapping[str, str], parallel_trials: int = 1
) -> dict[str, str]:
    """Returns a trial's environment variables.

    Args:
      study: its folder, absolute.
      name: the job's.
      trial: the trial's number.
      variables: those of this process.
      parallel_trials: how many trials share this machine.
    """
    root = folder(study, trial)
    cluster = {
        "cluster": {"workerpool0": ["127.0.0.1:2222"]},  # one machine; nobody connects to it
        "environment": "cloud",
        "task": {"type": "workerpool0", "index": 0, "trial": str(trial)},
    }
    return without_folders(variables) | {
        "AIP_MODEL_DIR": f"{root}/model/",
        "AIP_CHECKPOINT_DIR": f"{root}/checkpoints/",
        "AIP_TENSORBOARD_LOG_DIR": f"{root}/logs/",
        "CLOUD_ML_JOB_ID": name,
        "CLOUD_ML_TRIAL_ID": str(trial),
        "CLOUD_ML_HP_METRIC_FILE": str(metric_file(study, trial)),
        "CLUSTER_SPEC": json.dumps(cluster),
        "TRAINER_PRECISION_FILE": str(study / "precision.json"),  # all trials compute in what the first one chose
        "TRAINER_PARALLEL_TRIALS": str(parallel_trials),  # which share the memory of a GPU
    }


def without_folders(variables: Mapping[str, str]) -> dict[str, str]:
    """Returns environment variables without those that name the folders or the machines of another run."""
    return {name: value for name, value in variables.items() if name not in _OWN}


def container_variables(document: Mapping[str, Any]) -> dict[str, str]:
    """Returns the environment variables that a job's own file gives its containers."""
    pools = document.get("trialJobSpec", {}).get("workerPoolSpecs") or [{}]
    given = pools[0].get("containerSpec", {}).get("env", ())
    return {one["name"]: str(one.get("value", "")) for one in given}


def arguments(job: Sequence[str], parameters: Mapping[str, Value]) -> list[str]:
    """Returns a trial's flags: the job's, then its parameters, discrete numbers as floats."""
    return [*job, *(f"--{name}={value}" for name, value in parameters.items())]


def cores() -> list[int]:
    """Returns the numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def core_groups(cores: Sequence[int], count: int) -> list[tuple[int, ...]]:
    """Returns the cores of each trial: shares as equal as possible; cores are shared if there are too few.

    Args:
      cores: their numbers, at least one.
      count: how many trials run at once.
    """
    if count > len(cores):
        return [(cores[index % len(cores)],) for index in range(count)]
    bounds = [index * len(cores) // count for index in range(count + 1)]
    return [tuple(cores[begin:end]) for begin, end in itertools.pairwise(bounds)]
