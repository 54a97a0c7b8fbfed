import json
import subprocess
from pathlib import Path

import pytest

from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.run import record


def _revision() -> str | None:
    """Returns the commit of this work tree, if it is one."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():  # as unpacked from the source distribution
        return None
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_records_configuration_versions_and_revision(tmp_path: Path) -> None:
    record.write(tmp_path, record.make(HParams(filters=8), "bfloat16", "because"))
    written = json.loads((tmp_path / "hparams.json").read_text())
    assert written["configuration"] == HParams(filters=8).configuration()
    assert written["precision"] == {"name": "bfloat16", "reason": "because"}
    assert {"python", "tensorflow", "keras"} <= set(written["versions"])
    assert written["git_revision"] == _revision()
    assert [path.name for path in tmp_path.iterdir()] == ["hparams.json"]


def test_a_new_folder_and_the_same_configuration_are_welcome(tmp_path: Path) -> None:
    assert record.check(tmp_path, HParams()) == {}
    assert record.check(tmp_path / "missing", HParams()) == {}
    written = record.make(HParams(job_dir="here"), "float32", "so")
    record.write(tmp_path, written)
    assert record.check(tmp_path, HParams(job_dir="moved", strategy="mirrored")) == written


def test_rejects_another_configuration_and_says_what_differs(tmp_path: Path) -> None:
    record.write(tmp_path, record.make(HParams(), "float32", "so"))
    with pytest.raises(UsageError) as error:
        record.check(tmp_path, HParams(filters=8, seed=1))
    assert str(error.value) == (
        "`--job_dir` must be new, or hold a run of the same configuration. "
        f"Received: {tmp_path} (--filters=32 there, 8 here; --seed=0 there, 1 here)"
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"configuration": 0.5, "precision": {}}', "[" * 100_000])
def test_rejects_a_folder_of_something_else(tmp_path: Path, text: str) -> None:
    (tmp_path / "hparams.json").write_text(text)
    with pytest.raises(UsageError, match="`--job_dir` must hold nothing or a run of this program"):
        record.check(tmp_path, HParams())
