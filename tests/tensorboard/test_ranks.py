"""What is drawn of networks on signals and volumes."""

import math
from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary

from trainer.data.form import Form
from trainer.insight import explained
from trainer.insight.attribution import Explainer
from trainer.insight.observer import Examples, Observer
from trainer.networks.parts import CONVOLUTIONS, GLOBAL_AVERAGES, MAX_POOLINGS, scale
from trainer.tensorboard import drawing, projector
from trainer.tensorboard.draw import sample, sheets
from trainer.tensorboard.draw.augmentation import augmentation
from trainer.tensorboard.draw.slices import most_active
from trainer.tensorboard.draw.templates import templates
from trainer.tensorboard.learned import learned
from trainer.tensorboard.scaling import scale_of

FORMS = {
    "signal": Form((60,), 1, -math.inf, math.inf, (3.0,), (2.0,)),
    "channels": Form((50,), 6, -math.inf, math.inf, (0.0,) * 6, (1.0,) * 6, (0.02,), "s"),
    "short": Form((1,), 2, -math.inf, math.inf, (0.0,) * 2, (1.0,) * 2),
    "sound": Form((4_000,), 1, -1.0, 1.0, spacing=(1 / 8_000,), unit="s"),
    "volume": Form((10, 12, 8), 1),
    "scan": Form((6, 40, 40), 1, -math.inf, math.inf, (900.0,), (50.0,), (4.0, 1.0, 1.0), "mm"),
    "video": Form((5, 16, 16), 3),
}


def examples(form: Form, count: int = 9) -> Examples:
    random = np.random.default_rng(0)
    centre, spread = (form.centre, form.spread) if form.spread else ((form.high + form.low) / 2, form.high / 4)
    samples = random.normal(centre, spread, (count, *form.shape)).astype(np.float32)
    noun = {1: "signal", 3: "volume"}[form.rank]
    return Examples(samples, np.arange(count) % 3, ["a", "b", "c"], (samples[:3], 1.5 * samples[:3]), form, noun)


def convolutional(form: Form) -> keras.Model:
    rank = form.rank
    pool = min(form.sizes) > 1
    stack = [
        CONVOLUTIONS[rank](4, 3, padding="same", activation="relu", name="conv1"),
        *([MAX_POOLINGS[rank](2)] if pool else []),
        CONVOLUTIONS[rank](6, 3, padding="same", activation="relu", name="conv2"),
        GLOBAL_AVERAGES[rank](),
    ]
    return keras.Sequential([keras.Input(form.shape), scale(form, "float32"), *stack, keras.layers.Dense(3)])


def linear(form: Form) -> keras.Model:
    stack = [scale(form, "float32"), keras.layers.Flatten(), keras.layers.Dense(3, name="logits")]
    return keras.Sequential([keras.Input(form.shape), *stack])


def pictures(drawn: Iterable[Summary]) -> dict[str, np.ndarray]:
    found = {}
    for value in (value for summary in drawn for value in summary.value):
        if value.metadata.plugin_data.plugin_name == "images":
            found[value.tag] = tf.io.decode_png(value.tensor.string_val[2]).numpy()
    return found


@pytest.mark.parametrize("name", FORMS)
def test_all_of_it_is_drawn_as_wide_as_is_shown(name: str, tmp_path: Path) -> None:
    observer = Observer(convolutional(FORMS[name]), examples(FORMS[name]))
    moment = pictures(drawing.moment(observer, observer.look(), {}))
    assert {"filters/conv1", "filters/conv2", "augmentation", "feature_maps/a", "exciting/conv1"} <= set(moment)
    probabilities, hidden = observer.classify()
    conclusion = pictures(drawing.conclusion(observer, probabilities))
    assert {"what_decides/a", "results/worst_mistakes"} <= set(conclusion)
    for tag, picture in (moment | conclusion).items():
        assert picture.shape[1] == sheets.SHOWN, tag
    projector.write(tmp_path, observer.examples, probabilities, hidden)
    with Image.open(tmp_path / "sprite.png") as sprite:
        assert sprite.size == (96, 96)


def test_mistakes_on_volumes_are_cut_through_what_decides() -> None:
    observer = Observer(convolutional(FORMS["scan"]), examples(FORMS["scan"]))
    probabilities, _ = observer.classify()
    samples, predicted = observer.examples.samples, probabilities.argmax(1)
    gradients, _ = Explainer(observer.model).integrated_gradients(samples, predicted, 900.0, steps=16, most_steps=16)
    places = [most_active(drawing.in_boxes(np.abs(one))) for one in gradients.sum(-1)]
    drawn = pictures(drawing.conclusion(observer, probabilities))["results/worst_mistakes"]
    wrong = np.flatnonzero(predicted != observer.examples.labels)
    worst = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")]
    scale = scale_of(observer.examples)
    first = sample.picture(samples[worst[0]], sample.MISTAKEN[3], scale, at=places[worst[0]])
    high, wide, _ = first.shape
    corners = [(top, left) for top in range(30, 80) for left in range(8)]
    assert any((first == drawn[top : top + high, left : left + wide]).all() for top, left in corners)


