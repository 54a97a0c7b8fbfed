"""Loads the weights of a network from a file that Keras or keras.applications has written.

The layers in the file are compared with those of the network before any weight is copied. Layers in the file after
those of the network belong to another network's head and are ignored.
"""

import contextlib
import dataclasses
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from trainer.errors import UsageError
from trainer.hparams import APPLICATION, HParams, family
from trainer.layers import Dropout
from trainer.networks import blocks, rebuild, saved, stages
from trainer.networks.network import Network
from trainer.networks.pretrained import IMAGENET

_FLAG = "weights"
_DEVIATIONS = np.array((0.229, 0.224, 0.225))  # of ImageNet's red, green and blue, for values from 0 to 1


@dataclasses.dataclass(frozen=True)
class _Layer:
    """The weights of one layer, in a file or in the network.

    Attributes:
      name: the layer's name.
      weights: arrays or variables.
    """

    name: str
    weights: Sequence[Any]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return [tuple(weight.shape) for weight in self.weights]

    def __str__(self) -> str:
        return ", ".join(map(str, self.shapes)) or "no weights"


def load(network: Network, hparams: HParams) -> Network:
    """Returns the network with the weights of `--weights`, and the stages of its training.

    The head stays untrained if the file has none or one for other classes; a note says so.

    Args:
      network: the network, built.
      hparams: the hyperparameters, with `weights`; a network with `imagenet` already has its weights.

    Raises:
      UsageError: the file does not exist, cannot be read, or does not fit; the message names the flag.
      StorageError: the bucket cannot be reached.
    """
    location, model = hparams.weights, network.model
    notes: list[str] = []
    if location == IMAGENET:
        if family(hparams.model) != APPLICATION:
            raise UsageError(
                "`--weights=imagenet` must be used with a network of keras.applications, such as "
                f"`--model=MobileNetV3Small`. Received: --model={hparams.model}"
            )
    else:
        outputs = model.outputs[0].shape[-1]
        if classes := _load(model, hparams):
            notes.append(f"the head for {classes} classes of {location} is replaced by one for {outputs}")
        if hparams.model.startswith("EfficientNetB"):
            _divide_by_deviation(model)
    model = _with_fixed_normalization(model)
    return Network(model, stages.of(hparams, model), (*network.notes, *notes))


def _load(model: keras.Model, hparams: HParams) -> int:
    """Loads the weights of a file into the model; returns the number of classes of a head that does not fit.

    It is 0 if the file has no head, or if the model has loaded it.
    """
    location = hparams.weights
    if location.endswith(".keras"):
        there = saved.read(location, hparams.cache_dir, _FLAG)
        *body, head = _leaves(model)
        classes = _assign_best([body], head, _leaves(there), hparams)
        _copy_normalization(there, model)
        return classes
    path = saved.local(location, hparams.cache_dir, _FLAG)
    nested = [layer for layer in model.layers if rebuild.is_graph(layer)]
    with _named_failures(location):
        layers = _read_legacy(path)
        if not layers:
            return _load_keras3(path, [*nested, model], hparams)
    *body, head = _legacy_layers(model)
    return _assign_best([*map(_legacy_layers, nested), body], head, layers, hparams)


@contextlib.contextmanager
def _named_failures(location: str) -> Iterator[None]:
    """Adds the flag and the file name to errors of h5py and Keras about an invalid file."""
    try:
        yield
    except UsageError:
        raise
    except saved.BROKEN as error:
        reason = "no permission" if isinstance(error, PermissionError) else "not an HDF5 file, or an incomplete one"
        raise UsageError(
            f"`--{_FLAG}` must be a file of weights, as Keras saves it. Received: {location} ({reason})"
        ) from None


def _read_legacy(path: Path) -> list[_Layer]:
    """Returns the layers with weights in a Keras 2 file; an empty list for other files."""
    with h5py.File(path) as file:
        root = file.get("model_weights", file)
        layers = [_Layer(name, _arrays(root[name])) for name in _attributes(root, "layer_names")]
    return [layer for layer in layers if any(layer.shapes)]  # a step counter has no shape


def _leaves(model: keras.Model) -> list[_Layer]:
    """Returns the layers with weights, also those of nested models.

    A step counter does not count as a weight, and means and variances of data may be constants instead.
    """
    others = (Dropout, keras.layers.Normalization)
    named = ((name, layer) for name, layer in blocks.layers(model) if not isinstance(layer, others))
    return [_Layer(name, layer.weights) for name, layer in named if layer.weights]


def _copy_normalization(there: keras.Model, model: keras.Model) -> None:
    """Copies the means and variances of adapted layers from another model."""
    for source, target in zip(_normalizations(there), _normalizations(model), strict=False):
        if target.weights:
            target.adapt_mean.assign(keras.ops.reshape(source.mean, target.adapt_mean.shape))
            target.adapt_variance.assign(keras.ops.reshape(source.variance, target.adapt_variance.shape))


def _normalizations(model: keras.Model) -> list[Any]:
    return [layer for _, layer in blocks.layers(model) if isinstance(layer, keras.layers.Normalization)]


def _legacy_layers(model: keras.Model) -> list[_Layer]:
    """Returns the model's layers in the order of Keras 2's files; in each, the trainable weights come first."""
    layers = [layer for layer in model.layers if not isinstance(layer, Dropout)]
    there = [_Layer(layer.name, [*layer.trainable_weights, *layer.non_trainable_weights]) for layer in layers]
    return [layer for layer in there if layer.weights]


