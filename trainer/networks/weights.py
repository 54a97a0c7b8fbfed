"""Weights for a network, from a file that Keras or keras.applications has written.

A file is compared with the network layer by layer before anything is taken from it. What follows in it after the
network's own layers is the head of another network, and is left out.
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
_DEVIATIONS = np.array((0.229, 0.224, 0.225))  # of ImageNet's red, green and blue, in values from 0 to 1


@dataclasses.dataclass(frozen=True)
class _Layer:
    """The weights of a layer in a file, or of one in the network.

    Attributes:
      name: the layer's.
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
    """Returns the network with the weights that `--weights` names, and the stages in which it learns then.

    Its head stays new where the file has none, or one for other classes; a note says so.

    Args:
      network: built.
      hparams: with `weights`; where it is `imagenet`, the network was built with them.

    Raises:
      UsageError: there is no such file, it cannot be read, or it does not fit; the message names the flag.
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
    """Gives the model the weights in a file; returns for how many classes the file's head is that does not fit.

    That is 0 where the file has no head, or the model has taken it.
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
    """Gives what h5py and Keras raise about a broken file the flag and the file's name."""
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
    """Returns the layers with weights in a file of Keras 2; nothing where it is none."""
    with h5py.File(path) as file:
        root = file.get("model_weights", file)
        layers = [_Layer(name, _arrays(root[name])) for name in _attributes(root, "layer_names")]
    return [layer for layer in layers if any(layer.shapes)]  # a count of steps has none


def _leaves(model: keras.Model) -> list[_Layer]:
    """Returns the layers with weights, also of nested models.

    A count of steps is no weight here; means and variances of data may be constants instead.
    """
    others = (Dropout, keras.layers.Normalization)
    named = ((name, layer) for name, layer in blocks.layers(model) if not isinstance(layer, others))
    return [_Layer(name, layer.weights) for name, layer in named if layer.weights]


def _copy_normalization(there: keras.Model, model: keras.Model) -> None:
    """Gives layers that are adapted to data the means and variances of those in another model."""
    for source, target in zip(_normalizations(there), _normalizations(model), strict=False):
        if target.weights:
            target.adapt_mean.assign(keras.ops.reshape(source.mean, target.adapt_mean.shape))
            target.adapt_variance.assign(keras.ops.reshape(source.variance, target.adapt_variance.shape))


def _normalizations(model: keras.Model) -> list[Any]:
    return [layer for _, layer in blocks.layers(model) if isinstance(layer, keras.layers.Normalization)]


def _legacy_layers(model: keras.Model) -> list[_Layer]:
    """Returns the model's own layers in the order of Keras 2's files: of each, first the weights that learn."""
    layers = [layer for layer in model.layers if not isinstance(layer, Dropout)]
    there = [_Layer(layer.name, [*layer.trainable_weights, *layer.non_trainable_weights]) for layer in layers]
    return [layer for layer in there if layer.weights]


def _attributes(group: Any, name: str) -> list[str]:
    """Returns a list of names of Keras 2's files, which is in several attributes where it is long."""
    parts = [name] if name in group.attrs else [f"{name}{index}" for index in range(len(group.attrs))]
    names = [one for part in parts if part in group.attrs for one in group.attrs[part]]
    return [one.decode() if isinstance(one, bytes) else str(one) for one in names]


def _arrays(group: Any) -> list[np.ndarray]:
    return [np.asarray(group[name]) for name in _attributes(group, "weight_names")]


def _assign_best(bodies: Sequence[Sequence[_Layer]], head: _Layer, there: Sequence[_Layer], hparams: HParams) -> int:
    """Gives the weights in a file to the first body that they fit; returns the classes of a head that does not.

    Args:
      bodies: what could have been saved so, without the head.
      head: takes what follows in the file, where that fits.
      there: the file's layers.
      hparams: for messages.
    """
    fitting = [_count_fitting(body, there) for body in bodies]
    for body, count in zip(bodies, fitting, strict=True):
        if count == len(body):
            _assign(body, there)
            return _assign_head(head, there[count:])
    body, count = max(zip(bodies, fitting, strict=True), key=lambda one: one[1])
    raise _misfit(body[count], there[count] if count < len(there) else _Layer("", []), hparams)


def _assign_head(head: _Layer, rest: Sequence[_Layer]) -> int:
    """Gives the head what follows the body in a file, where that fits; else returns its classes."""
    if [layer.shapes for layer in rest] == [head.shapes]:
        _assign([head], rest)
        return 0
    return next((shape[-1] for layer in reversed(rest) for shape in layer.shapes if len(shape) > 1), 0)


def _count_fitting(body: Sequence[_Layer], there: Sequence[_Layer]) -> int:
    """Returns how many of the first layers have weights of the same shapes."""
    fits = [one.shapes == other.shapes for one, other in zip(body, there, strict=False)]
    return [*fits, False].index(False)


def _assign(layers: Sequence[_Layer], there: Sequence[_Layer]) -> None:
    for layer, values in zip(layers, there, strict=False):
        for variable, value in zip(layer.weights, values.weights, strict=True):
            variable.assign(value)


def _load_keras3(path: Path, targets: Sequence[keras.Model], hparams: HParams) -> int:
    """Gives the weights in a file of Keras 3 to the first target that they fit; returns as `_load`.

    Its names contain only the class of each layer. A file of the target itself shows the names to expect.
    """
    there, found = _groups(path), []
    head = _leaves(targets[-1])[-1]
    with tempfile.TemporaryDirectory() as folder:
        own, named = Path(folder) / "own.weights.h5", Path(folder) / "there.weights.h5"
        named.symlink_to(path.resolve())  # Keras goes by the name
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
        warnings.simplefilter("ignore")  # that the head is skipped
        model.load_weights(path, skip_mismatch=True)
    for _, layer in blocks.layers(model):
        if isinstance(layer, Dropout):
            layer.step.assign(0)


def _groups(path: Path) -> dict[str, _Layer]:
    """Returns the layers in a file of Keras 3 by their paths; states of random generators and counts are left out."""
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
    """Lets the first layer divide once more by ImageNet's deviation, as published weights need.

    Keras does so in a layer of its own, which it makes only where it downloads the weights itself.

    Source: keras.applications.efficientnet, at `if weights == "imagenet"`.
    """
    for layer in _normalizations(model):
        if layer.weights:
            variance = keras.ops.convert_to_numpy(layer.adapt_variance)
            if variance.shape == _DEVIATIONS.shape and np.allclose(variance, _DEVIATIONS**2, rtol=1e-3):
                layer.adapt_variance.assign(variance * np.sqrt(variance))


def _with_fixed_normalization(model: keras.Model) -> keras.Model:
    """Returns the model with means and variances that were adapted to data as constants.

    Keras computes with a copy of these weights, which it does not renew where the weights are restored or copied.
    """
    if any(layer.weights for layer in _normalizations(model)):
        return rebuild.rebuild(model, tuple(model.inputs[0].shape[1:]), None, model.name)
    return model


def _misfit(here: _Layer, there: _Layer, hparams: HParams) -> UsageError:
    return UsageError(
        f"`--{_FLAG}` must be of the network that `--model={hparams.model}` is: its layer {here.name} has weights of "
        f"{here}, and the file has {there}. Received: {hparams.weights}"
    )
