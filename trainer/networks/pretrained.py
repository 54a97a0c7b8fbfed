"""Pretrained networks: those of keras.applications, and models in `.keras` files."""

import inspect
import re
import warnings
from collections.abc import Callable
from typing import Any

import keras

from trainer import spelling
from trainer.data.form import Form
from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.layers import Preprocessing
from trainer.networks import classifier, head, rebuild, saved, stages
from trainer.networks.network import Network, Stage

IMAGENET = "imagenet"

# How keras.applications preprocesses values, by the prefix of a network's name; the other networks include it.
_MODES = {
    "DenseNet": "torch",
    "Inception": "tf",
    "MobileNetV3": "none",
    "MobileNet": "tf",
    "NASNet": "tf",
    "ResNet": "caffe",
    "VGG": "caffe",
    "Xception": "tf",
}
_SIZES = (32, 71, 75)  # pixels of a side, the minimum of some network of keras.applications
_FAILED = re.compile(r"URL fetch failure on (\S+): (.*)")
_RENAMED = {  # by Keras, in its cache of downloads
    "NASNet-mobile-no-top.h5": "nasnet_mobile_no_top.h5",
    "NASNet-large-no-top.h5": "nasnet_large_no_top.h5",
}


def names() -> list[str]:
    """Returns the names of the networks of keras.applications."""
    there = inspect.getmembers(keras.applications, inspect.isfunction)
    return sorted(name for name, _ in there if name[0].isupper())


def mode(name: str) -> str:
    """Returns the mode of `trainer.layers.Preprocessing` that a network of keras.applications needs."""
    if name.startswith("ResNet") and name.endswith("V2"):
        return "tf"
    return next((mode for start, mode in _MODES.items() if name.startswith(start)), "none")


def build_application(hparams: HParams, form: Form, outputs: int, policy: str = "float32") -> Network:
    """Returns a network of keras.applications with a new head; see `trainer.networks.build`.

    Raises:
      UsageError: no network has that name, it does not accept this form, or its weights cannot be downloaded.
    """
    name = hparams.model
    if name not in names():
        near = min(names(), key=lambda one: spelling.distance(name.lower(), one.lower()))
        raise UsageError(
            f"`--model` must be a name of keras.applications, such as {near}, or another network; --help lists them. "
            f"Received: {name}"
        )
    _check_form(name, form)
    weights = IMAGENET if hparams.weights == IMAGENET else None
    try:
        backbone = _application(name, form.sizes, weights, policy)
    except UsageError:
        raise
    except ValueError:
        least = _least_size(name, form)
        if not least:
            raise
        received = f"{hparams.image_size}" if hparams.image_size else f"0, the default, so {form}"
        raise UsageError(
            f"`--image_size` must be at least {least} for `--model={name}`. Received: {received}"
        ) from None
    before = Preprocessing(mode(name), form.low, form.high, name="preprocessing", dtype="float32")
    is_needed = before.mode != "none" or form != Form(form.sizes, 3)
    model = head.attach(
        hparams,
        form,
        outputs,
        backbone,
        policy=policy,
        normalizes=weights == IMAGENET,  # a file of weights may have a head, for the features as they are
        before=[before] if is_needed else [],
    )
    return Network(model, (Stage(hparams.epochs),))


def build_file(hparams: HParams, form: Form, outputs: int, policy: str = "float32") -> Network:
    """Returns the model of a `.keras` file, with a head for the data's classes; see `trainer.networks.build`.

    A classifier with the data's number of classes keeps its head; any other model gets a new one on its features.

    Raises:
      UsageError: it cannot be read, or does not accept this form; the message names the flag.
      StorageError: the bucket cannot be reached.
    """
    _check_form(hparams.model, form)
    model = saved.read(hparams.model, hparams.cache_dir, "model")
    _check_model(hparams.model, model)
    parts = classifier.split(model)
    rank = len(parts.features.outputs[0].shape)
    if rank not in (2, 4):
        raise UsageError(
            "`--model` must return maps, (batch, height, width, channels), or features, (batch, features). "
            f"Received: {hparams.model}, which returns {parts.features.outputs[0].shape}"
        )
    channels = model.inputs[0].shape[-1] or form.channels
    backbone = _fitted(hparams, form, parts.features, channels, policy)
    before = [] if channels == form.channels else [Preprocessing(name="preprocessing", dtype="float32")]
    keeps_head = parts.classes == outputs
    attached = head.attach(hparams, form, outputs, backbone, policy=policy, normalizes=not keeps_head, before=before)
    notes = []
    if keeps_head:
        attached.get_layer("logits").set_weights(parts.weights())
        notes.append(f"the head of {hparams.model} is kept: it has {outputs} classes, like the data")
    elif parts.classes:
        notes.append(f"the head for {parts.classes} classes of {hparams.model} is replaced by one for {outputs}")
    return Network(attached, stages.of(hparams, attached), tuple(notes))


