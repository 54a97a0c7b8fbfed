from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data import signs
from trainer.data.kinds.image import sides

PHOTOS = Path(__file__).parents[4] / "shared/data/photos"


@pytest.mark.parametrize(
    "images",
    [
        pytest.param(signs.arrows(), id="arrows"),
        pytest.param(signs.arrows(20), id="few arrows"),
        pytest.param(signs.letters("bd"), id="b and d"),
        pytest.param(signs.letters("pq", seed=1), id="p and q"),
        pytest.param(signs.letters("abcdeh", 60), id="b and d among others", marks=pytest.mark.slow),
        pytest.param(signs.gauges(), id="gauges"),
    ],
)
def test_sides_have_meaning_where_mirrored_copies_are_of_another_class(images: signs.Images) -> None:
    verdict = sides.look(*images)
    assert verdict.have_meaning
    assert verdict.without > verdict.beside
    assert verdict == sides.look(*images)


@pytest.mark.parametrize(
    "images",
    [
        pytest.param(signs.blobs(), id="blobs"),
        pytest.param(signs.faces(), id="animals"),
        pytest.param(signs.letters("AHMO"), id="letters"),
        pytest.param(signs.noise(), id="noise"),
        pytest.param(signs.noise(2), id="four images"),
        pytest.param((np.zeros((6, 32, 32, 3), np.uint8), np.arange(6, dtype=np.int32)), id="black"),
    ],
)
def test_sides_have_none_where_mirrored_copies_look_as_their_class(images: signs.Images) -> None:
    assert not sides.look(*images).have_meaning


@pytest.mark.skipif(not PHOTOS.exists(), reason="no photographs beside the project")
def test_sides_have_none_in_photographs() -> None:
    files = sorted(PHOTOS.glob("*/*"))
    images = np.stack([np.asarray(Image.open(file).convert("RGB").resize((32, 32))) for file in files])
    targets = np.unique([file.parent.name for file in files], return_inverse=True)[1].astype(np.int32)
    assert not sides.look(images, targets).have_meaning
