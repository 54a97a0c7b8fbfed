import json
from pathlib import Path

import pytest

from trainer.errors import UsageError
from trainer.suspects import options


def _begun(root: Path, **configuration: object) -> None:
    (root / "folds" / "1").mkdir(parents=True)
    (root / "folds" / "1" / "hparams.json").write_text(json.dumps({"configuration": configuration}))


def test_without_folds_there_are_five_in_a_folder_named_after_the_data() -> None:
    found = options.read(["--suspects", "--data=my data/photos.npz", "--filters=4"])
    assert (found.folds, str(found.root), found.is_done) == (5, "runs/suspects-photos", False)
    assert [*found.arguments] == ["--data=my data/photos.npz", "--filters=4"]
    assert found.quick(75) == ["--log_images=never", "--report=no", "--epochs=25"]


def test_flags_that_are_given_stay(tmp_path: Path) -> None:
    words = ["--suspects", f"--job_dir={tmp_path}", "--folds=3", "--epochs=2", "--report=yes", "--log-images=epoch"]
    found = options.read(words)
    assert (found.folds, found.root) == (3, tmp_path)
    assert found.quick(75) == []


def test_takes_the_data_and_the_folds_that_have_begun(tmp_path: Path) -> None:
    _begun(tmp_path, folds="2/7", data="photos", image_size=64, epochs=11, learning_rate=0.5, filters=32)
    found = options.read([f"--job_dir={tmp_path}", "--suspects"])
    assert (found.folds, found.hparams.data, found.hparams.image_size) == (7, "photos", 64)
    assert [*found.arguments] == ["--data=photos", "--image_size=64"]
    assert "--epochs=11" in found.quick(75)
    assert options.read([f"--job_dir={tmp_path}", "--suspects", "--data=moved"]).hparams.data == "moved"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to=shards"], r"`--to` must be used without `--suspects`\. Received: --to=shards"),
        (["--folds=2/5"], r"`--folds` must be a number of folds with `--suspects`\. Received: 2/5"),
        (["--job_dir=gs://b/c"], r"`--job_dir` must be a folder on this machine with `--suspects`"),
        (["--epoch=3"], r"`--epoch` is not a flag\. Did you mean --epochs\?"),
        (["photos"], r"every argument must be a flag"),
    ],
)
def test_rejects_what_it_cannot_do(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        options.read(["--suspects", *words])