def _check_form(name: str, form: Form) -> None:
    if form.rank != 2 or form.channels not in (1, 3):
        raise UsageError(
            f"`--model` must be convolutional, linear or residual for samples of {form.rank} axes and {form.channels} "
            f"channels; {name} takes images. Received: {name}"
        )


def _application(name: str, sizes: tuple[int, ...], weights: str | None, policy: str) -> keras.Model:
    make: Callable[..., keras.Model] = getattr(keras.applications, name)
    try:
        with rebuild.dtype_policy(policy), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the weights were trained at another size, as intended
            return make(include_top=False, weights=weights, input_shape=(*sizes, 3))
    except Exception as error:  # errors of Keras's download, and of files in its cache
        if found := _FAILED.search(str(error)):
            raise _no_download(*found.groups()) from None
        if weights and (not isinstance(error, ValueError) or "corrupted" in str(error)):
            raise UsageError(
                f"`--weights=imagenet` must be able to download the weights of {name}. Received: {_first_line(error)}"
            ) from None
        raise


def _no_download(url: str, reason: str) -> UsageError:
    file = url.rpartition("/")[2]
    return UsageError(
        f"`--weights=imagenet` must be able to download {url}; without network access, download it on another "
        f"machine and pass `--weights={file}`, or copy it to ~/.keras/models as {_RENAMED.get(file, file)}. "
        f"Received: {reason}"
    )


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _least_size(name: str, form: Form) -> int:
    """Returns the network's minimum size if it is larger than the form's; else 0."""
    for size in _SIZES:
        if size > min(form.sizes):
            try:
                _application(name, (size, size), None, "float32")
            except ValueError:
                continue
            return size
    return 0


def _check_model(shown: str, model: Any) -> None:
    if not rebuild.is_graph(model):
        raise UsageError(f"`--model` must be a Sequential or functional model. Received: {shown}")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise UsageError(
            f"`--model` must have one input and one output. Received: {shown}, with {len(model.inputs)} and "
            f"{len(model.outputs)}"
        )
    if len(model.inputs[0].shape) != 4:
        raise UsageError(
            "`--model` must accept images, (batch, height, width, channels). "
            f"Received: {shown}, which accepts {model.inputs[0].shape}"
        )


def _fitted(hparams: HParams, form: Form, features: keras.Model, channels: int, policy: str) -> keras.Model:
    """Returns the feature model for the form's samples; a grey channel is repeated if the model needs colour."""
    shown = hparams.model
    if channels != form.channels and (channels, form.channels) != (3, 1):
        if channels == 1:
            raise UsageError(f"`--color` must be grey for `--model={shown}`. Received: {hparams.color}")
        taken = features.inputs[0].shape
        raise UsageError(f"`--model` must accept images of 1 or 3 channels. Received: {shown}, which accepts {taken}")
    sizes = tuple(features.inputs[0].shape[1:3])
    name = head.unused(features.name)
    try:
        return rebuild.rebuild(features, (*form.sizes, channels), policy, name)
    except rebuild.MisfitError as error:
        raise _misfit(hparams, form, sizes, error) from None


def _misfit(hparams: HParams, form: Form, sizes: tuple[int | None, ...], error: Exception) -> UsageError:
    height, width = sizes
    if height is None or sizes == form.sizes:
        return UsageError(f"`--model` must fit images of {form}. Received: {hparams.model} ({error})")
    if height != width:
        return UsageError(
            f"`--model` must accept images of {form}. Received: {hparams.model}, for {height}x{width} only ({error})"
        )
    received = f"{hparams.image_size}" if hparams.image_size else f"0, the default, so {form}"
    return UsageError(
        f"`--image_size` must be {height}, as in `--image_size={height}`, for `--model={hparams.model}`. "
        f"Received: {received}"
    )
