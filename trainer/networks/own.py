"""Builds and checks the network that a user's function returns; errors appear before the training."""

import contextlib
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer import own_flags, own_function
from trainer.data.form import Form
from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.networks import custom
from trainer.networks.network import Network, Stage

_SAMPLES = 4  # samples of noise on which a network is tested
_NEAR = 1e-3  # tolerance of equal outputs, and of a sum from 1
_PROBABILITIES = ("softmax", "sigmoid", "hard_sigmoid")
_OVERRIDDEN = ("train_step", "test_step", "compute_loss", "fit")  # methods that the training loop replaces
_OPERATIONS = ("Softmax", "Sigmoid", "HardSigmoid")  # operations of `keras.ops`, and the layer with the first name
# Layers that may follow a softmax without changing its values.
_PLAIN = (keras.layers.Reshape, keras.layers.Flatten, keras.layers.Identity, keras.layers.Dropout)


class _Refusal(Exception):  # noqa: N818 - it is turned into an error that names the function
    """A rule that the network breaks, and the received value."""

    def __init__(self, rule: str, received: str):
        super().__init__(rule)
        self.rule, self.received = rule, received


def build(hparams: HParams, form: Form, outputs: int, policy: str = "float32") -> Network:
    """Returns the network that the function of `--model` creates, with one stage.

    Args:
      hparams: the hyperparameters, with the arguments of the function; see `trainer.own_flags`.
      form: the form of a sample; its shape is passed to the function.
      outputs: the number of units of the last layer, which is passed to the function as the number of classes.
      policy: the name of Keras's dtype policy while the function runs.

    Raises:
      UsageError: the function raises an error, or the result cannot be trained, saved and loaded; the message names the
        function and the layer.
    """
    function = own_function.load(hparams.model)
    with _session(policy, hparams.seed), custom.recorded():
        try:
            made = own_flags.call(hparams, form.shape, outputs)
        except (Exception, SystemExit) as error:  # a user's function may raise anything
            raise UsageError(
                f"`--model={hparams.model}` must return a network for {_given(hparams, form, outputs)}. "
                f"Received: {function.where(error)}"
            ) from None
        try:
            model = _checked(made, form, outputs)
        except _Refusal as found:
            raise UsageError(
                f"`--model={hparams.model}` must return {found.rule}. Received: {found.received}"
            ) from None
        except (Exception, SystemExit) as error:
            raise UsageError(
                f"`--model={hparams.model}` must return a network that takes samples of {form.shape}. "
                f"Received: {function.where(error)}"
            ) from None
    return Network(model, (Stage(hparams.epochs, trainable=_trainable(model)),), tuple(_notes(model)))


def _given(hparams: HParams, form: Form, outputs: int) -> str:
    own = [one.name for one in own_flags.fields_of(hparams)]
    return ", ".join([f"input_shape={form.shape}", f"classes={outputs}", *(f"{n}={getattr(hparams, n)}" for n in own)])


@contextlib.contextmanager
def _session(policy: str, seed: int) -> Iterator[None]:
    """Sets a dtype policy for a function, and restores all Keras settings and random generators afterwards."""
    former = keras.config.dtype_policy()
    floatx, epsilon, order = keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format()
    is_eager = tf.config.functions_run_eagerly()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_epsilon(epsilon)
        keras.config.set_image_data_format(order)
        keras.config.set_dtype_policy(former)
        tf.config.run_functions_eagerly(is_eager)
        keras.utils.set_random_seed(seed)


def _checked(made: Any, form: Form, outputs: int) -> keras.Model:
    """Returns a Sequential or functional model with the shapes of the data from the function's result.

    Raises:
      _Refusal: the function returned something else.
    """
    if not isinstance(made, keras.Model):
        raise _Refusal(
            "a Keras model", "None" if made is None else f"{type(made).__module__}.{type(made).__qualname__}"
        )
    if made.compiled:
        raise _Refusal("a model that is not compiled: loss and optimizer are the run's", f"{made.name}, compiled")
    for name in _OVERRIDDEN:
        if getattr(type(made), name) is not getattr(keras.Model, name):
            raise _Refusal("a model without its own training loop", f"{type(made).__qualname__}, with its own {name}")
    _check_layers(made)
    model = custom.complete(_graph(made, form))
    _check_outputs(model, outputs)
    _check_is_logits(model)
    if not model.trainable_variables:
        raise _Refusal("a network with trainable weights", f"{made.name}, which has none")
    _check_saved(model, form)
    return model


