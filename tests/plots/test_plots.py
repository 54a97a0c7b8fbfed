"""Figures for notebooks: what is drawn, and where."""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import keras
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
from matplotlib.axes import Axes

from trainer import plots
from trainer.tensorboard.draw.scale import Scale
from trainer.tensorboard.history import History

RANKS = {1: (40,), 2: (12, 12), 3: (9, 9, 9)}
SCALES = {1: Scale("signal", -1, 1), 2: Scale(), 3: Scale("volume")}


@pytest.fixture(autouse=True)
def _figures():
    """Draws without a display and in the style, and leaves neither figures nor settings behind."""
    backend = mpl.get_backend()
    plt.switch_backend("agg")
    with mpl.rc_context():
        plots.style()
        yield
    plt.close("all")
    plt.switch_backend(backend)


def _axes() -> list[Axes]:
    """Returns the axes of the last figure that draw something, without an overlap of their texts."""
    figure = plt.gcf()
    figure.canvas.draw()
    return [axis for axis in figure.axes if axis.has_data()]


def _colour(axis: Axes, row: int, column: int) -> list[float]:
    (picture,) = axis.images
    values = picture.to_rgba(picture.get_array())
    return [round(float(one), 2) for one in values[row, column, :3]]


def _network(rank: int) -> keras.Model:
    keras.utils.set_random_seed(0)
    convolution = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}[rank]
    layers = [
        convolution(4, 3, name="first", activation="relu"),
        convolution(6, 3, name="second"),
        keras.layers.Flatten(),
    ]
    return keras.Sequential([keras.Input((*RANKS[rank], 1)), *layers, keras.layers.Dense(3)])


@pytest.mark.parametrize(
    ("values", "arguments", "expected"),
    [
        ([[0, 2], [1, 0]], {}, {(0, 0): [0, 0, 0], (0, 1): [1, 1, 1]}),
        ([[0, 2], [1, 0]], {"limit": 4}, {(0, 1): [0.5, 0.5, 0.5]}),
        ([[-1, 0], [1, 0.5]], {}, {(0, 0): [0.02, 0.19, 0.38], (0, 1): [0.97, 0.97, 0.97], (1, 0): [0.4, 0, 0.12]}),
        ([[0, 2], [1, 0]], {"signed": True}, {(0, 0): [0.97, 0.97, 0.97], (0, 1): [0.4, 0, 0.12]}),
        ([[0, 2], [1, 0]], {"signed": False}, {(0, 0): [0.0, 0.0, 0.02], (0, 1): [0.99, 1.0, 0.64]}),
        ([[0, 0], [0, 0]], {}, {(0, 0): [0, 0, 0]}),
    ],
)
def test_a_matrix_has_the_colors_of_its_values(values, arguments, expected) -> None:
    _, axis = plt.subplots()
    plots.matrix(axis, np.array(values, float), **arguments)
    for (row, column), colour in expected.items():
        assert np.allclose(_colour(axis, row, column), colour, atol=0.011)


def test_the_numbers_of_a_matrix_can_be_read() -> None:
    _, axis = plt.subplots()
    plots.matrix(axis, np.array([[0.0, 4.0]]), numbers=".1f")
    assert [(text.get_text(), text.get_color()) for text in axis.texts] == [("0.0", "white"), ("4.0", "black")]


@pytest.mark.parametrize("shape", [(8, 6), (8, 6, 1), (8, 6, 3)])
@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 0, 1), (5, 0, 1), (5, 2, 3)])
def test_images_are_in_rows_under_their_titles(shape, count, columns, rows) -> None:
    plots.images({f"picture {index}": np.full(shape, 0.5) for index in range(count)}, columns=columns)
    axes = _axes()
    assert [axis.get_title() for axis in axes] == [f"picture {index}" for index in range(count)]
    assert len({round(axis.get_position().y0, 3) for axis in axes}) == rows


def test_images_may_have_no_titles() -> None:
    plots.images([np.zeros((4, 4)), np.ones((4, 4))])
    assert [axis.get_title() for axis in _axes()] == ["", ""]


def test_connections_show_the_weights_that_are_not_zero() -> None:
    plots.connections({"one": np.array([[1.0, 0.0], [0.0, 2.5]]), "nothing": np.zeros((1, 2))})
    one, nothing = plt.gcf().axes
    texts = {text.get_position(): text.get_text() for text in one.texts}
    assert texts == {(0, 0): "1", (1, 1): "2.5"}
    assert not nothing.texts


@pytest.mark.parametrize("titles", [("", ""), ("small", "large")])
def test_sheets_are_side_by_side_and_unscaled(titles: tuple[str, str]) -> None:
    small, large = np.full((20, 400, 3), 10, np.uint8), np.full((60, 380, 3), 20, np.uint8)
    drawn = np.asarray(plots.sheets(dict(zip(titles, (small, large), strict=True)) if any(titles) else [small, large]))
    for value, picture in ((10, small), (20, large)):
        rows, columns = np.nonzero((drawn == value).all(-1))
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == picture.shape[:2]
    assert drawn.shape[1] < 400 + 380 + 40
    assert (len(drawn) > 60) == any(titles)


