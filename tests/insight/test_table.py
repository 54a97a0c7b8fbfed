import random
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest

from trainer import layers
from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.insight.table import Row, markdown, rows
from trainer.networks import build

GOLDEN = """\
| layer | output shape | kernel | stride | padding | receptive field | parameters | share | multiply-adds |
| --- | --- | --- | --- | --- | --- | ---: | ---: | ---: |
| scale | 28×28×1 | – | – | – | 1×1 | – | – | – |
| conv1 | 28×28×32 | 3×3 | 1×1 | same | 3×3 | 320 | 0.0 % | 225,792 |
| conv2 | 28×28×64 | 3×3 | 1×1 | same | 5×5 | 18,496 | 1.1 % | 14,450,688 |
| pool | 14×14×64 | 2×2 | 2×2 | valid | 6×6 | – | – | – |
| activation | 14×14×64 | – | – | – | 6×6 | – | – | – |
| map_dropout | 14×14×64 | – | – | – | 6×6 | – | – | – |
| flatten | 12544 | – | – | – | 28×28 | – | – | – |
| dense | 128 | – | – | – | 28×28 | 1,605,760 | 98.8 % | 1,605,632 |
| unit_dropout | 128 | – | – | – | 28×28 | – | – | – |
| logits | 10 | – | – | – | 28×28 | 1,290 | 0.1 % | 1,280 |
| **total** |  |  |  |  |  | **1,625,866** | **100 %** | **16,283,392** |
"""


def test_the_example_network_reads() -> None:
    assert markdown(build(HParams(), Form((28, 28), 1), 10).model) == GOLDEN


def _sequential(shape: tuple[int | None, ...], *stack: Any) -> keras.Sequential:
    return keras.Sequential([keras.Input(shape), *stack])


def _named(table: Sequence[Row]) -> dict[str, Row]:
    assert len({row.layer for row in table}) == len(table)
    return {row.layer: row for row in table}


def _seen(model: keras.Model) -> tuple[int, ...]:
    """Returns on how many input positions the middle output position depends, by changing one at a time."""
    sizes = model.input_shape[1:-1]
    positions = int(np.prod(sizes))
    images = np.concatenate([np.zeros((1, positions)), np.eye(positions)]) + 1
    dark, *lit = model(images.reshape(-1, *sizes, 1)).numpy()
    middle = tuple(size // 2 for size in dark.shape[:-1])
    changed = np.argwhere([(image != dark)[middle].any() for image in lit]).ravel()
    return tuple(int(np.ptp(axis)) + 1 for axis in np.unravel_index(changed, sizes))


def _stack(seed: int, rank: int) -> list[Any]:
    """Returns random layers of which an output grows wherever one of its inputs does, and stays exact."""
    choose = random.Random(seed)
    convolutions = [
        [layers.Conv1D, layers.Conv2D, layers.Conv3D][rank - 1],
        [keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D][rank - 1],
    ]
    poolings = [
        [keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.MaxPooling3D][rank - 1],
        [keras.layers.AveragePooling1D, keras.layers.AveragePooling2D, keras.layers.AveragePooling3D][rank - 1],
    ]

    def axes(least: int, most: int) -> Any:
        sizes = tuple(choose.randint(least, most) for _ in range(rank))
        return sizes if rank > 1 else sizes[0]

    stack: list[Any] = []
    for _ in range(2):
        stride = choose.choice((1, 1, 2))
        dilation = axes(1, 3) if stride == 1 else 1
        convolution = choose.choice(convolutions)
        stack.append(convolution(2, axes(1, 3), stride, dilation_rate=dilation, kernel_initializer="ones"))
        stack.append(choose.choice(poolings)(2, choose.choice((1, 2))))
    stack.insert(choose.randrange(len(stack)), keras.layers.Rescaling(2))
    return stack


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("rank", "size"), [(1, 60), (2, 27)])
def test_the_receptive_field_is_what_an_output_place_sees(rank: int, size: int, seed: int) -> None:
    model = _sequential((*(size + axis for axis in range(rank)), 1), *_stack(seed, rank))
    assert rows(model)[-1].receptive_field == _seen(model)


def test_the_receptive_field_with_stride_and_dilation_together_is_what_an_output_place_sees() -> None:
    model = _sequential(
        (24, 20, 1),
        layers.Conv2D(1, (3, 2), (2, 3), dilation_rate=(2, 3), kernel_initializer="ones"),
        layers.Conv2D(1, (2, 3), dilation_rate=(3, 1), kernel_initializer="ones"),
    )
    assert rows(model)[-1].receptive_field == _seen(model) == (5 + 3 * 2, 4 + 2 * 3)


