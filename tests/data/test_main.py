"""`python -m trainer.data`, from its words to its files."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.data.images import BROKEN
from tests.data.making import encoded, noise, write_classes
from trainer import data
from trainer.data import convert as conversion
from trainer.data import loading, survey
from trainer.data.__main__ import main
from trainer.data.lists import shards
from trainer.data.lists.entries import PARTS
from trainer.errors import UsageError


def _run(*arguments: str) -> tuple[int, list[str]]:
    screen = Console(file=io.StringIO(), width=80, soft_wrap=True)
    status = main(arguments, screen)
    return status, screen.file.getvalue().splitlines()  # type: ignore[attr-defined]


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "meine Bilder 図"
    write_classes(folder, {f"{part}/{label}": 12 for part in PARTS for label in ("a b", "ö")})
    return folder


def test_writes_shards_that_are_the_same_data_set(source: Path, tmp_path: Path) -> None:
    status, lines = _run(f"--data={source}", f"--to={tmp_path / 'to'}", "--shard_megabytes=0.002")
    assert status == 0
    assert lines[-1] == f"{tmp_path / 'to'}/dataset.json describes the shards"
    record = json.loads((tmp_path / "to" / "dataset.json").read_text())
    assert record["classes"] == ["a b", "ö"]
    assert record["left_out"] == []
    train = record["parts"]["train"]
    assert (train["images"], train["images_of_class"]) == (24, {"a b": 12, "ö": 12})
    assert train["height"] == {"smallest": 12, "median": 12, "largest": 12}
    names = {name for part in PARTS for name in record["parts"][part]["shards"]}
    assert {path.name for path in (tmp_path / "to").iterdir()} == names | {"dataset.json"}
    assert len(train["shards"]) > 1
    ours, theirs = (data.load(str(folder), 0.1, 0) for folder in (tmp_path / "to", source))
    assert ours.class_names == theirs.class_names
    for part in PARTS:  # the very order too: a training on either is the same
        for one, two in zip(*(getattr(dataset, part).preview() for dataset in (ours, theirs)), strict=True):
            np.testing.assert_array_equal(one, two)


def test_lists_everything_that_is_wrong_and_writes_nothing(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for index, (content, _) in enumerate(BROKEN.values()):
        (source / "train" / "ö" / f"{index} broken.jpg").write_bytes(content)
    twin = source / "test" / "ö" / "twin.png"
    twin.write_bytes((source / "train" / "ö" / "000.png").read_bytes())
    (source / "test" / "other").mkdir()
    (source / "test" / "other" / "one.png").write_bytes(encoded(noise(1000)))
    (source / "train" / "empty").mkdir()
    status, lines = _run(f"--data={source}", f"--to={tmp_path / 'to'}")
    assert status == 2
    wrong = {line for line in lines if line.startswith(str(source))}
    assert len(wrong) == len(BROKEN) + 3
    for index in range(len(BROKEN)):
        assert any(line.startswith(f"{source}/train/ö/{index} broken.jpg: cannot be read: ") for line in wrong)
    assert not any("Graph execution" in line for line in wrong)
    assert f"{source}/train/ö/000.png: in train; the same content as {twin}, in test" in wrong
    assert f"{source}/test/other/one.png: its class, other, has no sample to train on" in wrong
    assert f"{source}/train/empty: a class without a sample" in wrong
    assert f"Received: {source}, {len(wrong)} problems" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "to").iterdir()} == {".partial"}

    status, _ = _run(f"--data={source}", f"--to={tmp_path / 'to'}", "--skip_broken")
    assert status == 0
    record = json.loads((tmp_path / "to" / "dataset.json").read_text())
    assert {f"{one['place']}: {one['problem']}" for one in record["left_out"]} == wrong
    assert record["classes"] == ["a b", "ö"]
    assert record["parts"]["train"]["images"] == 23
    assert record["parts"]["test"]["images"] == 25
    assert data.load(str(tmp_path / "to"), 0.1, 0).classes == 2


def test_a_name_is_one_line_and_its_class_is_text(tmp_path: Path) -> None:
    folder = tmp_path / "from"
    classes = ["猫", "tab\there", "[0]", "猫|[0]"]
    for index, label in enumerate(classes):
        write_classes(folder, {label: 0})
        for seed in range(20):
            name = f"{seed} :cat: [b]\n" + os.fsdecode(b"\xff.png")
            (folder / label / name).write_bytes(encoded(noise(seed + 20 * index)))
    (folder / "猫" / "bad\n\x1b[31m.png").write_bytes(b"")
    status, lines = _run(f"--data={folder}", f"--to={tmp_path / 'to'}", "--skip_broken")
    assert status == 0
    assert f"{folder}/猫/bad\\n\\x1b[31m.png: cannot be read: an empty file" in lines
    again = loading.list_entries(str(tmp_path / "to"))
    assert {entry.label for entry in again} == {*classes}
    theirs = {entry.name for entry in loading.list_entries(str(folder)) if entry.label == "猫"} - {
        "猫/bad\n\x1b[31m.png"
    }
    assert {entry.name for entry in again if entry.label == "猫"} == theirs


def test_tells_lines_of_a_manifest_and_what_is_passed_over(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lists" / "empty").mkdir(parents=True)
    for part in PARTS:
        rows = [f"{path},{path.parent.name}" for path in sorted((source / part).rglob("*.png"))]
        (tmp_path / "lists" / f"{part}.csv").write_text("\n".join(["image,label", *rows, *rows[:2]]))
    (tmp_path / "lists" / "credits.csv").write_text("name,by\n")
    status, lines = _run(f"--data={tmp_path / 'lists'}", f"--to={tmp_path / 'to'}")
    assert status == 0, capsys.readouterr().err
    assert lines[0] == f"{tmp_path}/lists/credits.csv is ignored: it has no `image` and `label`"
    assert lines[1].endswith(".csv: 6 of 78 lines repeat a sample, which counts once")
    with (tmp_path / "lists" / "test.csv").open("a") as file:
        file.write(f"\n{source}/test/ö/003.png,a b\n")
    status, lines = _run(f"--data={tmp_path / 'lists'}", f"--to={tmp_path / 'other'}")
    assert status == 2
    place, wrong = f"{tmp_path}/lists/test.csv, line", f"{source}/test/ö/003.png"
    assert lines[-1] == f"{place} 28: {wrong}: of class a b; the same content as {place} 17: {wrong}, of class ö"


@pytest.mark.parametrize("damage", [lambda content: content[:-5], lambda content: content[:-40] + b"!" + content[-39:]])
def test_damaged_shards_are_one_line(
    source: Path, tmp_path: Path, damage: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(f"--data={source}", f"--to={tmp_path / 'to'}")[0] == 0
    shard = tmp_path / "to" / "test-00000-of-00001.tfrecord"
    shard.write_bytes(damage(shard.read_bytes()))
    assert _run(f"--data={tmp_path / 'to'}", f"--to={tmp_path / 'again'}")[0] == 2
    assert capsys.readouterr().err.startswith(f"trainer.data: {shard}: must ")
    with pytest.raises(UsageError, match=f"^{shard}: must "):
        data.load(str(tmp_path / "to"), 0.1, 0)


class Stop(KeyboardInterrupt):
    pass


@pytest.mark.parametrize("stopped_at", ["survey", "shards", "landing"])
def test_goes_on_where_it_stopped(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: str
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    tiny = "--shard_megabytes=0.003"
    assert _run(f"--data={source}", f"--to={whole}", tiny)[0] == 0
    monkeypatch.setattr(survey, "_CHUNK", 20)
    done = []

    def failing(real: object, calls: int) -> object:
        def call(*arguments: object, **options: object) -> object:
            if len(done) == calls:
                raise Stop
            done.append(arguments)
            return real(*arguments, **options)  # type: ignore[operator]

        return call

    module, name, calls = {
        "survey": (survey, "_find", 45),
        "shards": (shards, "_example", 30),
        "landing": (Path, "replace", 12),
    }[stopped_at]
    with monkeypatch.context() as patch:
        patch.setattr(module, name, failing(getattr(module, name), calls))
        assert _run(f"--data={source}", f"--to={stopped}", tiny)[0] == 130
    assert not (stopped / "dataset.json").exists()
    looked: list[object] = []
    real = survey._find
    monkeypatch.setattr(survey, "_find", lambda *arguments: looked.append(arguments) or real(*arguments))
    assert _run(f"--data={source}", f"--to={stopped}", tiny)[0] == 0
    assert len(looked) == (72 - 40 if stopped_at == "survey" else 0)
    assert _content(stopped) == _content(whole)


def test_an_image_that_changes_meanwhile_is_an_error(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = shards.plan

    def plan(*arguments: object) -> object:
        (source / "train" / "ö" / "003.png").write_bytes(encoded(noise(77)))
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(conversion.shards, "plan", plan)
    assert _run(f"--data={source}", f"--to={tmp_path / 'to'}")[0] == 2
    assert "003.png: must not change while it is read. Received: a change" in capsys.readouterr().err
    monkeypatch.undo()
    assert _run(f"--data={source}", f"--to={tmp_path / 'to'}")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data={source}", "--to=gs://bucket/x"], "`--to` must be a folder on this machine, or below /gcs/."),
        (["--data={source}", "--to={source}"], "`--to` must be a new or an empty folder. Received: "),
        (["--data={source}", "--to={source}/train/ö/000.png"], "`--to` must be a folder that can be written."),
        (["--data=nothing", "--to=to"], "`--data` must be one of digits, "),
        (["--data={source}", "--to=to", "--validation_split=2"], "`--validation_split` must be above 0 and below 1."),
        (["--data={source}", "--to=to", "--shard_megabytes=0"], "`--shard_megabytes` must be above 0. Received: 0.0"),
    ],
)
def test_rejects_flags_that_break_a_rule(
    source: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _ = _run(*(argument.format(source=source) for argument in arguments))
    assert status == 2
    assert capsys.readouterr().err.startswith(f"trainer.data: {message}")


def test_rejects_data_of_which_nothing_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_classes(tmp_path / "from", {f"{part}/{label}": 1 for part in PARTS for label in "ab"})
    for path in (tmp_path / "from" / "test").rglob("*.png"):
        path.write_bytes(b"")
    assert _run(f"--data={tmp_path / 'from'}", f"--to={tmp_path / 'to'}", "--skip_broken=yes")[0] == 2
    assert (
        "must have images without a problem in two classes, and in each of train, validation, test."
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data=d", "--to=t", "--skip-brokn=yes"], "`--skip-brokn` is not a flag. Did you mean --skip_broken?"),
        (["--data=d", "--output=t"], "`--output` is not a flag. Did you mean --to?"),
        (["--data=d", "--to=t", "--lr=1"], "`--lr` is not a flag. --help lists all."),
        (["--data=d"], "`--to` must be given. Received: nothing"),
        (["--data=d", "--to"], "`--to` must have a value. Received: expected one argument"),
        (["--data=d", "--to=t", "--skip-broken=maybe"], "`--skip_broken` must be one of no, yes. Received: maybe"),
        (["--data=d", "--to=t", "--validation_split=x"], "`--validation_split` must be a number. Received: x"),
        (["d", "--data=d", "--to=t"], "every argument must be a flag, as in --data=…. Received: d"),
    ],
)
def test_a_wrong_flag_is_one_line_that_names_it(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"trainer.data: {message}\n"


def test_names_of_folders_are_no_patterns_and_the_home_folder_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_classes(tmp_path / "a[1]*?", {"cat": 20, "dog": 20})
    status, _ = _run("--data=~/a[1]*?", "--to=~/to [x]", "--skip-broken")
    assert status == 0
    assert (tmp_path / "to [x]" / "dataset.json").is_file()
