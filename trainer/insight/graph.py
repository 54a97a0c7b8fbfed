"""Which layers of a model are convolutions, and where their activation is."""

import keras

_POOLINGS = (keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.MaxPooling3D)
_ACTIVATIONS = (keras.layers.Activation, keras.layers.ReLU, keras.layers.LeakyReLU)


def is_convolution(layer: keras.layers.Layer) -> bool:
    """Returns whether a layer has filters over one to three spatial axes."""
    return hasattr(layer, "kernel_size") and hasattr(layer, "filters") and hasattr(layer, "kernel")


def output_of(model: keras.Model, layer: keras.layers.Layer) -> keras.KerasTensor:
    """Returns a layer's output on the way to the model's own, which that of a copy of this way would not lead to.

    A Sequential model that was loaded from a file has been built more than once; `layer.output` is the first's.

    Raises:
      ValueError: the model's outputs do not follow from it.
    """
    ahead, seen = list(model.outputs), set()
    while ahead:
        operation, node, _ = (tensor := ahead.pop())._keras_history
        if operation is layer:
            return tensor
        if (operation, node) not in seen:
            seen.add((operation, node))
            ahead += operation._inbound_nodes[node].input_tensors
    raise ValueError(f"`layer` must lead to the outputs of the model. Received: layer={layer.name!r}")


def later_activation(model: keras.Model, layer: keras.layers.Layer) -> keras.layers.Layer | None:
    """Returns the layer that is a linear convolution's activation, next to it or behind a max pooling; else nothing."""
    if getattr(layer, "activation", keras.activations.linear) is not keras.activations.linear:
        return None
    for later in model.layers[model.layers.index(layer) + 1 :]:
        if isinstance(later, _ACTIVATIONS):
            return later
        if not isinstance(later, _POOLINGS):
            break
    return None
