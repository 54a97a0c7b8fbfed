from typing import Any

import pytest

from trainer.errors import UsageError
from trainer.hparams import UNTIL_BEST, HParams
from trainer.run import length
from trainer.run.length import Length, Until

_ROOT = "runs/a"


def _former(epochs: int | str, *ends: int) -> dict[str, Any]:
    cycles = {"cycles": [{"last_epoch": end} for end in ends]} if ends else {}
    return {"configuration": {"epochs": epochs}, **cycles}


def _decide(epochs: int, former: dict[str, Any], reached: dict[str, Any] | None) -> Length:
    patience = 3 if epochs == UNTIL_BEST else 0
    hparams = HParams(epochs=epochs, batch_size=64, patience=patience)
    return length.decide(hparams, former, reached, 5000, _ROOT)


@pytest.mark.parametrize(
    ("epochs", "former", "reached", "ends", "is_new"),
    [
        (10, {}, None, (10,), False),
        (10, _former(10), None, (10,), False),
        (10, _former(10), {"epoch": 10, "result": {}}, (10,), False),
        (20, _former(10), {"epoch": 10, "result": {}}, (10, 20), True),
        (20, _former(10), {"epoch": 10}, (10, 20), True),  # not evaluated on the test part yet
        (20, _former(10), {"epoch": 4}, (10, 20), True),  # stopped half-way
        (20, _former(10), None, (10, 20), True),  # before its first checkpoint
        (20, _former(20, 10, 20), {"epoch": 12}, (10, 20), False),
        (30, _former(20, 10, 20), {"epoch": 12}, (10, 20, 30), True),
        (30, _former(20, 10, 20), {"epoch": 20, "result": {}}, (10, 20, 30), True),
        (30, _former(50), {"epoch": 12, "result": {}}, (12, 30), True),  # a callback stopped it
        (60, _former(50), {"epoch": 12, "stopped": True}, (12, 60), True),
        (30, _former("auto"), {"epoch": 17, "result": {}}, (17, 30), True),
    ],
)
def test_a_run_that_is_given_more_epochs_gets_a_new_cycle(
    epochs: int, former: dict[str, Any], reached: dict[str, Any] | None, ends: tuple[int, ...], is_new: bool
) -> None:
    found = _decide(epochs, former, reached)
    assert (found.ends, found.is_new, found.until) == (ends, is_new, None)
    assert length.from_bytes(length.to_bytes(found)) == found


@pytest.mark.parametrize(
    ("epochs", "former", "reached", "rule"),
    [
        (9, _former(10), {"epoch": 4}, "more than 10, the epochs that the run in `--job_dir` was given before"),
        (5, _former(10), {"epoch": 10}, "more than 10, the epochs that the run in `--job_dir` has done"),
        (12, _former(50), {"epoch": 12, "result": {}}, "more than 12, the epochs that the run in `--job_dir` has done"),
        (10, _former(20, 10, 20), {"epoch": 12}, "more than 20, the epochs that the run in `--job_dir` was given"),
        (17, _former("auto"), {"epoch": 17, "result": {}}, "more than 17, the epochs that the run in `--job_dir` has"),
        (99, _former("auto"), {"epoch": 17}, "auto until the run in `--job_dir` has stopped"),
        (99, _former("auto"), None, "auto until the run in `--job_dir` has stopped"),
        (UNTIL_BEST, _former(10), {"epoch": 10}, "a number of at least 10, as the run in `--job_dir` began with"),
    ],
)
def test_rejects(epochs: int, former: dict[str, Any], reached: dict[str, Any] | None, rule: str) -> None:
    with pytest.raises(UsageError) as error:
        _decide(epochs, former, reached)
    assert str(error.value).startswith(f"`--epochs` must be {rule}")
    assert str(error.value).endswith(f". Received: {'auto' if epochs == UNTIL_BEST else epochs} (runs/a)")


@pytest.mark.parametrize(
    ("values", "usual", "expected"),
    [
        ({}, 14, (5, 5, 140)),
        ({"patience": 200}, 14, (200, 5, 205)),
        ({"schedule": "constant"}, 14, (5, 0, 140)),
        ({}, 30, (10, 10, 300)),
        ({}, 500, (175, 175, 5000)),
        ({"model": "x.keras", "unfreeze": "all", "freeze_epochs": 7}, 14, (5, 5, 147)),
    ],
)
def test_how_a_run_ends_fits_the_epochs_of_its_recipe(
    values: dict[str, Any], usual: int, expected: tuple[int, ...]
) -> None:
    until = Until.of(HParams(epochs=UNTIL_BEST, batch_size=64, **values), usual)
    assert (until.patience, until.cool_down, until.most) == expected
    whole = Length((until.most,), until)
    assert length.from_bytes(length.to_bytes(whole)) == whole
