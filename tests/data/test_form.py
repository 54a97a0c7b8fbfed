import json

import pytest

from trainer.data.form import Form


@pytest.mark.parametrize(
    ("form", "rank", "shape", "text"),
    [
        (Form((5000,), 2, -1.0, 1.0), 1, (5000, 2), "5000"),
        (Form((28, 20), 1), 2, (28, 20, 1), "28x20"),
        (Form((8, 16, 16), 3), 3, (8, 16, 16, 3), "8x16x16"),
    ],
)
def test_says_rank_and_shape_and_survives_json(form: Form, rank: int, shape: tuple[int, ...], text: str) -> None:
    assert (form.rank, form.shape, str(form)) == (rank, shape, text)
    assert Form.from_json(json.loads(json.dumps(form.to_json()))) == form
