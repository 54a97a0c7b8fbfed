"""Keras's own layers in place of this project's, where they compute the same, so that a file needs Keras alone."""

from typing import Any

import keras

from trainer.layers import Conv1D, Conv2D, Conv3D, Dropout
from trainer.networks import custom

_CONVOLUTIONS = (Conv1D, Conv2D, Conv3D)
_PACKAGE = "trainer.layers"
_OURS = ("padding_mode", "padding_value")  # arguments that Keras's layers do not have


def with_keras_layers(model: keras.Model) -> keras.Model:
    """Returns a copy of a functional or Sequential model that answers the same; see `needs`."""
    with keras.saving.custom_object_scope(custom.objects(model)), custom.recorded():
        made = custom.complete(type(model).from_config(_changed(model.get_config())))
    # The number of steps, which our dropout counts, is a weight of it and has no meaning outside of training.
    weights = [one for layer in custom.layers(model) for one in _own(layer)]
    targets = [one for layer in custom.layers(made) for one in _own(layer)]
    for here, there in zip(targets, weights, strict=True):
        here.assign(there)
    for layer in custom.layers(made):
        if isinstance(layer, keras.layers.Normalization) and layer.weights:
            layer.finalize_state()
    return made


def needs(model: keras.Model) -> list[str]:
    """Returns the modules, sorted, that have layer classes of a model which Keras does not have."""
    names = {type(layer).__module__ for layer in custom.layers(model)}
    others = {name for name in names if name.partition(".")[0] != "keras"}
    return sorted({_PACKAGE if name.startswith(_PACKAGE) else name for name in others})


def _own(layer: Any) -> list[Any]:
    """Returns the weights of a layer without those of the layers in it."""
    if isinstance(layer, Dropout):
        return []
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def _changed(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_changed(one) for one in value)
    if not isinstance(value, dict):
        return value
    config = value.get("config")
    if isinstance(config, dict) and str(value.get("module", "")).startswith(_PACKAGE):
        name = value.get("class_name")
        if name in {kind.__name__ for kind in _CONVOLUTIONS} and _is_keras_s(str(name), config):
            return _of_keras(str(name), {key: one for key, one in config.items() if key not in _OURS}, value)
        rank = len((value.get("build_config") or {}).get("input_shape", ())) - 2
        if name == Dropout.__name__ and (rank > 0 or not config["whole_maps"]):
            own = {key: config[key] for key in ("name", "dtype", "rate", "seed")}
            return _of_keras(f"SpatialDropout{rank}D" if config["whole_maps"] else "Dropout", own, value)
    return {key: _changed(one) for key, one in value.items()}


def _is_keras_s(name: str, config: dict[str, Any]) -> bool:
    """Returns whether Keras's convolution of the same arguments computes the same."""
    paddings = ("same", "valid", "causal") if name == Conv1D.__name__ else ("same", "valid")
    one_of_both = max(config["strides"]) == 1 or max(config["dilation_rate"]) == 1
    return config["padding"] in paddings and config["padding_mode"] == "zeros" and one_of_both


def _of_keras(name: str, config: dict[str, Any], former: dict[str, Any]) -> dict[str, Any]:
    return {**former, "module": "keras.layers", "class_name": name, "registered_name": None, "config": config}
