"""Which layers and operations depend on one position of their input, and which on all."""

from typing import Any

import keras

from trainer import layers
from trainer.insight.graph import ACTIVATION_OPERATIONS

COLLAPSING = (
    keras.layers.Flatten,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalAveragePooling3D,
    keras.layers.GlobalMaxPooling1D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.GlobalMaxPooling3D,
    keras.layers.GroupNormalization,  # by the mean and spread over all positions
)
# Where an output position depends on one position of each input, when the network classifies.
POINTWISE = (
    layers.Dropout,
    layers.Preprocessing,
    keras.layers.Activation,
    keras.layers.ActivityRegularization,
    keras.layers.Add,
    keras.layers.AlphaDropout,
    keras.layers.Average,
    keras.layers.BatchNormalization,
    keras.layers.Concatenate,
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.Cropping3D,
    keras.layers.Dense,
    keras.layers.Dropout,
    keras.layers.ELU,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.LayerNormalization,
    keras.layers.LeakyReLU,
    keras.layers.Maximum,
    keras.layers.Minimum,
    keras.layers.Multiply,
    keras.layers.Normalization,
    keras.layers.PReLU,
    keras.layers.RandomBrightness,
    keras.layers.RandomContrast,
    keras.layers.RandomFlip,
    keras.layers.RandomRotation,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
    keras.layers.RMSNormalization,
    keras.layers.ReLU,
    keras.layers.Rescaling,
    keras.layers.Softmax,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.Subtract,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
    keras.layers.ZeroPadding3D,
)
PADDINGS = (keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D, keras.layers.ZeroPadding3D)
CROPPINGS = (keras.layers.Cropping1D, keras.layers.Cropping2D, keras.layers.Cropping3D)
# Of keras.applications, whose classes Keras does not make public.
_POINTWISE_LAYERS = frozenset(("CustomScaleLayer", "LayerScale", "StochasticDepth"))
# Operations on symbolic tensors, as in `x + y`; Keras makes their classes public by name only.
_POINTWISE_OPERATIONS = ACTIVATION_OPERATIONS | frozenset(
    (
        "Abs",
        "Absolute",
        "Add",
        "Cast",
        "Clip",
        "Divide",
        "Exp",
        "Log",
        "Maximum",
        "Minimum",
        "Multiply",
        "Negative",
        "Pad",
        "Power",
        "Reciprocal",
        "Rsqrt",
        "Sqrt",
        "Square",
        "Subtract",
        "TrueDivide",
    )
)
_REDUCTIONS = frozenset(("Amax", "Max", "Mean", "Sum"))


def is_pointwise(layer: Any) -> bool:
    """Returns whether a layer of keras.applications scales each value by itself."""
    return isinstance(layer, keras.layers.Layer) and type(layer).__name__ in _POINTWISE_LAYERS


def is_pointwise_operation(operation: Any) -> bool:
    """Returns whether an operation on symbolic tensors, which is no layer, computes each value by itself."""
    return not isinstance(operation, keras.layers.Layer) and type(operation).__name__ in _POINTWISE_OPERATIONS


def is_mean(layer: Any, axes: int, channels_first: bool) -> bool:
    """Returns whether an operation, as `keras.ops.mean`, takes all positions together."""
    if type(layer).__name__ not in _REDUCTIONS:
        return False
    axis = getattr(layer, "axis", None)
    over = {axis} if isinstance(axis, int) else set(axis or ())
    positions = set(range(2, axes + 1)) if channels_first else set(range(1, axes))
    return bool(positions) and {one % (axes + 1) for one in over} == positions