def _check_layers(model: keras.Model) -> None:
    for layer in custom.layers(model):
        if isinstance(layer, keras.layers.Lambda):
            raise _Refusal(
                "a network without Lambda, whose code cannot be saved safely: use a layer class, or a "
                "function of keras.ops",
                f"{layer.name}, a Lambda",
            )
        if isinstance(layer, keras.Model) and layer.compiled:
            raise _Refusal("a network that contains no compiled model", f"{layer.name}, compiled")


def _graph(made: keras.Model, form: Form) -> keras.Model:
    """Returns a model as a Sequential or functional model whose input has the shape of a sample."""
    if isinstance(made, keras.Sequential) and not made.built:
        made.build((None, *form.shape))
    is_kerass = type(made).call.__module__.partition(".")[0] == "keras"
    if not (is_kerass and hasattr(made, "outputs")):  # a class with its own `call`
        return _wrapped(made, form)
    if len(made.inputs) != 1:
        raise _Refusal("a model with one input", ", ".join(f"{one.name} {_shape(one)}" for one in made.inputs))
    if len(made.outputs) != 1:
        raise _Refusal("a model with one output", ", ".join(f"{one.name} {_shape(one)}" for one in made.outputs))
    (taken,), wanted = made.inputs, (None, *form.shape)
    fits = len(taken.shape) == len(wanted) and all(a in (None, b) for a, b in zip(taken.shape, wanted, strict=True))
    if not fits:
        raise _Refusal(f"a model whose input is {_text(wanted)}, as in input_shape", _shape(taken))
    if not keras.backend.is_float_dtype(taken.dtype):
        raise _Refusal("a model whose input is of floating-point numbers", f"{taken.name}, {taken.dtype}")
    if tuple(taken.shape) != wanted:  # undefined sizes
        return _wrapped(made, form)
    is_plain = isinstance(made, keras.Sequential) or all(
        isinstance(one, keras.KerasTensor) for one in (made.input, made.output)
    )
    if is_plain and type(made).__module__.partition(".")[0] == "keras":
        return made
    # For a subclass of a functional model, or an input in a list, the graph is trained and saved.
    return keras.Model(taken, made.outputs[0], name=made.name)


def _wrapped(made: keras.Model, form: Form) -> keras.Model:
    """Returns a functional model whose only layer is the given model."""
    inputs = keras.Input(form.shape, name="image")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Keras's warning about a failed call; the error says more
        outputs = made(inputs)
    if not isinstance(outputs, keras.KerasTensor):
        count = len(outputs) if isinstance(outputs, list | tuple | dict) else 0
        raise _Refusal("a model with one output", f"{made.name}, which returns {count or type(outputs).__name__}")
    return keras.Model(inputs, outputs, name=f"{made.name}_on_samples")


def _check_outputs(model: keras.Model, outputs: int) -> None:
    (given,) = model.outputs
    if tuple(given.shape) != (None, outputs):
        raise _Refusal(f"a model with outputs of {_text((None, outputs))}, one logit for each class", _shape(given))


def _check_is_logits(model: keras.Model) -> None:
    """Checks that the last layer returns logits, because the loss applies the softmax itself."""
    layer = _last(model)
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    if name in _PROBABILITIES or type(layer).__name__ in _OPERATIONS:
        kind = name if name in _PROBABILITIES else type(layer).__name__.lower()
        raise _Refusal("logits, before any softmax or sigmoid", f"{layer.name}, which ends with a {kind}")
    noise = np.random.default_rng(0).uniform(0, 255, (_SAMPLES, *model.input_shape[1:])).astype("float32")
    given = _answers(model, noise)
    if given.min() >= 0 and np.allclose(given.sum(axis=1), 1, atol=_NEAR):
        raise _Refusal("logits, before any softmax", f"{layer.name}, whose outputs are probabilities: they sum to 1")


def _last(model: Any) -> Any:
    """Returns the layer or operation that computes a model's output, also in nested models."""
    tensor = model.outputs[0]
    while True:
        history = tensor._keras_history
        layer = history.operation
        if getattr(layer, "outputs", None) and isinstance(layer, keras.Model):
            tensor = layer.outputs[history.tensor_index]
        elif isinstance(layer, _PLAIN) or getattr(getattr(layer, "activation", None), "__name__", "") == "linear":
            if not isinstance(layer, (*_PLAIN, keras.layers.Activation)):
                return layer
            tensor = layer._inbound_nodes[history.node_index].input_tensors[0]
        else:
            return layer


