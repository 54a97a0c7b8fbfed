from pathlib import Path

import pytest

from trainer.errors import StorageError
from trainer.tensorboard.log import Log


def test_logs_that_cannot_be_begun_are_named(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    with pytest.raises(StorageError, match=f"the logs in {tmp_path}/logs cannot be written: .+"):
        Log(tmp_path / "logs")
