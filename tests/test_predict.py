import io
import json
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.kinds.signal import waves
from tests.data.making import encoded
from tests.gcs.server import serve
from tests.serving import models
from trainer import predict
from trainer.data.form import Form


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.exported(tmp_path_factory.mktemp("exported"), models.build())


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("a.png", "b 本.PNG", "c.jpg")]
    for path, content in zip(paths, models.encoded(models.pixels(3)), strict=True):
        path.write_bytes(content)
    return paths


def _expected() -> list[tuple[str, float]]:
    probabilities = models.probabilities(models.build(), models.pixels(3))
    return [(models.CLASSES[row.argmax()], row.max()) for row in probabilities]


def _run(folder: Path, *arguments: object, given: bytes = b"") -> int:
    return predict.main([f"--model={folder}", *map(str, arguments)], io.BytesIO(given))


def test_prints_a_line_for_each_image(folder: Path, images: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(folder, *images, "--batch-size=2") == 0
    lines = capsys.readouterr().out.splitlines()
    expected = [
        f"{path}\t{name}\t{probability:.4f}" for path, (name, probability) in zip(images, _expected(), strict=True)
    ]
    assert lines == expected


def test_prints_the_most_probable_classes(folder: Path, images: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(folder, "--top=2", images[0]) == 0
    path, first, high, second, low = capsys.readouterr().out.strip().split("\t")
    assert (path, first) == (str(images[0]), _expected()[0][0])
    assert float(high) >= float(low)
    assert second in models.CLASSES
    assert _run(folder, "--top=9", images[0]) == 0
    assert len(capsys.readouterr().out.split("\t")) == 1 + 2 * len(models.CLASSES)


def test_prints_json(folder: Path, images: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(folder, "--json", "--top=3", images[1], "-", given=images[2].read_bytes()) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["image"] for one in found] == [str(images[1]), "-"]
    for one, (name, probability) in zip(found, _expected()[1:], strict=True):
        assert one["class"] == name
        assert one["probability"] == pytest.approx(probability, abs=1e-5)
        assert one["top"][0] == {"class": name, "probability": one["probability"]}
        assert sum(entry["probability"] for entry in one["top"]) == pytest.approx(1)


def test_fetches_a_model_from_a_bucket(
    folder: Path,
    images: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve(rate_limit=False) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        for path in folder.rglob("*"):
            if path.is_file():
                server.put("bucket", f"run/model/{path.relative_to(folder).as_posix()}", path.read_bytes())
        arguments = ["--model=gs://bucket/run/model", f"--cache_dir={tmp_path / 'cache'}", str(images[0])]
        assert predict.main(arguments, io.BytesIO()) == 0
        output = capsys.readouterr()
        assert output.out.split("\t")[1] == _expected()[0][0]
        assert "downloads 3 of 3 files" in output.err
        assert predict.main(["--model=gs://bucket/nothing", str(images[0])], io.BytesIO()) == 2
        assert "Received: gs://bucket/nothing" in capsys.readouterr().err
        for name in ("run", "run/", "run/model/model.keras"):
            assert predict.main([f"--model=gs://bucket/{name}", *arguments[1:]], io.BytesIO()) == 0
            assert capsys.readouterr().out.split("\t")[1] == _expected()[0][0]


def test_looks_through_a_folder(folder: Path, images: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    (images[0].parent / "notes.txt").write_text("no image")
    assert _run(folder, images[0].parent, images[0]) == 0
    assert [line.partition("\t")[0] for line in capsys.readouterr().out.splitlines()] == sorted(map(str, images))


def _signals(folder: Path, form: Form) -> Path:
    return models.exported(folder, models.build(form=form), form)


_TONES = Form((40,), 1, -math.inf, math.inf, (0.0,), (0.25,), (1 / 8000,), "s")


def test_answers_for_wav_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, folder = _signals(tmp_path / "model", _TONES), tmp_path / "tones"
    (folder / "deep").mkdir(parents=True)
    signals = [waves.noise(seed, 40) for seed in range(3)]
    names = [folder / "a.wav", folder / "b.WAV", folder / "deep" / "c.wave"]
    for name, signal in zip(names, signals, strict=True):
        name.write_bytes(waves.written(signal, 32))
    (folder / "a.png").write_bytes(b"no signal")
    assert _run(model, "--json", folder) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["signal"] for one in found] == [*map(str, names)]
    expected = models.probabilities(models.build(form=_TONES), np.stack(signals))
    for one, row in zip(found, expected, strict=True):
        assert one["class"] == models.CLASSES[row.argmax()]
        assert one["probability"] == pytest.approx(row.max(), abs=1e-4)
    names[1].write_bytes(b"RIFF")
    assert _run(model, *names) == 2
    output = capsys.readouterr()
    assert len(output.out.splitlines()) == 2
    assert output.err.startswith(f"trainer.predict: {names[1]}: ")


_SERIES = """\
@problemName Toy
@univariate false
@dimensions 2
@classLabel true 1 2
@data
1,2,3,4:4,3,2,1:1
1,?,3:0,0,0:2
"""


def test_answers_for_each_series_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    form = Form((4,), 2, -math.inf, math.inf, (0.0, 1.0), (1.0, 2.0))
    model, path = _signals(tmp_path / "model", form), tmp_path / "Toy_TEST.ts"
    path.write_text(_SERIES)
    assert _run(model, path) == 0
    lines = capsys.readouterr().out.splitlines()
    series = np.array([[[1, 4], [2, 3], [3, 2], [4, 1]], [[1, 0], [2, 0], [3, 0], [2, 0]]])
    expected = models.probabilities(models.build(form=form), series)
    assert lines == [
        f"{path}:{number}\t{models.CLASSES[row.argmax()]}\t{row.max():.4f}" for number, row in enumerate(expected, 1)
    ]
    path.write_text(_SERIES.replace("false", "true").replace("@dimensions 2\n", "").replace(":4,3,2,1:", ":"))
    assert _run(model, path) == 2
    assert "Toy_TEST.ts" in capsys.readouterr().err


def test_a_broken_file_of_series_stops_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = _signals(tmp_path / "model", _TONES)
    names = [tmp_path / name for name in ("a.wav", "b.ts", "none.tsv", "c.ts", "d.wav")]
    for index in (0, 4):
        names[index].write_bytes(waves.written(waves.noise(index, 30)))
    names[1].write_text("@classLabel true a\n@data\n1,2,3:a\n")
    names[3].write_text("no series\n")
    assert _run(model, *names) == 2
    output = capsys.readouterr()
    assert [line.partition("\t")[0] for line in output.out.splitlines()] == [
        str(names[0]),
        f"{names[1]}:1",
        str(names[4]),
    ]
    assert [line.split(": ")[1].partition(",")[0] for line in output.err.splitlines()] == [str(names[2]), str(names[3])]


def test_a_broken_image_is_named_and_the_others_are_answered(
    folder: Path, images: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    images[1].write_bytes(images[1].read_bytes()[:60])
    assert _run(folder, *images, images[0].parent / "none.png", "-") == 2
    output = capsys.readouterr()
    assert [line.partition("\t")[0] for line in output.out.splitlines()] == [str(images[0]), str(images[2])]
    missing, broken, empty = output.err.splitlines()
    assert f"{images[1]}: " in broken
    assert missing == f"trainer.predict: {images[0].parent / 'none.png'}: No such file or directory"
    assert empty == "trainer.predict: -: an empty file"


def test_names_that_are_no_text_keep_to_their_line(
    folder: Path, images: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    strange = images[0].with_name(os.fsdecode(b"new\nline\xff.png"))
    images[0].rename(strange)
    assert _run(folder, strange) == 0
    assert "new\\nline\\udcff.png\t" in capsys.readouterr().out


def test_classes_keep_to_their_line_too(
    folder: Path, images: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(folder, tmp_path / "model")
    card = json.loads((copy / "model.json").read_text())
    card["classes"] = [f"two\nlines\t{name}" for name in card["classes"]]
    (copy / "model.json").write_text(json.dumps(card))
    assert _run(copy, *images) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(images)
    assert all("\ttwo\\nlines\\t" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model=", "a.png"], "`--model` must be the folder model/ of a finished run. Received: nothing"),
        (["--model=m"], "`FILE` must be one or more files, folders, or - for standard input. Received: nothing"),
        (["--model=m", "--top=0", "a.png"], "`--top` must be a whole number from 1"),
        (["--model=m", "--batch_size=x", "a.png"], "`--batch_size` must be a whole number from 1"),
        (["--model=m", "--tpo=2", "a.png"], "`--tpo` is not a flag. Did you mean --top?"),
        (["--model=nowhere", "a.png"], "Received: nowhere (model.json: No such file or directory)"),
    ],
)
def test_rejects_what_breaks_a_rule(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict.main(arguments, io.BytesIO()) == 2
    assert message in capsys.readouterr().err


def test_what_is_no_file_is_named_at_once(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert _run(folder, f"{tmp_path}/pipe", "/dev/zero") == 2
    assert capsys.readouterr().err.splitlines() == [
        f"trainer.predict: {tmp_path}/pipe: not a file",
        "trainer.predict: /dev/zero: not a file",
    ]


def test_rejects_a_folder_without_images(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(folder, tmp_path) == 2
    assert "`FILE` must be a file, or a folder that contains images" in capsys.readouterr().err


def test_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert predict.main(["--help"], io.BytesIO()) == 0
    assert "--model MODEL" in capsys.readouterr().out


def test_classifies_folders_of_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    form = Form((4, 6, 5), 1)
    model = models.build(form=form)
    folder = models.exported(tmp_path / "model", model, form)
    videos = np.random.default_rng(0).integers(0, 256, (3, *form.shape), np.uint8)
    for name, video in zip(("one", "deep/two", "deep/three"), videos, strict=True):
        (tmp_path / "clips" / name).mkdir(parents=True)
        for number, frame in enumerate(video, 8):  # 8, 9, 10, 11
            (tmp_path / "clips" / name / f"frame_{number}.png").write_bytes(encoded(frame))
    names = [f"{tmp_path}/clips/{name}" for name in ("deep/three", "deep/two", "one")]
    expected = [models.CLASSES[row.argmax()] for row in models.probabilities(model, videos[::-1])]

    assert _run(folder, tmp_path / "clips") == 0
    assert [line.split("\t")[:2] for line in capsys.readouterr().out.splitlines()] == [
        [name, label] for name, label in zip(names, expected, strict=True)
    ]
    (tmp_path / "clips" / "one" / "frame_9.png").write_bytes(b"")
    assert _run(folder, *names) == 2
    found = capsys.readouterr()
    assert [line.split("\t")[0] for line in found.out.splitlines()] == names[:2]
    assert found.err == f"trainer.predict: {names[2]}: its frame frame_9.png: an empty file\n"


def test_explains_each_image_in_a_picture(
    folder: Path, images: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, pictures = tmp_path / "broken.png", tmp_path / "new" / "pictures"
    broken.write_bytes(b"no image")
    assert _run(folder, *images, broken, tmp_path / "c.jpg", "--json", f"--explain={pictures}") == 2
    named = [json.loads(line)["explanation"] for line in capsys.readouterr().out.splitlines()]
    assert named == ["a.png", "b 本.png", "c.png"]
    assert sorted(path.name for path in pictures.iterdir()) == sorted(named)
    with Image.open(pictures / "a.png") as picture:
        assert picture.width == 350


def test_explains_samples_of_one_name_apart(
    folder: Path, images: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").mkdir()
    shutil.copy(images[0], tmp_path / "other" / "a.jpeg")
    assert _run(folder, images[0], tmp_path / "other", "-", f"--explain={tmp_path / 'p'}", given=b"") == 2
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["a-2.png", "a.png"]


@pytest.mark.parametrize("where", ["full", "a file", "gs://bucket/folder", "/proc/1/pictures"])
def test_rejects_a_folder_for_pictures(
    folder: Path, images: list[Path], tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.png").write_bytes(b"kept")
    (tmp_path / "a file").write_bytes(b"kept")
    given = where if ":" in where or where.startswith("/") else tmp_path / where
    assert _run(folder, *images, f"--explain={given}") == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("trainer.predict: `--explain` must be a ")
    assert f"Received: {given} (" in captured.err
    assert not captured.out
    assert (tmp_path / "full" / "mine.png").read_bytes() == (tmp_path / "a file").read_bytes() == b"kept"
