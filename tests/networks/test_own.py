"""The network that a user's function returns: what is refused, and what of the others is trained."""

import random
from pathlib import Path

import keras
import numpy as np
import pytest

from trainer import own_flags
from trainer.data.form import Form
from trainer.errors import UsageError
from trainer.networks import Network, build, custom

EXAMPLES = "tests.networks.own_examples"
FORM = Form((8, 9), 1)
READY = ("branches", "nested", "normalised", "separable", "depthwise", "dilated", "attention", "subclassed")


def _build(model: str, form: Form = FORM, policy: str = "float32") -> Network:
    return build(own_flags.hparams_of(model)(model=model, epochs=3), form, np.int64(10), policy)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "raises",
            r"a network for input_shape=\(8, 9, 1\), classes=10, parts=0. .*les.py, line \d+: ZeroDivisionE",
        ),
        (
            "raises_in_keras",
            r"a network for .* Received: tests/networks/own_examples.py, line \d+: ValueError: C",
        ),
        ("exits", r"a network for .* Received: tests/networks/own_examples.py, line \d+: SystemExit: 3"),
        ("nothing", "a Keras model. Received: None"),
        ("layer", r"a Keras model. Received: keras\..*\.Dense"),
        ("compiled", "a model that is not compiled: .* Received: sequential"),
        ("softmax", "logits, .* Received: head, which ends with a softmax"),
        ("nested_softmax", "logits, .* Received: probabilities, which ends with a softmax"),
        ("softmax_operation", "logits, .* Received: softmax.*, which ends with a softmax"),
        ("softmax_by_hand", "logits, .* Received: .*, whose outputs are probabilities: they sum to 1"),
        ("sigmoid", "logits, .* Received: squash, which ends with a sigmoid"),
        ("one_more", r"a model with outputs of \(batch, 10\), one logit for each class. Received: \(batch, 11\)"),
        ("map_of_classes", r"a model with outputs of \(batch, 10\), .* Received: \(batch, 8, 9, 10\)"),
        ("two_inputs", r"a model with one input. Received: one \(batch, 8, 9, 1\), other \(batch, 8, 9, 1\)"),
        ("two_outputs", r"a model with one output. Received: .* \(batch, 10\), .* \(batch, 3\)"),
        ("another_size", r"a model whose input is \(batch, 8, 9, 1\), .* Received: \(batch, 32, 32, 3\)"),
        ("whole_numbers", "a model whose input is of floating-point numbers. Received: .*, uint8"),
        ("fixed_batch", r"a model whose input is \(batch, 8, 9, 1\), .* Received: \(8, 8, 9, 1\)"),
        ("frozen", "a network with trainable weights. Received: sequential"),
        ("with_lambda", "a network without Lambda, .* Received: twice, a Lambda"),
        ("forgetful", "a network that is unchanged after it is saved and loaded. Received: forgetful, of Forgetful"),
        ("unsaved", "a network that is unchanged after it is saved and loaded. Received: unsaved, of Unsaved"),
        ("inner_lambda", "layers that can be saved and loaded: .* Received: inner_lambda.<locals>.<lambda>, which"),
        ("inner_class", "layers that can be saved and loaded: .* Received: inner_class.<locals>.Inside, which"),
        ("without_config", "layers that can be saved and loaded. Received: without_config, of WithoutConfig "),
        (
            "mistaken",
            r"a network that .*les.py, line \d+: AttributeError: 'Mistaken' object has no .* 'missing'$",
        ),
        ("stepping", "a model without its own training loop. Received: Stepping, with its own train_step"),
    ],
)
def test_rejects_a_network_before_it_trains(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    with pytest.raises(UsageError, match=f"^`--model={EXAMPLES}:{name}` must return {message}") as error:
        _build(f"{EXAMPLES}:{name}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        *("unbuilt", "any_size", "listed", "named_input", "unregistered", "changes_settings"),
        *("graph_class", "plain_class", "plain_class_within"),
    ],
)
def test_what_is_trained_takes_samples_alone(name: str) -> None:
    new = keras.Model.__new__
    model = _build(f"{EXAMPLES}:{name}").model
    assert type(model).__module__.startswith("keras.")
    assert (model.input_shape, model.output_shape) == ((None, 8, 9, 1), (None, 10))
    assert model(np.zeros((2, 8, 9, 1), "float32")).shape == (2, 10)
    assert keras.Model.__new__ is new


@pytest.mark.parametrize("name", READY)
@pytest.mark.parametrize("form", [FORM, Form((40, 33), 3)])
def test_the_examples_break_no_rule(name: str, form: Form) -> None:
    network = _build(f"benchmarks.own_networks:{name}", form, "mixed_bfloat16")
    assert network.model.output_shape == (None, 10)
    assert [stage.trainable for stage in network.stages] == [None]
    assert not network.notes


def test_what_a_function_has_frozen_stays_so() -> None:
    (stage,) = _build(f"{EXAMPLES}:partly_frozen").stages
    assert stage.trainable == ["backbone/next", "head"]


def test_says_what_a_reader_of_the_saved_model_needs(tmp_path: Path) -> None:
    network = _build(f"{EXAMPLES}:unregistered")
    (note,) = network.notes
    assert note.startswith(f"{EXAMPLES}.Scale, {EXAMPLES}.twice: with @keras.saving.register_keras_serializable()")
    network.model.save(tmp_path / "model.keras")
    with pytest.raises(TypeError):
        keras.models.load_model(tmp_path / "model.keras")
    keras.models.load_model(tmp_path / "model.keras", custom_objects=custom.objects(network.model))


def test_what_a_function_sets_does_not_outlast_it() -> None:
    def settings() -> tuple[object, ...]:
        config = keras.config
        return config.dtype_policy().name, config.floatx(), config.epsilon(), config.image_data_format()

    before = settings()
    drawn = []
    for name in ("unbuilt", "changes_settings"):
        _build(f"{EXAMPLES}:{name}")
        drawn.append((random.random(), np.random.random()))
    assert settings() == before
    assert drawn[0] == drawn[1]


def test_the_same_seed_gives_the_same_weights() -> None:
    kernels = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        kernels.append(_build("benchmarks.own_networks:attention").model.get_weights())
    assert all(map(np.array_equal, *kernels))
