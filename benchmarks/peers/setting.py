"""The task of one peer, which is passed to it as JSON on the command line."""

import dataclasses
import json

SEED = 0  # of the validation split, the initial weights and the order


@dataclasses.dataclass(frozen=True)
class Setting:
    """One peer's task.

    Attributes:
      data: any --data of trainer.task.
      arrays: the same data in the `.npz` file that `dataset` wrote.
      batch: images per step.
      filters: the filters of the first convolution; the second has twice as many.
      precision: float32 or bfloat16; bfloat16 is mixed precision with float32 weights. The engine also accepts auto.
      steps_per_execution: as in Keras's `compile`; only for the Keras script.
      compiled: whether to use `torch.compile`; only for PyTorch.
      model: the engine's --model, of which the Keras script trains a copy; empty for the network of all peers.
      primitives: whether to time the bare primitives of a step after each epoch; only for the engine.
    """

    data: str
    arrays: str
    batch: int = 128
    filters: int = 32
    precision: str = "float32"
    steps_per_execution: int = 1
    compiled: bool = False
    model: str = ""
    primitives: bool = False

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Setting":
        return cls(**json.loads(text))
