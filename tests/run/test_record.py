import dataclasses
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from trainer.data import Fingerprint
from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.run import record

DATA = Fingerprint(
    ("cat", "dog"), {"train": 8, "validation": 1, "test": 1}, {"names": "a", "labels": "b", "sizes": "c"}
)


def _revision() -> str | None:
    """Returns the commit of this work tree, if it is one."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():  # as unpacked from the source distribution
        return None
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_records_configuration_versions_and_revision(tmp_path: Path) -> None:
    record.write(tmp_path, record.make(HParams(filters=8), DATA, "bfloat16", "because"))
    written = json.loads((tmp_path / "hparams.json").read_text())
    assert written["configuration"] == HParams(filters=8).configuration()
    assert written["precision"] == {"name": "bfloat16", "reason": "because"}
    assert {"python", "tensorflow", "keras"} <= set(written["versions"])
    assert written["git_revision"] == _revision()
    assert [path.name for path in tmp_path.iterdir()] == ["hparams.json"]


def test_a_new_folder_and_the_same_configuration_are_welcome(tmp_path: Path) -> None:
    assert record.check(tmp_path, HParams()) == {}
    assert record.check(tmp_path / "missing", HParams()) == {}
    written = record.make(HParams(job_dir="here"), DATA, "float32", "so")
    record.write(tmp_path, written)
    assert record.check(tmp_path, HParams(job_dir="moved", strategy="mirrored")) == written


def test_rejects_another_configuration_and_says_what_differs(tmp_path: Path) -> None:
    record.write(tmp_path, record.make(HParams(), DATA, "float32", "so"))
    with pytest.raises(UsageError) as error:
        record.check(tmp_path, HParams(filters=8, seed=1))
    assert str(error.value) == (
        "`--job_dir` must be new, or contain a run of the same configuration. "
        f"Received: {tmp_path} (--filters=32 before, 8 now; --seed=0 before, 1 now)"
    )


def test_data_that_moved_are_the_same(tmp_path: Path) -> None:
    record.write(tmp_path, record.make(HParams(data="here"), DATA, "float32", "so"))
    former = record.check(tmp_path, HParams(data="/elsewhere/"))
    record.check_data(former, DATA, "/elsewhere/")
    record.check_data({}, DATA, "new")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": ("dog", "zebra")}, "class zebra is new; class cat is gone"),
        (
            {"counts": {"train": 7, "validation": 2, "test": 1}},
            "8 samples for train became 7; 1 samples for validation",
        ),
        ({"checksums": {**DATA.checksums, "labels": "x"}}, "the labels of samples changed"),
        ({"checksums": {**DATA.checksums, "sizes": "x"}}, "the sizes of samples changed"),
        ({"classes": tuple("abcdef")}, "class a is new; .*; and 4 more changes"),
    ],
)
def test_rejects_data_that_changed_and_says_in_what(changes: dict[str, Any], said: str) -> None:
    former = record.make(HParams(), DATA, "float32", "so")
    with pytest.raises(UsageError, match=rf"use another folder for other data\. Received: d.csv \({said}"):
        record.check_data(former, dataclasses.replace(DATA, **changes), "d.csv")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "{}",
        "[" * 100_000,  # tests.fuzz: run-1-54
        '{"configuration": {}, "precision": {}, "data": 3}',
        '{"configuration": {}, "precision": 1}',
        '{"configuration": {}, "precision": {"name": "float32", "reason": ""}, "data": {"counts": {"train": "x"}}}',
        '{"configuration": 0.5, "precision": {}}',
        '{"configuration": {}, "precision": {"name": "float31", "reason": ""}}',
        '{"configuration": {}, "precision": {"name": "float32", "reason": ""}, "epoch": 3}',
        '{"configuration": {}, "precision": {"name": "float32", "reason": ""}, "augmentation": {}}',
    ],
)
def test_rejects_a_folder_of_something_else(tmp_path: Path, text: str) -> None:
    (tmp_path / "hparams.json").write_text(text)
    with pytest.raises(UsageError, match="`--job_dir` must be empty or contain a run of this program"):
        record.check(tmp_path, HParams())


@pytest.mark.parametrize("was", [21, [22], None])  # tests.fuzz: run-19-1334
def test_rejects_an_epoch_of_other_steps(was: Any) -> None:
    record.check_steps({}, 22, "run")
    record.check_steps({"epoch": {"steps": 22}}, 22, "run")
    with pytest.raises(
        UsageError, match=rf"`--skip_broken=yes` leaves out .* Received: run \({re.escape(str(was))} steps"
    ):
        record.check_steps({"epoch": {"steps": was}}, 22, "run")


def test_a_record_tells_what_changes_the_weights() -> None:
    machine = {"cpu": "one", "instructions": "avx", "cores": 2, "threads": 2, "variables": {}, "devices": 1}
    epoch = {"steps": 21, "samples": 1293}
    made = record.make(HParams(), DATA, "float32", "so", epoch=epoch, machine=machine)
    assert (made["epoch"], made["machine"]) == (epoch, machine)
    assert record.changes(made, made) == []
    other = record.make(
        HParams(), DATA, "float32", "so", machine={**machine, "cpu": "another", "cores": 4, "threads": 4}
    )
    assert record.changes(made, other) == ["cpu one then, another now", "threads 2 then, 4 now"]
    older = {**made, "versions": {**made["versions"], "tensorflow": "2.0", "python": "3.0"}}
    assert record.changes(older, made) == [f"tensorflow 2.0 then, {made['versions']['tensorflow']} now"]


def test_a_record_of_before_says_nothing_of_the_machine() -> None:
    made = record.make(HParams(), DATA, "float32", "so", machine={"threads": 2})
    former = {name: value for name, value in made.items() if name not in ("machine", "epoch")}
    assert record.changes(former, made) == []


@pytest.mark.parametrize(
    ("names", "stranger"),
    [
        (["photo.png"], "photo.png"),
        (["cat/1.png", "dog/1.png"], "cat"),
        (["study.json", "1/hparams.json"], "1"),
        (["train.py", "logs/train/events"], "train.py"),
        (["logs/events"], "logs/events"),
        (["model/model.json"], "model/model.json"),
        ([".git/HEAD", "README.md"], "README.md"),
    ],
)
def test_rejects_a_folder_of_anything_else_before_a_run_begins(tmp_path: Path, names: list[str], stranger: str) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(UsageError) as error:
        record.check(tmp_path, HParams(job_dir=str(tmp_path)))
    assert str(error.value) == (
        f"`--job_dir` must be new, empty, or contain a run. Received: {tmp_path}, which contains {stranger}"
    )


@pytest.mark.parametrize(
    "names",
    [
        [],
        [".DS_Store", ".gitkeep"],
        ["logs/", "checkpoints/", "model/"],  # where a run was killed before its first line
        ["logs/.write-probe-3", "log.txt", "nohup.out", "screen.log", "train.sh", "config.yaml"],
        ["checkpoints/latest.json", "checkpoints/10/state", "logs/train/events"],
    ],
)
def test_a_folder_that_is_empty_or_a_runs_is_welcome(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    assert record.check(tmp_path, HParams(job_dir=str(tmp_path))) == {}


def test_images_that_broke_can_be_left_out_of_a_run_that_has_begun(tmp_path: Path) -> None:
    record.write(tmp_path, record.make(HParams(), DATA, "float32", "so"))
    assert record.check(tmp_path, HParams(skip_broken="yes", job_dir=str(tmp_path)))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"nets/mine.py": "b", "nets/blocks.py": "c"}, "changed: nets/mine.py"),
        ({"nets/mine.py": "a"}, "changed: nets/blocks.py"),
        ({"nets/mine.py": "a", "nets/blocks.py": "c", "nets/new.py": "d"}, "changed: nets/new.py"),
    ],
)
def test_rejects_a_network_whose_files_changed(now: dict[str, str], said: str) -> None:
    former = {"source": {"nets/mine.py": "a", "nets/blocks.py": "c"}}
    record.check_source(former, former["source"], "nets.mine:build")
    record.check_source({}, now, "nets.mine:build")
    with pytest.raises(UsageError, match=rf"`--model` must be the network of .* Received: nets.mine:build \({said}\)"):
        record.check_source(former, now, "nets.mine:build")


def _with_recipe(root: Path) -> None:
    """Records a run in which the recipe has set the dropout and the number of epochs."""
    made = record.make(HParams(dropout=0.2, epochs=26), DATA, "float32", "so")
    record.write(root, made | {"recipe": {"name": "gone", "reason": "so", "values": {"dropout": 0.2, "epochs": 26}}})


@pytest.mark.parametrize("hparams", [HParams(), HParams(dropout=0.2), HParams(epochs=26)])
def test_a_run_goes_on_with_what_its_recipe_has_set(tmp_path: Path, hparams: HParams) -> None:
    _with_recipe(tmp_path)
    assert record.check(tmp_path, hparams)["recipe"]["name"] == "gone"


@pytest.mark.parametrize(
    ("hparams", "said"),
    [
        (HParams(given_names=frozenset({"dropout"})), "--dropout=0.2 before, 0.3 now"),
        (HParams(batch_size=30), "--batch_size=0 before, 30 now"),
        (HParams(recipe="plain"), "--recipe=auto before, plain now"),
    ],
)
def test_rejects_a_flag_that_is_not_as_its_recipe_has_set_it(tmp_path: Path, hparams: HParams, said: str) -> None:
    _with_recipe(tmp_path)
    with pytest.raises(UsageError, match=re.escape(f"({said})")):
        record.check(tmp_path, hparams)


def test_a_flag_that_an_earlier_version_lacked_counts_as_its_default(tmp_path: Path) -> None:
    made = record.make(HParams(), DATA, "float32", "so")
    del made["configuration"]["mixup"]
    record.write(tmp_path, made)
    assert record.check(tmp_path, HParams())
    with pytest.raises(UsageError, match=re.escape("(--mixup=0.0 before, 0.5 now)")):
        record.check(tmp_path, HParams(mixup=0.5))


@pytest.mark.parametrize("values", [{"dropout": 2.0}, {"unknown": 1}, None])
def test_rejects_a_record_whose_recipe_is_damaged(tmp_path: Path, values: Any) -> None:
    made = record.make(HParams(), DATA, "float32", "so")
    record.write(tmp_path, made | {"recipe": {"name": "photos", "reason": "so", "values": values}})
    with pytest.raises(UsageError, match="unreadable"):
        record.check(tmp_path, HParams())
