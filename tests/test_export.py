"""The program that converts models: `python -m trainer.export`."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from tests.gcs.server import serve
from tests.serving.formats import digits
from trainer import export, networks
from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.serving.formats import measure, packages

FORM = Form((9, 8), 3)
_NEW = "`--out` must be new, or an export of the same format to replace"


@pytest.fixture(autouse=True)
def _briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_SECONDS", 0.01)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run, below the current one; beside it data.npz and a file, mine.tflite."""
    keras.utils.set_random_seed(0)
    made = networks.build(HParams(model="linear"), FORM, 3).model
    digits.exported(tmp_path / "run" / "model", made, FORM)
    digits.data(tmp_path / "data.npz", FORM)
    digits.data(tmp_path / "wide.npz", Form((9, 11), 3))
    (tmp_path / "mine.tflite").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format=keras"], "`--model` must be the folder model/ of a finished run. Received: nothing"),
        (["--model=run"], "`--format` must be one of litert, onnx, savedmodel, keras. Received: nothing"),
        (["--model=run", "--format=tflite"],
         "`--format` must be one of litert, onnx, savedmodel, keras. Received: tflite"),
        (["--model=run", "--fromat=keras"], "`--fromat` is not a flag. Did you mean --format?"),
        (["--model=no", "--format=keras"],
         "`--model` must be the folder model/ of a finished run. Received: no (model.json: No such file or directory)"),
        (["--model=run", "--format=keras", "--quantize=int8"],
         "`--quantize` must be used with `--format=litert`. Received: int8, and --format=keras"),
        (["--model=run", "--format=keras", "--agreement=2"],
         "`--agreement` must be above 0 and at most 1. Received: 2"),
        (["--model=run", "--format=keras", "--threads=0"],
         "`--threads` must be a whole number from 1 to 256. Received: 0"),
        (["--model=run", "--format=keras", "--out=gs://b/x"],
         "`--out` must be a file or a folder on this machine. Received: gs://b/x"),
        (["--model=run", "--format=keras", "--out=full"], f"{_NEW}. Received: full, which contains notes"),
        (["--model=run", "--format=keras", "--out=run/model"],
         f"{_NEW}. Received: run/model, which contains README.md"),
        (["--model=run", "--format=keras", "--out=run/model/model.keras"],
         f"{_NEW}. Received: run/model/model.keras, another file"),
        (["--model=run", "--format=savedmodel", "--out=data.npz"], f"{_NEW}. Received: data.npz, a file"),
        (["--model=run", "--format=keras", "--out=x.onnx"],
         "`--out` must be a folder, or a file .keras. Received: x.onnx"),
        (["--model=run", "--format=keras"],
         "`--data` must name samples to compare the export on, as in trainer.task. Received: nothing, and the model's "
         "data, gone.npz, cannot be read here"),
        (["--model=run", "--format=keras", "--data=wide.npz"],
         "`--data` must contain samples of the model's form, 9x8 with 3 channels from 0 to 255. "
         "Received: wide.npz, 9x11 with 3 channels from 0 to 255"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_writes_nothing(
    arguments: list[str], message: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(run.parent.rglob("*"))
    assert export.main(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"trainer.export: {message}"
    assert sorted(run.parent.rglob("*")) == before


def test_writes_beside_the_model(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "model" / "sample.png").write_bytes(_png())  # as a run does whose data are arrays
    assert export.main(["--model=run", "--format=keras"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("run/model-keras/model.keras: Keras, float32, ")
    assert lines[1].startswith("compared with the model on 1 image, sample.png: largest difference")
    assert lines[1].endswith("; accuracy unknown")
    record = json.loads((run / "model-keras" / "export.json").read_text())
    assert lines[3] == f"input: {record['caller']}"
    assert record["caller"].startswith("float32 (n, 9, 8, 3), raw values from 0 to 255; not encoded files")


def _png() -> bytes:
    from trainer.data.kinds.image.kind import IMAGE

    return IMAGE.encode(digits.samples(FORM, 1)[0].astype("uint8"))


def test_reads_a_bucket_and_writes_here(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(rate_limit=False) as server:
        for path in (run / "model").rglob("*"):
            if path.is_file():
                server.put("bucket", f"a/it/model/{path.relative_to(run / 'model')}", path.read_bytes())
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        flags = ["--format=keras", "--data=data.npz", "--cache_dir=cache"]
        assert export.main(["--model=gs://bucket/a/it", *flags]) == 0
    assert capsys.readouterr().out.startswith("it-keras/model.keras: ")


def test_a_missing_package_is_named_with_its_remedy(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packages, "PACKAGES", {**packages.PACKAGES, "onnx": ("no_such_package",)})
    assert export.main(["--model=run", "--format=onnx"]) == 2
    assert capsys.readouterr().err == (
        "trainer.export: `--format=onnx` must be used with its packages: pip install convolution-trainer[export]. "
        "Received: no no_such_package\n"
    )


def test_help_needs_no_tensorflow() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "trainer.export", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--quantize" in done.stdout
    assert " tensorflow" not in done.stderr
