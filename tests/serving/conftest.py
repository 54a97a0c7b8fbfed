from pathlib import Path

import pytest

from tests.serving import models
from trainer.serving.predictor import Predictor


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small exported model, `models.build()`; not to be changed."""
    return models.exported(tmp_path_factory.mktemp("exported"), models.build())


@pytest.fixture(scope="session")
def predictor(exported: Path) -> Predictor:
    return Predictor(exported, most_positions=10_000)
