"""Vertex AI's rules for a job's machines, beyond those of their messages: `trialJobSpec`, a CustomJobSpec."""

import re
from collections.abc import Iterator

from trainer.study.config.address_rules import addresses
from trainer.study.config.messages import Problem, shown
from trainer.study.config.study_rules import seconds
from trainer.study.config.view import View

_TASKS = ("containerSpec", "pythonPackageSpec")
_MODULE = "trainer.task"
_STRATEGIES = "STANDARD, SPOT, FLEX_START"
_SUCCESSORS = {"ON_DEMAND": "STANDARD", "LOW_COST": "SPOT", "STRATEGY_UNSPECIFIED": "STANDARD"}
_DISKS = ("pd-ssd", "pd-standard", "hyperdisk-balanced")
_MOST_POOLS = 4  # the pools of CLUSTER_SPEC: the primary, workers, parameter servers, evaluators
_MOST_VARIABLES = 100
_RESERVED = re.compile(r"AIP_\w+|CLOUD_ML_\w+|CLUSTER_SPEC|TF_CONFIG")


def check(spec: View) -> Iterator[Problem]:
    """Yields the problems of a `trialJobSpec`, except those of its containers' arguments."""
    pools = spec["workerPoolSpecs"]
    yield from pools.required("must contain at least one pool of machines")
    for index, pool in enumerate(pools):
        # "All worker pools except the first one … can be skipped by providing an empty value."
        if index == 0 or pool.value != {}:
            yield from _pool(pool, is_primary=index == 0)
    if len(list(pools)) > _MOST_POOLS:
        yield pools.problem(f"must contain at most {_MOST_POOLS} pools", received=f"{len(list(pools))} of them")
    yield from _scheduling(spec["scheduling"])
    yield from addresses(spec)
    if spec["tensorboard"].is_given:
        for needed in ("serviceAccount", "baseOutputDirectory"):
            if not spec[needed].is_given:
                yield spec["tensorboard"].problem(f"must be left out, or be used with `{needed}`, which it requires")


def tasks(spec: View) -> list[View]:
    """Returns the `containerSpec` or `pythonPackageSpec` of each pool of a `trialJobSpec`."""
    return [pool[task] for pool in spec["workerPoolSpecs"] for task in _TASKS if pool[task].is_given]


def _pool(pool: View, is_primary: bool) -> Iterator[Problem]:
    count, machine = pool["replicaCount"], pool["machineSpec"]
    if is_primary and (count.number != 1 or not count.is_given):
        yield count.problem("must be 1: the first pool is the primary machine, the second holds its workers")
    elif not is_primary and (not count.is_given or (count.number is not None and count.number < 1)):
        yield count.problem("must be a whole number of at least 1; {} as a pool skips it")
    yield from _machine(machine)
    disk = pool["diskSpec"]
    if disk["bootDiskType"].is_given and disk["bootDiskType"].value not in _DISKS:
        yield disk["bootDiskType"].problem(f"must be one of {', '.join(_DISKS)}")
    if disk["bootDiskSizeGb"].number is not None and disk["bootDiskSizeGb"].number < 1:
        yield disk["bootDiskSizeGb"].problem("must be a whole number of at least 1")
    if not any(pool[task].is_given for task in _TASKS):
        yield pool.problem(f"must have one of {', '.join(_TASKS)}")
    yield from _task(pool)


def _machine(machine: View) -> Iterator[Problem]:
    kind, accelerator, count = (machine[name] for name in ("machineType", "acceleratorType", "acceleratorCount"))
    yield from kind.required("must be given, as in n2-standard-8")
    if kind.text and not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", kind.text):
        yield kind.problem("must be a machine type, as in n2-standard-8")
    tpu = "must not be a TPU's: tuning jobs have no TPUs"
    if re.match(r"ct\d|cloud-tpu|tpu\d", kind.text):
        yield kind.problem(tpu)
    if accelerator.text.startswith("TPU"):
        yield accelerator.problem(tpu)
    if machine["tpuTopology"].is_given:
        yield machine["tpuTopology"].problem(tpu)
    has_one = accelerator.text not in ("", "ACCELERATOR_TYPE_UNSPECIFIED")
    if has_one and not count.number:
        yield count.problem(f"must be at least 1 with `acceleratorType`, {accelerator.value}")
    if count.number and not accelerator.is_given:
        yield accelerator.problem(f"must be given with `acceleratorCount`, {count.value}, as in NVIDIA_L4")
    if count.number is not None and count.number < 0:
        yield count.problem("must be a whole number of at least 0")


def _task(pool: View) -> Iterator[Problem]:
    container, package = (pool[task] for task in _TASKS)
    command = container["command"]
    words = [word.text for word in command]
    # A tuning job passes its parameters as flags to its program, and only this program defines them.
    if words and (words[1:] != ["-m", _MODULE] or not re.fullmatch(r"(?:.*/)?python[\d.]*", words[0])):
        yield command.problem(f"must be left out, or be [python, -m, {_MODULE}]; flags go to args")
    if package.is_given:
        if package["pythonModule"].value != _MODULE:
            yield package["pythonModule"].problem(f"must be {_MODULE}")
        yield from package["packageUris"].required(
            "must contain the package, as in gs://bucket/convolution_trainer-0.1.0.tar.gz"
        )
    for task in (container, package):
        yield from _variables(task["env"])


def _variables(variables: View) -> Iterator[Problem]:
    items = list(variables)
    if len(items) > _MOST_VARIABLES:
        yield variables.problem(f"must contain at most {_MOST_VARIABLES} variables", received=f"{len(items)} of them")
    seen: dict[str, View] = {}
    for item in items:
        name = item["name"]
        if not re.fullmatch(r"[A-Za-z_]\w*", name.text, re.ASCII):
            yield name.problem("must be letters, digits and _, and must not start with a digit")
        elif name.text in seen:
            yield name.problem(f"must be given once: {shown(seen[name.text].path)} is the same")
        elif _RESERVED.fullmatch(name.text):
            yield name.problem(
                "must not be a variable that the service sets: AIP_…, CLOUD_ML_…, CLUSTER_SPEC, TF_CONFIG"
            )
        seen[name.text] = name


def _scheduling(scheduling: View) -> Iterator[Problem]:
    strategy, wait = scheduling["strategy"], scheduling["maxWaitDuration"]
    if strategy.text in _SUCCESSORS:
        yield strategy.problem(f"must be one of {_STRATEGIES}; it is {_SUCCESSORS[strategy.text]} now")
    if scheduling["timeout"].text and seconds(scheduling["timeout"]) <= 0:
        yield scheduling["timeout"].problem("must be more than 0s")
    if wait.text and seconds(wait) < 0:
        yield wait.problem("must be at least 0s, which means no limit")
    if wait.is_given and strategy.value != "FLEX_START":
        yield wait.problem("must be left out: only FLEX_START has it")
    if scheduling["disableRetries"].value is True and scheduling["restartJobOnWorkerRestart"].value is True:
        yield scheduling["restartJobOnWorkerRestart"].problem("must be false if `disableRetries` is true")
