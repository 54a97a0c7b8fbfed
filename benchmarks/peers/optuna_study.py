"""A study with Optuna's defaults and a process for each trial, as a user writes it. Prints the best val_accuracy.

    python -m benchmarks.peers.optuna_study '{"parameters": […], "trials": …, "data": …, "epochs": …, "seed": …,
        "cores": […], "stops": …}'

As many trials run at the same time as there are cores, each on its own. If `stops` is true, Optuna's median pruner ends
trials.
"""

import json
import queue
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import optuna

from benchmarks.peers.command import show


def _suggest(trial: optuna.Trial, parameter: Mapping[str, Any]) -> Any:
    name, log = parameter["parameterId"], "LOG" in parameter.get("scaleType", "")
    for kind in ("discreteValueSpec", "categoricalValueSpec"):
        if kind in parameter:
            return trial.suggest_categorical(name, parameter[kind]["values"])
    if "integerValueSpec" in parameter:
        ends = parameter["integerValueSpec"]
        return trial.suggest_int(name, int(ends["minValue"]), int(ends["maxValue"]), log=log)
    ends = parameter["doubleValueSpec"]
    return trial.suggest_float(name, float(ends["minValue"]), float(ends["maxValue"]), log=log)


def main(given: Mapping[str, Any]) -> None:
    free: queue.Queue[int | None] = queue.Queue()
    for core in given["cores"]:
        free.put(core)

    def objective(trial: optuna.Trial) -> float:
        values = {parameter["parameterId"]: _suggest(trial, parameter) for parameter in given["parameters"]}
        core = free.get()
        words = {"values": values, "core": core} | {name: given[name] for name in ("data", "epochs", "seed")}
        command = [sys.executable, "-m", "benchmarks.peers.keras_trial", json.dumps(words)]
        best = 0.0
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            try:
                for epoch, line in enumerate(process.stdout, 1):
                    best = max(best, float(line))
                    trial.report(float(line), epoch)
                    if trial.should_prune():
                        process.kill()
                        raise optuna.TrialPruned
            finally:
                free.put(core)
        if process.returncode:
            raise RuntimeError(show("keras_trial", process.returncode, ""))
        return best

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=given["seed"]),
        pruner=optuna.pruners.MedianPruner() if given["stops"] else optuna.pruners.NopPruner(),
    )
    study.optimize(objective, n_trials=given["trials"], n_jobs=len(given["cores"]))
    print(max(max(trial.intermediate_values.values(), default=0.0) for trial in study.trials))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
