"""Which layers of a model are convolutions, and where their activation is."""

import keras

_POOLINGS = (keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.MaxPooling3D)
_ACTIVATIONS = (keras.layers.Activation, keras.layers.ReLU, keras.layers.LeakyReLU)


def is_convolution(layer: keras.layers.Layer) -> bool:
    """Returns whether a layer has filters over one to three spatial axes."""
    return hasattr(layer, "kernel_size") and hasattr(layer, "filters") and hasattr(layer, "kernel")


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
