"""Whether XLA compiles the steps of a training."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from trainer.training import pooling

XLA, NONE = "xla", "none"
_LONGEST = 200  # characters of a reason


@dataclasses.dataclass(frozen=True)
class Compilation:
    """How steps are compiled.

    Attributes:
      name: xla or none.
      reason: why, for a person.
      is_refused: whether XLA was to compile the network, and cannot.
    """

    name: str
    reason: str
    is_refused: bool = False

    @property
    def is_xla(self) -> bool:
        """Whether XLA compiles the steps."""
        return self.name == XLA


def wanted(asked: str, has_gpu: bool, is_alone: bool) -> Compilation:
    """Returns what `--compile` comes to, whatever the network.

    Args:
      asked: auto, xla or none.
      has_gpu: whether a GPU trains.
      is_alone: whether one device trains, without a strategy for several. Their exchange is no part of a program.
    """
    if asked == NONE:
        return Compilation(NONE, "asked for")
    if not is_alone:
        return Compilation(NONE, "several devices may share each batch", is_refused=asked == XLA)
    if asked == XLA:
        return Compilation(XLA, "asked for")
    return Compilation(XLA, "a GPU") if has_gpu else Compilation(NONE, "a CPU, whose own kernels are faster")


def for_network(chosen: Compilation, model: keras.Model, batch: Sequence[int]) -> Compilation:
    """Returns whether XLA works here, and compiles a network's forward pass and its gradients; these are not computed.

    Args:
      chosen: what `--compile` comes to.
      model: from samples to outputs.
      batch: the shape of a batch of samples.
    """
    if not chosen.is_xla:
        return chosen
    try:
        _work()
        _convert(model, batch)
    except Exception as error:  # TensorFlow raises many kinds, and a user's layer any
        return Compilation(NONE, _why(error), is_refused=True)
    return chosen


def notes(chosen: Compilation, model: keras.Model) -> list[str]:
    """Returns a line on layers that XLA gives other random numbers, for a person; none where there are none."""
    layers = model._flatten_layers(include_self=False, recursive=True) if chosen.is_xla else []
    kinds = sorted({type(layer).__name__ for layer in layers if hasattr(layer, "seed_generator")})
    if not kinds:
        return []
    return [
        f"{', '.join(kinds)} of Keras: XLA draws other random numbers than a run without it, so the weights differ "
        "by more than rounding; trainer.layers.Dropout draws the same"
    ]


def _work() -> None:
    """Compiles and runs a small program: a GPU needs CUDA's own compiler for it, which not each installation has."""
    tf.function(lambda values: tf.nn.relu(tf.matmul(values, values)), jit_compile=True)(tf.ones((8, 8)))


def _convert(model: keras.Model, batch: Sequence[int]) -> None:
    """Converts a network to XLA's own language, which says all that XLA has no kernel for."""

    def step(samples: tf.Tensor) -> Any:
        with tf.GradientTape() as tape, pooling.compiled(model):
            total = tf.reduce_sum(tf.cast(model(samples, training=True), tf.float32))
        found = tape.gradient(total, model.trainable_variables)
        return total, [one for one in found if one is not None]

    program = tf.function(step, jit_compile=True, autograph=False)
    program.experimental_get_compiler_ir(tf.TensorSpec(tuple(batch), tf.float32))(stage="hlo")


def _why(error: Exception) -> str:
    """Returns what XLA cannot compile, in one line."""
    text = str(error)
    found = re.search(r"unsupported operations.* on XLA_\w+: (\w+)", text)
    if found:
        return f"XLA has no kernel for {found[1]}, which the network has"
    line = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return f"XLA cannot compile the network: {line[:_LONGEST]}"