def _answers(model: keras.Model, samples: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(model(samples, training=False), "float32")))


def _check_saved(model: keras.Model, form: Form) -> None:
    """Saves and loads the network, and compares the outputs of both."""
    noise = np.random.default_rng(0).uniform(form.low, form.high, (_SAMPLES, *form.shape)).astype("float32")
    known = custom.objects(model)
    for one in known.values():
        if "<locals>" in one.__qualname__ or "<lambda>" in one.__qualname__:
            raise _Refusal(
                "layers that can be saved and loaded: of classes and functions at the top of a module",
                f"{one.__qualname__}, which is inside a function",
            )
    with tempfile.TemporaryDirectory(prefix="trainer-own-") as folder:
        path = Path(folder, "model.keras")
        try:
            model.save(path)
            loaded = keras.models.load_model(path, custom_objects=known, compile=False, safe_mode=True)
        except Exception as error:
            raise _unsaved(model, known, error) from None
    pairs = [*zip(custom.layers(model), custom.layers(loaded), strict=False)][::-1]  # nested layers first
    differing = [one for one, other in pairs if not _have_equal_weights(one, other)]
    if not differing and not np.allclose(_answers(model, noise), _answers(loaded, noise), rtol=_NEAR, atol=_NEAR):
        differing = [*(one for one, other in pairs if _plain_values(one) != _plain_values(other)), model]
    if differing:
        raise _Refusal(
            "a network that is unchanged after it is saved and loaded",
            f"{differing[0].name}, of {type(differing[0]).__qualname__}, whose copy differs: "
            "does get_config return every argument?",
        )


def _have_equal_weights(one: Any, other: Any) -> bool:
    theirs, ours = other.get_weights(), one.get_weights()
    return len(theirs) == len(ours) and all(map(np.array_equal, theirs, ours))


def _plain_values(layer: Any) -> dict[str, Any]:
    """Returns the attributes of a user-defined layer that are numbers and texts."""
    if type(layer).__module__.partition(".")[0] in ("keras", "trainer"):
        return {}
    return {name: value for name, value in vars(layer).items() if isinstance(value, int | float | str)}


def _unsaved(model: keras.Model, known: dict[str, Any], error: Exception) -> _Refusal:
    """Returns the problem of a network that cannot be loaded, with the first layer that causes it."""
    rule = "layers that can be saved and loaded"
    for layer in reversed([*custom.layers(model)]):  # nested layers first
        try:
            config = keras.saving.serialize_keras_object(layer)
            keras.saving.deserialize_keras_object(config, custom_objects=known, safe_mode=True)
        except Exception as found:
            return _Refusal(rule, f"{layer.name}, of {type(layer).__qualname__} ({_said(found)})")
    return _Refusal(rule, f"{model.name} ({_said(error)})")


def _said(error: Exception) -> str:
    text = " ".join(str(error).split("\n\n")[0].split())
    return f"{type(error).__name__}: {text[:200]}{'…' if len(text) > 200 else ''}"


def _trainable(model: keras.Model) -> list[str] | None:
    """Returns the trainable layers if the function has frozen others, else None; see `Stage`."""
    every = [*_with_weights(model, "")]
    return None if all(layer.trainable for _, layer in every) else [name for name, layer in every if layer.trainable]


def _with_weights(model: keras.Model, prefix: str) -> Iterator[tuple[str, Any]]:
    for layer in model.layers:
        if isinstance(layer, keras.Model) and getattr(layer, "outputs", None):
            yield from _with_weights(layer, f"{prefix}{layer.name}/")
        elif layer.weights:
            yield prefix + layer.name, layer


def _notes(model: keras.Model) -> Iterator[str]:
    names = sorted({f"{one.__module__}.{one.__qualname__}" for one in custom.unregistered(model)})
    if names:
        yield (
            f"{', '.join(names)}: with @keras.saving.register_keras_serializable() above, "
            "keras.models.load_model reads model.keras without custom_objects"
        )


def _shape(tensor: Any) -> str:
    return _text(tuple(tensor.shape))


def _text(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('batch' if n == 0 and one is None else str(one) for n, one in enumerate(shape))})"
