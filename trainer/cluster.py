"""The machines that train together, from `TF_CONFIG` or Vertex AI's `CLUSTER_SPEC`."""

import dataclasses
import json
from collections.abc import Collection, Mapping
from typing import Any

from trainer.errors import UsageError

# Each variable's names for the machines that train, chief first.
_TRAINING = {"TF_CONFIG": ("chief", "master", "worker"), "CLUSTER_SPEC": ("workerpool0", "workerpool1")}


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The machines of one job, and the position of this machine.

    Attributes:
      workers: every machine that trains, `host:port`, the chief first; the same list on each.
      index: this machine's position in the list.
    """

    workers: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """Whether this machine writes the logs, the checkpoints and the model."""
        return self.index == 0

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Cluster | None":
        """Returns the cluster that the environment names; None if this machine trains alone.

        `TF_CONFIG` takes precedence over `CLUSTER_SPEC`, which Vertex AI also sets for a single machine. Format:
        TensorFlow's guide "Multi-worker training", and Vertex AI's "Understand the CLUSTER_SPEC format".

        Raises:
          UsageError: the variable is malformed, or the task of this machine is not training.
        """
        name = next((name for name in _TRAINING if variables.get(name)), None)
        if name is None:
            return None
        try:
            content = json.loads(variables[name])
            machines, task = content.get("cluster") or {}, content.get("task") or {}
            pools = {pool: [_address(one, name) for one in machines.get(pool) or ()] for pool in _TRAINING[name]}
            workers = tuple(address for pool in pools.values() for address in pool)
            if "type" in task:
                _check(task["type"], pools, name)
            if len(workers) < 2:  # parameter servers and evaluators do not train
                return None
            return cls(workers, _position(task["type"], int(task["index"]), pools, name))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            if isinstance(error, UsageError):
                raise
            raise UsageError(
                f'`{name}` must be JSON with `cluster` and `task`, as in {{"cluster": {{"worker": ["host:port", …]}}, '
                f'"task": {{"type": "worker", "index": 0}}}}. Received: {variables[name]}'
            ) from None


def _check(kind: str, pools: Collection[str], name: str) -> None:
    """Checks that a task is training: a parameter server or an evaluator would train alone, into the same folder."""
    if kind not in pools:
        raise UsageError(
            f"`{name}` must contain a task of {', '.join(pools)}, because no other task trains. Received: {kind}"
        )


def _position(kind: str, index: int, pools: dict[str, list[str]], name: str) -> int:
    """Returns the position of a task among the machines of all pools."""
    if not 0 <= index < len(pools[kind]):
        raise UsageError(
            f"`{name}` must contain an index below {len(pools[kind])}, the number of {kind}. Received: {index}"
        )
    before = list(pools)[: list(pools).index(kind)]
    return sum(len(pools[pool]) for pool in before) + index


def _address(address: Any, name: str) -> str:
    host, colon, port = str(address).rpartition(":")
    if not (host and colon and port.isdecimal()):
        raise UsageError(f"`{name}` must contain each machine as host:port. Received: {address}")
    return str(address)