@pytest.mark.parametrize("name", ["channels", "scan"])
def test_a_network_without_numbers_is_drawn(name: str) -> None:
    model = convolutional(FORMS[name])
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    observer = Observer(model, examples(FORMS[name]))
    assert "feature_maps/a" in pictures(drawing.moment(observer, observer.look(), {}))
    assert "what_decides/a" in pictures(drawing.conclusion(observer, observer.classify()[0]))


@pytest.mark.parametrize("name", ["signal", "volume"])
def test_concepts_and_made_inputs_are_drawn_at_the_end(name: str) -> None:
    observer = Observer(convolutional(FORMS[name]), examples(FORMS[name]))
    drawn = pictures(learned(observer, Explainer(observer.model)))
    assert {"concepts", "visualised/classes", "visualised/conv2"} <= set(drawn)
    assert all(picture.shape[1] == sheets.SHOWN for picture in drawn.values())


@pytest.mark.parametrize("name", ["channels", "scan"])
def test_a_linear_network_has_its_weights_over_the_sample(name: str) -> None:
    observer = Observer(linear(FORMS[name]), examples(FORMS[name]))
    drawn = pictures(drawing.moment(observer, observer.look(), {}))
    (weights,) = observer.look().templates.values()
    scale = scale_of(observer.examples)
    expected = sheets.shown(templates(weights, ["a", "b", "c"], "logits", scale))
    np.testing.assert_array_equal(drawn["filters/logits"], expected)
    assert "what_decides/a" in pictures(drawing.conclusion(observer, observer.classify()[0]))


def test_titles_have_the_name_of_the_kind() -> None:
    observer = Observer(linear(FORMS["signal"]), examples(FORMS["signal"]))
    drawn, scale = pictures(drawing.moment(observer, observer.look(), {})), scale_of(observer.examples)
    np.testing.assert_array_equal(drawn["augmentation"], sheets.shown(augmentation(*observer.examples.changes, scale)))
    title = sheets.line_of("left: training signals; right: as the network sees them", sheets.INK)
    np.testing.assert_array_equal(drawn["augmentation"][3 : 3 + len(title), 4 : 4 + title.shape[1]], title)


def test_attributions_are_summed_in_boxes_about_each_position() -> None:
    values = np.random.default_rng(0).normal(size=(20, 11, 3))
    sums = drawing.in_boxes(values)
    for place in ((0, 0, 0), (10, 5, 1), (19, 10, 2)):
        box = tuple(slice(max(0, at - reach), at + reach + 1) for at, reach in zip(place, (2, 1, 1), strict=True))
        np.testing.assert_allclose(sums[place], values[box].sum())


@pytest.mark.parametrize(
    ("sizes", "most", "expected"),
    [
        ((150,), 1000, (5,)),
        ((16_000,), 1000, (500,)),
        ((16_000,), 5, (1000,)),
        ((24,), 1000, (2,)),
        ((1,), 1000, (1,)),
        ((28, 28), 1000, (6, 6)),
        ((224, 160), 10, (53, 53)),
        ((32, 32, 32), 1000, (6, 6, 6)),
        ((16, 128, 128), 100, (4, 32, 32)),
        ((3, 64, 64), 10, (2, 21, 21)),
    ],
)
def test_few_boxes_cover_a_sample(sizes: tuple[int, ...], most: int, expected: tuple[int, ...]) -> None:
    assert explained.box(sizes, most) == expected


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((128,), (128,)),
        ((150,), (75,)),
        ((16_000,), (80,)),
        ((64, 65), (64, 33)),
        ((224, 160), (38, 40)),
        ((32, 33, 64), (32, 17, 16)),
    ],
)
def test_attributions_are_summed_in_cells(sizes: tuple[int, ...], expected: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=(2, *sizes))
    cells = explained.in_cells(values)
    assert cells.shape == values.shape
    for axis, count in enumerate(expected, 1):
        along = np.moveaxis(cells, axis, 0).reshape(sizes[axis - 1], -1)
        assert 1 + (np.diff(along, axis=0) != 0).any(1).sum() == count
    cell = tuple(-(-size // count) for size, count in zip(sizes, expected, strict=True))
    first = values[(slice(None), *(slice(size) for size in cell))]
    np.testing.assert_allclose(cells[(slice(None), *(0,) * len(sizes))], first.reshape(2, -1).sum(1))


def test_without_a_form_values_are_those_of_images() -> None:
    found = Examples(np.zeros((2, 5, 4, 3)), np.zeros(2, int), ["a"])
    assert found.form == Form((5, 4), 3)
    assert scale_of(found).limits(np.zeros(1)) == (0, 255)
