import numpy as np
import pytest

from trainer.data.kinds.image.fit import fit_arrays
from trainer.data.kinds.options import SampleOptions


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("color", ["auto", "grey", "rgb"])
@pytest.mark.parametrize("size", [0, 6, 40])
def test_images_keep_their_type_and_their_scale(dtype: type, color: str, size: int) -> None:
    images = np.full((3, 20, 16, 3), 200, dtype)
    for unit in (1, 1 / 255) if dtype == np.float32 else (1,):
        fitted = fit_arrays((images * unit).astype(dtype), SampleOptions(size=size, color=color))
        assert fitted.dtype == dtype
        assert fitted.shape == (3, size or 20, size or 16, 1 if color == "grey" else 3)
        np.testing.assert_allclose(fitted, 200 * unit, rtol=1e-4)
