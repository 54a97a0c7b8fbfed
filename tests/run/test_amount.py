import numpy as np
import pytest

from trainer import data
from trainer.hparams import UNTIL_BEST, HParams
from trainer.run import amount


def made(count: int, sizes: tuple[int, ...]) -> data.Dataset:
    form = data.Form(sizes, 1)
    part = data.Memory(np.zeros((count, *form.shape), np.uint8), np.zeros(count, np.int32), form)
    return data.Dataset(part, part, part, 2)


@pytest.mark.parametrize(
    ("count", "sizes", "replicas", "expected"),
    [
        (1293, (28, 28), 1, (64, 14)),
        (40, (28, 28), 1, (40, 14)),
        (45, (28, 28), 2, (44, 14)),
        (3, (28, 28), 4, (4, 14)),  # which `--batch_size` then refuses by name
        (45, (150,), 1, (16, 300)),
        (5000, (150,), 1, (64, 14)),
        (1500, (16, 16, 16), 1, (64, 27)),
        (16, (20,), 1, (16, 500)),
    ],
)
def test_fits_the_data_where_no_flag_says_it(
    count: int, sizes: tuple[int, ...], replicas: int, expected: tuple[int, int]
) -> None:
    fitted = amount.fitted(HParams(), {}, made(count, sizes), replicas)
    assert (fitted.batch_size, fitted.epochs) == expected


def test_flags_go_before_the_record_and_the_record_before_the_data() -> None:
    former = {"configuration": {"batch_size": 8, "epochs": 3}}
    dataset = made(100, (28, 28))
    assert amount.fitted(HParams(batch_size=4), former, dataset, 1) == HParams(batch_size=4, epochs=3)
    assert amount.fitted(HParams(epochs=5), former, dataset, 1) == HParams(batch_size=8, epochs=5)
    recorded = {"configuration": {"batch_size": 8, "epochs": "auto", "patience": 7}}
    until = HParams(batch_size=8, epochs=UNTIL_BEST, patience=7)
    assert amount.fitted(HParams(), recorded, dataset, 1) == until
    assert amount.fitted(HParams(epochs=UNTIL_BEST), recorded, dataset, 1) == until
    assert amount.fitted(HParams(epochs=5), recorded, dataset, 1) == HParams(batch_size=8, epochs=5)
