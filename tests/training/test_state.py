import json
import struct
from typing import Any

import keras
import numpy as np
import pytest

from trainer.training import state


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, 0.1, float("inf"), "text", [1, [2.5, "a"]], (1, (2,)), {"a": 1, 2: [None], None: "b"}, [], {},
        np.float32(0.1), np.int64(3), np.arange(6.0).reshape(2, 3), [np.zeros((0, 2), np.float16)],
    ],
)  # fmt: skip
def test_comes_back_as_it_was(value: Any) -> None:
    back = state.unpack(b"".join(state.pack({"value": value})))["value"]
    assert type(back) is type(value)
    np.testing.assert_equal(back, value)
    assert getattr(back, "dtype", None) == getattr(value, "dtype", None)


def test_the_last_parts_are_the_groups_of_arrays() -> None:
    first, second = np.arange(3.0), np.arange(4)
    tree = {"first": first, "second": second, "third": np.ones(2), "equal": [first.copy(), -np.zeros(3), np.zeros(3)]}
    content, *apart = state.pack_apart(tree, [[first], tree["equal"][:2]])
    assert [b"".join(part) for part in apart] == [first.tobytes(), (-np.zeros(3)).tobytes()], "equal bytes once"
    back = state.unpack(b"".join([*content, *apart[0], *apart[1]]))
    np.testing.assert_equal(back, tree)
    assert np.signbit(back["equal"][1]).all()
    assert len(b"".join(content)) < 500


def test_reads_what_an_earlier_version_wrote() -> None:
    text = json.dumps([["array", 0], [["<f4", [2]]]]).encode()
    np.testing.assert_equal(state.unpack(struct.pack("<Q", len(text)) + text + np.ones(2, "f4").tobytes()), np.ones(2))


def test_rejects_what_is_not_plain() -> None:
    with pytest.raises(TypeError, match="a state must be made of plain values. Received: object"):
        state.pack([object()])


def test_loads_no_pickle() -> None:
    text = json.dumps([["array", 0], [["|O", [1]]]]).encode()
    with pytest.raises(ValueError, match=r"a state must contain arrays of numbers. Received: \|O"):
        state.unpack(struct.pack("<Q", len(text)) + text + bytes(8))


def _callbacks() -> list[keras.callbacks.Callback]:
    return [
        keras.callbacks.EarlyStopping("val_loss", patience=3, min_delta=0.1, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", patience=2),
        keras.callbacks.ReduceLROnPlateau("loss", patience=5),
    ]


def test_keras_callbacks_go_on_as_if_they_had_not_been_stopped() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    losses = [3.0, 2.0, 1.95, 1.93, 1.92, 1.5, 1.45]

    def told(callbacks: list[keras.callbacks.Callback], epochs: range) -> dict[str, Any]:
        for epoch in epochs:
            for callback in callbacks:
                callback.on_epoch_end(epoch, {"loss": losses[epoch], "val_loss": losses[epoch]})
        return state.of_callbacks(callbacks)

    def begun() -> list[keras.callbacks.Callback]:
        callbacks = _callbacks()
        for callback in callbacks:
            callback.set_model(model)
            callback.on_train_begin()
        state.settle_callbacks(callbacks)
        return callbacks

    whole = told(begun(), range(7))
    resumed = begun()
    state.restore_callbacks(resumed, state.unpack(b"".join(state.pack(told(begun(), range(3))))))
    np.testing.assert_equal(told(resumed, range(3, 7)), whole)
    assert whole["keras.EarlyStopping"]["min_delta"] == -0.1, "the sign was turned once"
    assert set(whole) == {"keras.EarlyStopping", "keras.ReduceLROnPlateau", "keras.ReduceLROnPlateau 2"}