def test_a_collapsing_layer_looks_at_all_that_its_map_looks_at() -> None:
    for collapse in (keras.layers.Flatten(), keras.layers.GlobalAveragePooling2D(), keras.layers.GlobalMaxPooling2D()):
        stack = layers.Conv2D(2, 3, kernel_initializer="ones"), keras.layers.MaxPooling2D(2), collapse
        model = _sequential((12, 11, 1), *stack, keras.layers.Dense(2, kernel_initializer="ones"))
        assert [row.receptive_field for row in rows(model)] == [(3, 3), (4, 4), (12, 10), (12, 10)]
        assert _seen(model) == (12, 10)  # the pooling leaves the last column out


def test_the_receptive_field_ends_at_the_images_edge() -> None:
    model = _sequential((9, 6, 1), *(layers.Conv2D(1, 5, padding="same") for _ in range(3)))
    assert [row.receptive_field for row in rows(model)] == [(5, 5), (9, 6), (9, 6)]


def test_one_that_sees_everything_does_so_whatever_follows() -> None:
    model = _sequential(
        (8, 8, 1),
        keras.layers.Flatten(),
        keras.layers.Dense(16),
        keras.layers.Reshape((4, 4, 1)),
        keras.layers.Conv2D(1, 3),
        keras.layers.Conv2DTranspose(1, 3),
    )
    assert {row.receptive_field for row in rows(model)} == {(8, 8)}


def test_what_is_not_known_is_not_guessed() -> None:
    model = _sequential(
        (None, 8, 2), keras.layers.Conv2D(3, 3), keras.layers.Conv2DTranspose(1, 3), keras.layers.GlobalMaxPooling2D()
    )
    known, transposed, whole = rows(model)
    assert (known.receptive_field, known.output_shape, known.multiply_adds) == ((3, 3), (None, 6, 3), None)
    assert (transposed.receptive_field, transposed.multiply_adds, transposed.parameters) == (None, None, 28)
    assert whole.receptive_field == (None, 8)
    lines = markdown(model).splitlines()
    assert lines[2] == "| conv2d | ?×6×3 | 3×3 | 1×1 | valid | 3×3 | 57 | 67.1 % | ? |".replace("conv2d", known.layer)
    assert lines[-1] == "| **total** |  |  |  |  |  | **85** | **100 %** | **?** |"