@pytest.mark.parametrize("given", [False, True])
def test_curves_have_a_panel_for_each_tag_and_a_line_for_each_log(given: bool, tmp_path: Path) -> None:
    logs = {}
    for name, tags in {"one": ["loss", "rate"], "other": ["loss"]}.items():
        with tf.summary.create_file_writer(str(tmp_path / name)).as_default():
            for step, tag in itertools.product((1, 2), tags):
                tf.summary.scalar(tag, step / 2, step)
        logs[name] = History(tmp_path / name)
    axes = list(plt.subplots(1, 2)[1]) if given else []
    plots.curves(logs, ["loss", "rate"], axes=axes)
    loss, rate = _axes()
    assert [loss.get_title(), rate.get_title()] == ["loss", "rate"]
    assert [[line.get_xydata().tolist() for line in axis.lines] for axis in (loss, rate)] == [
        [[[1, 0.5], [2, 1]]] * 2,
        [[[1, 0.5], [2, 1]]],
    ]
    legend = loss.get_legend() if given else plt.gcf().legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["one", "other"]


def test_a_film_shows_one_frame_at_a_time() -> None:
    shown = plots.film({step: np.full((4, 4, 3), step, np.uint8) for step in (0, 10, 20)}).data
    assert len(re.findall("<figure", shown)) == 3
    assert len(re.findall("<figure hidden", shown)) == 2
    assert 'max="2"' in shown
    assert [*map(int, re.findall(r'alt="step (\d+)"', shown))] == [0, 10, 20]


@pytest.mark.parametrize("rank", RANKS)
def test_attributions_have_a_row_for_each_method(rank: int) -> None:
    random = np.random.default_rng(0)
    samples, titles = random.uniform(0, 1, (2, *RANKS[rank], 1)), ["a\nb", "c\nd"]
    maps = {
        "Grad-CAM": random.uniform(0, 1, samples.shape[:-1]),
        "integrated gradients": random.normal(size=samples.shape[:-1]),
    }
    plots.attributions(samples, maps, titles, SCALES[rank])
    axes = _axes()
    assert len(axes) == 3 * 2
    assert [axis.get_ylabel() for axis in axes[::2]] == ["input", "Grad-CAM", "integrated\ngradients"]
    assert [axis.get_title() for axis in axes[:2]] == titles
    assert all(len(np.unique(axis.images[0].get_array())) > 1 for axis in axes)


@pytest.mark.parametrize("rank", RANKS)
def test_kernels_and_feature_maps_of_any_rank(rank: int) -> None:
    model = _network(rank)
    samples = np.random.default_rng(0).uniform(0, 1, (5, *RANKS[rank], 1)).astype("float32")
    kernels, maps = plots.kernels(model), plots.feature_maps(model, samples, "title", SCALES[rank])
    for picture in (kernels, maps):
        assert picture.mode == "RGB"
        assert len(np.unique(np.asarray(picture))) > 10
    model.layers[0].set_weights([weights * 0 for weights in model.layers[0].get_weights()])
    red, green, _ = np.moveaxis(np.asarray(plots.feature_maps(model, samples, "title", SCALES[rank])), -1, 0)
    assert (red.astype(int) - green > 100).any()  # dead filters


def test_draws_the_chosen_kernels() -> None:
    model = _network(2)
    both, second = plots.kernels(model), plots.kernels(model, ["second"])
    assert both.width > second.width
    with pytest.raises(ValueError, match=re.escape("`names` must be some of first, second. Received: third")):
        plots.kernels(model, ["third"])


def test_rejects_a_network_without_kernels() -> None:
    with pytest.raises(ValueError, match=re.escape("`model` must have a convolution. Received: plain")):
        plots.kernels(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="plain"))


def test_slices_go_through_one_position() -> None:
    volume = np.zeros((6, 8, 10))
    volume[2, 3, 4] = 1
    plots.slices(volume, (2, 3, 4), overlay=np.zeros((6, 8, 10, 4)), spacing=(2, 1, 1), origin=(-10, 0, 0.4))
    axes = _axes()
    assert [axis.get_title() for axis in axes] == ["right -6 mm", "front 3 mm", "up 4 mm"]
    assert [axis.get_xlabel() for axis in axes] == ["front →", "right →", "right →"]
    for axis, (up, across) in zip(axes, [(4, 3), (4, 2), (3, 2)], strict=True):
        assert np.argwhere(axis.images[0].get_array() == 1).tolist() == [[up, across]]
    shapes = [axis.get_window_extent() for axis in axes]
    assert [round(shape.width / shape.height, 2) for shape in shapes] == [0.8, 1.2, 1.5]


def test_names_the_package_that_is_missing() -> None:
    code = "import importlib.util; importlib.util.find_spec = lambda name: None; import trainer.plots"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: trainer.plots needs the package matplotlib: ")
    assert last.endswith("[notebooks]'")


def test_what_filters_look_for_is_one_picture_each() -> None:
    inputs = keras.Input((12, 12, 1))
    value = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(value)))
    samples = np.random.default_rng(0).uniform(0, 255, (5, 12, 12, 1))
    for picture in (
        plots.exciting(model, samples, ["conv"]),
        plots.visualised(model, "conv", [0, 2], steps=2),
        plots.visualised(model, units=[1], steps=2, captions=["b"]),
        plots.concepts(model, samples, count=2),
    ):
        assert picture.width > 100
