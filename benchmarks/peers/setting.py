"""What one peer trains, and how; it travels as JSON in the peer's command line."""

import dataclasses
import json

SEED = 0  # of the validation part, of the first weights and of the order


@dataclasses.dataclass(frozen=True)
class Setting:
    """One peer's task.

    Attributes:
      data: any --data of trainer.task.
      arrays: the same data as the `.npz` file that `dataset` wrote.
      batch: images per step.
      filters: of the first convolution; the second has twice as many.
      precision: float32 or bfloat16, which means mixed: weights stay in float32. The engine also takes auto.
      steps_per_execution: as in Keras's `compile`; for the Keras script alone.
      compiled: whether `torch.compile` is used; for PyTorch alone.
      model: the engine's --model, of which the Keras script then trains a copy; empty for the network of the peers.
      primitives: whether the step's bare primitives are timed after each epoch; for the engine alone.
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