@pytest.mark.parametrize(
    ("layer", "known"),
    [
        (keras.layers.LayerNormalization(), True),
        (keras.layers.LayerNormalization(axis=(1, 2, 3)), False),
        (keras.layers.BatchNormalization(), True),
        (keras.layers.Softmax(axis=2), False),
        (keras.layers.Dense(3), True),
        (layers.Dropout(0.5), True),
        (keras.layers.Reshape((4, 16, 2)), False),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_layer_keeps_the_receptive_field_where_it_mixes_no_places(layer: Any, known: bool) -> None:
    model = _sequential((8, 8, 2), keras.layers.MaxPooling2D(3, 1, "same"), layer)
    assert rows(model)[1].receptive_field == ((3, 3) if known else None)


@pytest.mark.parametrize(
    ("shape", "layer"),
    [
        ((9, 2), layers.Conv1D(4, 3, 2, groups=2)),
        ((9, 8, 4), layers.Conv2D(6, (3, 2), (2, 1), groups=2)),
        ((9, 8, 4), layers.Conv2D(4, 3, 2, dilation_rate=2, groups=4)),
        ((5, 6, 4, 2), layers.Conv3D(2, (2, 3, 1), (1, 2, 3))),
        ((9, 2), keras.layers.Conv1D(4, 3, dilation_rate=2)),
        ((9, 8, 4), keras.layers.Conv2D(6, (3, 2), 2, groups=2)),
        ((5, 6, 4, 2), keras.layers.Conv3D(2, (2, 3, 1), 2)),
        ((9, 2), keras.layers.DepthwiseConv1D(3, depth_multiplier=2)),
        ((9, 8, 4), keras.layers.DepthwiseConv2D(3, 2, depth_multiplier=2)),
        ((9, 2), keras.layers.Conv1DTranspose(4, 3, 2)),
        ((5, 4, 3), keras.layers.Conv2DTranspose(2, (3, 2), 2)),
        ((7,), keras.layers.Dense(3)),
        ((4, 5, 7), keras.layers.Dense(3, use_bias=False)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_ones_over_ones_add_up_to_the_multiply_adds(shape: tuple[int, ...], layer: Any) -> None:
    model = _sequential(shape, layer)
    layer.set_weights([np.full(weight.shape, weight.ndim > 1, "float32") for weight in layer.get_weights()])
    (row,) = rows(model)
    assert row.multiply_adds == model(np.ones((1, *shape))).numpy().sum()
    assert row.parameters == model.count_params()


@pytest.mark.parametrize("padding", ["valid", "same", "causal", 1, ((2, 1), (0, 3))], ids=str)
def test_a_convolution_has_the_multiply_adds_that_it_says(padding: Any) -> None:
    layer = layers.Conv2D(6, (2, 3), 2, padding, groups=3)
    (row,) = rows(_sequential((9, 8, 3), layer))
    assert row.multiply_adds == layer.multiply_adds((None, 9, 8, 3))


def test_a_separable_convolution_pays_for_both_of_its_halves() -> None:
    layer = keras.layers.SeparableConv2D(5, 3, 2, "same", depth_multiplier=2)
    (row,) = rows(_sequential((8, 8, 4), layer))
    assert row.multiply_adds == 4 * 4 * (9 * 4 * 2 + 4 * 2 * 5)
    assert row.receptive_field == row.kernel == (3, 3)


def test_channels_first_is_the_same_table_but_for_the_shapes() -> None:
    tables = []
    for shape, data_format in (((10, 8, 3), "channels_last"), ((3, 10, 8), "channels_first")):
        table = rows(
            _sequential(
                shape,
                layers.Conv2D(4, 3, 2, "same", data_format, name="conv"),
                keras.layers.BatchNormalization(1 if data_format == "channels_first" else -1, name="norm"),
                keras.layers.MaxPooling2D(2, data_format=data_format, name="pool"),
                keras.layers.Flatten(name="flatten"),
            )
        )
        tables.append([(row.layer, row.receptive_field, row.parameters, row.multiply_adds) for row in table])
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("layer", "padding"),
    [
        (layers.Conv2D(1, 3, padding="CAUSAL"), "causal"),
        (layers.Conv2D(1, 3, padding=((1, 2), (0, 3))), "(1, 2), (0, 3)"),
        (layers.Conv2D(1, 3, padding="same", padding_mode="circular"), "same, circular"),
        (layers.Conv2D(1, 3, padding=1, padding_mode="constant", padding_value=0.5), "(1, 1), (1, 1), constant 0.5"),
        (keras.layers.AveragePooling2D(2, padding="same"), "same"),
        (keras.layers.Flatten(), None),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_padding_is_shown_with_its_mode(layer: Any, padding: str | None) -> None:
    assert rows(_sequential((6, 6, 1), layer))[0].padding == padding


def test_where_branches_meet_the_longest_counts() -> None:
    image = keras.Input((16, 16, 4))
    stem = layers.Conv2D(4, 3, padding="same", name="stem")(image)
    left = layers.Conv2D(4, 3, padding="same", name="left1")(stem)
    left = layers.Conv2D(4, 5, padding="same", name="left2")(left)
    joined = keras.layers.Add(name="joined")([stem, left])
    plain = joined + stem
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(plain)
    gated = keras.layers.Multiply(name="gated")([plain, keras.layers.Dense(4, name="gate")(gate)])
    side = layers.Conv2D(4, 3, padding="same", name="side")(plain)
    model = keras.Model(image, [gated, side])
    table = _named(rows(model))
    assert {name: row.receptive_field for name, row in table.items()} == {
        "stem": (3, 3), "left1": (5, 5), "left2": (9, 9), "joined": (9, 9), "squeeze": (16, 16), "gate": (16, 16),
        "gated": (16, 16), "side": (11, 11),
    }  # fmt: skip
    assert list(table).index("left2") < list(table).index("joined")
    assert sum(row.parameters for row in table.values()) == model.count_params()
    assert sum(row.share for row in table.values()) == pytest.approx(1)


def test_an_image_beside_a_vector_counts_alone() -> None:
    image, facts = keras.Input((8, 8, 1)), keras.Input((3,))
    both = [keras.layers.Flatten()(layers.Conv2D(2, 3)(image)), keras.layers.Dense(2)(facts)]
    model = keras.Model([image, facts], keras.layers.Concatenate()(both))
    assert [row.receptive_field for row in rows(model)] == [(3, 3), (8, 8), None, (8, 8)]


def test_a_layer_called_twice_has_two_rows_and_its_parameters_once() -> None:
    image = keras.Input((16, 16, 4))
    shared = layers.Conv2D(4, 3, name="shared")
    model = keras.Model(image, shared(shared(image)))
    first, second = rows(model)
    assert (first.parameters, second.parameters) == (model.count_params(), 0)
    assert (first.share, second.share) == (1, 0)
    assert (first.receptive_field, second.receptive_field) == ((3, 3), (5, 5))
    assert (first.multiply_adds, second.multiply_adds) == (14 * 14 * 144, 12 * 12 * 144)


def test_a_functional_model_has_the_rows_of_its_sequential_twin() -> None:
    model = build(HParams(depth=3, padding="valid", dropout=0), Form((28, 28), 1), 10).model
    assert rows(keras.Model(model.inputs, model.outputs)) == rows(model)


def test_a_nested_model_is_unfolded() -> None:
    inner = keras.Sequential([layers.Conv2D(4, 3, name="conv"), keras.layers.ReLU(name="relu")], name="inner")
    model = _sequential(
        (9, 9, 1), keras.layers.MaxPooling2D(2, 1, name="pool"), inner, keras.layers.Flatten(name="end")
    )
    table = rows(model)
    assert [row.layer for row in table] == ["pool", "inner/conv", "inner/relu", "end"]
    assert [row.receptive_field for row in table] == [(2, 2), (4, 4), (4, 4), (9, 9)]
    assert sum(row.parameters for row in table) == model.count_params()


def test_the_parameters_add_up_where_some_do_not_train() -> None:
    model = _sequential((8, 8, 2), layers.Conv2D(3, 3), keras.layers.BatchNormalization(), keras.layers.PReLU())
    model.layers[0].trainable = False
    table = rows(model)
    assert [row.parameters for row in table] == [57, 12, 6 * 6 * 3]
    assert sum(row.parameters for row in table) == model.count_params()
    assert [row.multiply_adds for row in table] == [6 * 6 * 54, 0, 0]


def test_a_part_of_a_model_begins_at_its_own_input() -> None:
    model = build(HParams(), Form((28, 28), 1), 10).model
    part = keras.Model(model.get_layer("conv2").input, model.get_layer("pool").output)
    assert [(row.layer, row.receptive_field) for row in rows(part)] == [("conv2", (3, 3)), ("pool", (4, 4))]


def test_a_bar_in_a_name_opens_no_cell() -> None:
    assert r"| a\|b |" in markdown(_sequential((2,), keras.layers.Dense(1, name="a|b")))


class _Written(keras.Model):
    def call(self, inputs: Any) -> Any:
        return inputs


def test_rejects_what_is_no_graph_of_layers() -> None:
    written = _Written()
    written(np.ones((1, 2)))
    for model in (keras.Sequential([keras.layers.Dense(2)]), keras.layers.Dense(2), written):
        with pytest.raises(ValueError, match=r"`model` must be Sequential or functional, and built\. Received: model="):
            rows(model)


@pytest.mark.parametrize(
    ("form", "head", "cell"),
    [
        (Form((20,), 1), "receptive field (points)", "3"),
        (Form((20,), 1, spacing=(0.5,), unit="s"), "receptive field (points)", "3 (1.5 s)"),
        (Form((20,), 1, spacing=(1 / 16000,), unit="s"), "receptive field (points)", "3 (0.1875 ms)"),
        (Form((20, 10), 1), "receptive field (pixels)", "3×3"),
        (Form((6, 8, 9), 1), "receptive field (voxels)", "3×3×3"),
        (Form((6, 8, 9), 1, spacing=(4.0, 1.0, 0.7), unit="mm"), "receptive field (voxels)", "3×3×3 (12×3×2.1 mm)"),
    ],
)
def test_receptive_fields_have_the_units_of_the_samples(form: Form, head: str, cell: str) -> None:
    convolution = (layers.Conv1D, layers.Conv2D, layers.Conv3D)[form.rank - 1]
    model = _sequential(form.shape, convolution(2, 3, name="conv"), keras.layers.Flatten(), keras.layers.Dense(2))
    lines = [[part.strip() for part in line.split("|")] for line in markdown(model, form).splitlines()]
    assert lines[0][6] == head
    assert lines[2][6] == cell
    assert {len(line) for line in lines} == {11}