def _attributes(group: Any, name: str) -> list[str]:
    """Returns a list of names in a Keras 2 file; a long list is stored in several attributes."""
    parts = [name] if name in group.attrs else [f"{name}{index}" for index in range(len(group.attrs))]
    names = [one for part in parts if part in group.attrs for one in group.attrs[part]]
    return [one.decode() if isinstance(one, bytes) else str(one) for one in names]


def _arrays(group: Any) -> list[np.ndarray]:
    return [np.asarray(group[name]) for name in _attributes(group, "weight_names")]


def _assign_best(bodies: Sequence[Sequence[_Layer]], head: _Layer, there: Sequence[_Layer], hparams: HParams) -> int:
    """Copies the weights of a file to the first body that fits; returns the classes of a head that does not fit.

    Args:
      bodies: the possible structures of the file, without the head.
      head: the layer that receives the rest of the file, if it fits.
      there: the layers of the file.
      hparams: the hyperparameters, for messages.
    """
    fitting = [_count_fitting(body, there) for body in bodies]
    for body, count in zip(bodies, fitting, strict=True):
        if count == len(body):
            _assign(body, there)
            return _assign_head(head, there[count:])
    body, count = max(zip(bodies, fitting, strict=True), key=lambda one: one[1])
    raise _misfit(body[count], there[count] if count < len(there) else _Layer("", []), hparams)


def _assign_head(head: _Layer, rest: Sequence[_Layer]) -> int:
    """Copies the rest of a file to the head if it fits; otherwise returns its number of classes."""
    if [layer.shapes for layer in rest] == [head.shapes]:
        _assign([head], rest)
        return 0
    return next((shape[-1] for layer in reversed(rest) for shape in layer.shapes if len(shape) > 1), 0)


def _count_fitting(body: Sequence[_Layer], there: Sequence[_Layer]) -> int:
    """Returns the number of leading layers whose weights have the same shapes."""
    fits = [one.shapes == other.shapes for one, other in zip(body, there, strict=False)]
    return [*fits, False].index(False)


def _assign(layers: Sequence[_Layer], there: Sequence[_Layer]) -> None:
    for layer, values in zip(layers, there, strict=False):
        for variable, value in zip(layer.weights, values.weights, strict=True):
            variable.assign(value)


def _load_keras3(path: Path, targets: Sequence[keras.Model], hparams: HParams) -> int:
    """Loads the weights of a Keras 3 file into the first target that fits; returns the same as `_load`.

    The names in the file contain only the class of each layer. A file of the target itself shows the expected names.
    """
    there, found = _groups(path), []
    head = _leaves(targets[-1])[-1]
    with tempfile.TemporaryDirectory() as folder:
        own, named = Path(folder) / "own.weights.h5", Path(folder) / "there.weights.h5"
        named.symlink_to(path.resolve())  # Keras uses the file's suffix
        for target in targets:
            target.save_weights(own)
            order = [name.rpartition("/")[2] for name, _ in blocks.layers(target)]
            layers = dict(sorted(_groups(own).items(), key=lambda item: _index(order, item[1].name)))
            body = [key for key, one in layers.items() if target is not targets[-1] or one.name != head.name]
            wrong = [key for key in body if not _fits(layers[key], there.get(key))]
            if not wrong:
                _read_keras3(named, target)
                return _assign_head(head, [there[key] for key in sorted(there) if key not in body])
            found.append((len(wrong), layers[wrong[0]], there.get(wrong[0], _Layer("", []))))
    _, layer, is_there = min(found, key=lambda one: one[0])
    raise _misfit(layer, is_there, hparams)


def _fits(layer: _Layer, other: _Layer | None) -> bool:
    return other is not None and layer.shapes == other.shapes


def _read_keras3(path: Path, model: keras.Model) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the head is skipped
        model.load_weights(path, skip_mismatch=True)
    for _, layer in blocks.layers(model):
        if isinstance(layer, Dropout):
            layer.step.assign(0)


def _groups(path: Path) -> dict[str, _Layer]:
    """Returns the layers in a file of Keras 3 by path, without random generators and counters."""
    found: dict[str, _Layer] = {}

    def visit(name: str, group: Any) -> None:
        arrays = [one for one in group.values() if getattr(one, "shape", ())] if name.endswith("vars") else []
        if arrays and "seed_generator" not in name and not name.startswith("optimizer"):
            values = [np.asarray(one) for one in arrays]
            found[name] = _Layer(str(group.attrs.get("name", name.rpartition("/vars")[0])), values)

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def _index(order: Sequence[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _divide_by_deviation(model: keras.Model) -> None:
    """Makes the first layer divide by ImageNet's standard deviation a second time, as published weights need.

    Keras does this in an extra layer, which it adds only if it downloads the weights itself.

    Source: keras.applications.efficientnet, under `if weights == "imagenet"`.
    """
    for layer in _normalizations(model):
        if layer.weights:
            variance = keras.ops.convert_to_numpy(layer.adapt_variance)
            if variance.shape == _DEVIATIONS.shape and np.allclose(variance, _DEVIATIONS**2, rtol=1e-3):
                layer.adapt_variance.assign(variance * np.sqrt(variance))


def _with_fixed_normalization(model: keras.Model) -> keras.Model:
    """Returns the model with the means and variances that were adapted to data as constants.

    Keras computes with a copy of these weights, which it does not update when they are restored or copied.
    """
    if any(layer.weights for layer in _normalizations(model)):
        return rebuild.rebuild(model, tuple(model.inputs[0].shape[1:]), None, model.name)
    return model


def _misfit(here: _Layer, there: _Layer, hparams: HParams) -> UsageError:
    return UsageError(
        f"`--{_FLAG}` must be a file for the network of `--model={hparams.model}`: its layer {here.name} has weights "
        f"of {here}, and the file has {there}. Received: {hparams.weights}"
    )
