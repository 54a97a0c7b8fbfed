"""Checks that a job's devices can share its batches. A run checks that too, but on machines that are paid for."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainer import command_line
from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.study.vertex.job import CUSTOM
from trainer.study.vertex.request import Request

_NAME = "batch_size"
_READ = (_NAME, "strategy")
_TRAINING = 2  # pools: the primary machine and its workers; those behind them share no batch


def problems(request: Request) -> Iterator[str]:
    """Yields a problem if a batch does not divide by the devices that share it."""
    pools: list[Any] = [*request.spec.get("workerPoolSpecs", ())][:_TRAINING]
    words = pools[0].get("containerSpec", {}).get("args", ()) if pools else ()
    # Of those that matter here alone: others may be a user's own network's.
    some = [argument for argument in command_line.split(words, command_line.run_flags()) if argument.name in _READ]
    try:
        given = command_line.parsed(some, dataclasses.fields(HParams))
        if request.kind is CUSTOM:
            command_line.read(words)  # all together; what a study's trials are given was checked with its parameters
    except UsageError as error:
        yield str(error)
        return
    devices = sum(map(_devices, pools))
    sizes = [*_tuned(request.body.get("studySpec", {}).get("parameters", ()))]
    sizes = sizes or [int(given.get(_NAME, 0))]
    unfit = [size for size in sizes if given.get("strategy") != "single" and size % max(devices, 1)]
    if unfit:
        rule = f"must be a multiple of the {devices} devices that share a batch"
        yield f"`--{_NAME}` {rule}. Received: {', '.join(map(str, unfit))}"


def _devices(pool: Mapping[str, Any]) -> int:
    machine = pool.get("machineSpec", {})
    # The type of a TPU does not say how many devices it has.
    has_gpus = str(machine.get("acceleratorType", "")).startswith("NVIDIA")
    return int(pool.get("replicaCount", 1)) * (int(machine.get("acceleratorCount", 1)) if has_gpus else 1)


def _tuned(parameters: Sequence[Mapping[str, Any]]) -> Iterator[int]:
    """Yields the batch sizes that a study may suggest: the listed ones, or the first few of a range."""
    for parameter in parameters:
        if parameter.get("parameterId") == _NAME:
            yield from (int(value) for value in parameter.get("discreteValueSpec", {}).get("values", ()))
            span = parameter.get("integerValueSpec", {})
            first, last = int(span.get("minValue", 1)), int(span.get("maxValue", 0))
            yield from range(first, min(last, first + 1) + 1)
        yield from _tuned([child["parameterSpec"] for child in parameter.get("conditionalParameterSpecs", ())])
