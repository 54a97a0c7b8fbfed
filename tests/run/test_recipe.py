import dataclasses
from typing import Any

import numpy as np
import pytest

from trainer import data, recipes
from trainer.hparams import HParams
from trainer.run import recipe


def made(count: int, sizes: tuple[int, ...], channels: int = 1) -> data.Dataset:
    form = data.Form(sizes, channels)
    part = data.Memory(np.zeros((count, *form.shape), np.uint8), np.zeros(count, np.int32), form)
    return data.Dataset(part, part, part, 2)


@pytest.mark.parametrize(
    ("count", "sizes", "replicas", "expected"),
    [
        (1293, (28, 28), 1, (64, 26)),
        (6300, (28, 28), 1, (64, 21)),
        (60000, (28, 28), 1, (64, 14)),
        (124, (96, 96), 1, (16, 78)),
        (40, (28, 28), 1, (40, 26)),
        (45, (28, 28), 2, (44, 26)),
        (3, (28, 28), 4, (4, 26)),  # which `--batch_size` then refuses by name
        (45, (150,), 1, (16, 160)),
        (5000, (150,), 1, (64, 14)),
        (1500, (16, 16, 16), 1, (64, 26)),
        (16, (20,), 1, (16, 450)),
    ],
)
def test_fits_the_data_where_no_flag_says_it(
    count: int, sizes: tuple[int, ...], replicas: int, expected: tuple[int, int]
) -> None:
    values = recipe.choose(HParams(), {}, made(count, sizes), replicas).values
    assert (values["batch_size"], values["epochs"]) == expected


@pytest.mark.parametrize(
    ("values", "sizes", "channels", "name"),
    [
        ({}, (28, 28), 1, "few_grey"),
        ({"recipe": "small_grey"}, (28, 28), 1, "small_grey"),
        ({}, (32, 20), 3, "small_color"),
        ({}, (33, 20), 1, "photos"),
        ({"model": "residual"}, (28, 28), 1, "few_grey"),
        ({"model": "MobileNetV2", "weights": "imagenet"}, (96, 96), 3, "pretrained"),
        ({"model": "backbone.keras"}, (28, 28), 3, "pretrained"),
        ({}, (150,), 3, "signals"),
        ({}, (16, 16, 16), 1, "volumes"),
        ({"recipe": "plain"}, (16, 16, 16), 1, "plain"),
        ({"recipe": "photos"}, (28, 28), 1, "photos"),
    ],
)
def test_is_chosen_by_the_kind_of_data_and_network(
    values: dict[str, Any], sizes: tuple[int, ...], channels: int, name: str
) -> None:
    assert recipe.choose(HParams(**values), {}, made(100, sizes, channels), 1).name == name


@pytest.mark.parametrize("name", recipes.NAMES)
def test_all_values_are_valid_and_any_flag_that_is_given_goes_first(name: str) -> None:
    chosen = recipe.choose(HParams(recipe=name), {}, made(100, (28, 28)), 1)
    applied = dataclasses.replace(HParams(recipe=name), **chosen.values)
    assert recipe.choose(applied, {}, made(100, (28, 28)), 1).values == {}
    # Even with its default.
    given = frozenset(chosen.values) - {"batch_size", "epochs"}
    assert recipe.choose(HParams(recipe=name, given_names=given), {}, made(100, (28, 28)), 1).values.keys() == {
        "batch_size",
        "epochs",
    }


def test_a_flag_that_the_network_lacks_is_left_out() -> None:
    small = made(100, (28, 28))
    for found in recipes.TABLE:
        values = recipe.choose(HParams(recipe=found.name, model="linear"), {}, small, 1).values
        assert "dropout" not in values


def test_a_run_goes_on_with_its_own_recipe_whatever_the_table_is_now() -> None:
    former = {"recipe": {"name": "gone", "reason": "for tests", "values": {"batch_size": 8, "epochs": 3, "mixup": 0.5}}}
    dataset = made(100, (28, 28))
    chosen = recipe.choose(HParams(), former, dataset, 1)
    assert (chosen.name, chosen.values) == ("gone", {"batch_size": 8, "epochs": 3, "mixup": 0.5})
    assert str(chosen) == "gone: for tests; batch_size 8, epochs 3, mixup 0.5"
    given = recipe.choose(HParams(batch_size=4, given_names=frozenset({"mixup"})), former, dataset, 1)
    assert given.values == {"epochs": 3}


def test_a_run_of_an_earlier_version_has_only_the_amount() -> None:
    former = {"configuration": {"batch_size": 8, "epochs": 3, "dropout": 0.5}}
    assert recipe.choose(HParams(epochs=5), former, made(100, (28, 28)), 1).values == {"batch_size": 8}
