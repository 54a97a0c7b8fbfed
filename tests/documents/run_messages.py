"""What is said of flags, data, folders and models."""

import datetime
import io
import socket
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.conftest import write_idx
from tests.data.making import encoded, noise, write_classes
from tests.documents.provoking import Provocation, of_a_run, printed, raised
from trainer import data, predict, serve
from trainer.data.convert import convert
from trainer.data.kinds.image.kind import IMAGE
from trainer.data.loading import list_entries
from trainer.environment import Environment
from trainer.hparams import HParams
from trainer.run import record
from trainer.serving.options import Options
from trainer.training.checkpoint import Store

_NOW = datetime.datetime(2026, 7, 1)


def _load(make: Callable[[Path], str]) -> Provocation:
    return lambda folder: raised(lambda: data.load(make(folder), 0.1, seed=0))


def _classes(**counts: int) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        write_classes(folder, counts)
        return str(folder)

    return make


def _deep(folder: Path) -> str:
    write_classes(folder / "train", {"cat": 2})
    write_classes(folder / "other", {"cat": 2})
    return str(folder)


def _nested(folder: Path) -> str:
    write_classes(folder / "photos", {"cat": 2, "dog": 2})
    return str(folder)


def _file(name: str, content: bytes) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        (folder / name).write_bytes(content)
        return str(folder / name) if name.endswith("l") or name.endswith("csv") else str(folder)

    return make


def _broken(folder: Path) -> str:
    write_classes(folder, {"cat": 30, "dog": 30})
    for path in (folder / "cat").iterdir():
        path.write_bytes(encoded(noise())[:20])
    return str(folder)


def _contradiction(folder: Path) -> str:
    write_classes(folder, {"cat": 30, "dog": 30})
    (folder / "dog" / "copy.png").write_bytes((folder / "cat" / "000.png").read_bytes())
    return str(folder)


def _undownloaded(folder: Path) -> str:
    def fail() -> None:
        raise OSError("URL fetch failure")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.datasets.mnist, "load_data", fail)
        return raised(lambda: data.load("mnist", 0.1, seed=0))


def _cut_idx(folder: Path) -> str:
    for part in ("train", "t10k"):
        write_idx(folder / f"{part}-images-idx3-ubyte", np.zeros((9, 8, 8)))
        write_idx(folder / f"{part}-labels-idx1-ubyte", np.arange(9) % 3)
    images = folder / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1])
    return str(folder)


def _held(folder: Path) -> str:
    environment = Environment.read({}, str(folder / "run"), _NOW)
    with environment.claimed():
        return raised(lambda: environment.claimed().__enter__())


def _other_flags(folder: Path) -> str:
    record.write(folder, record.make(HParams(filters=64), data.Fingerprint(), "float32", ""))
    return raised(lambda: record.check(folder, HParams()))


def _other_data(folder: Path) -> str:
    former = record.make(HParams(), data.Fingerprint(("cat", "dog")), "float32", "")
    changed = data.Fingerprint(("dog", "zebra"), checksums={"names": "other"})
    return raised(lambda: record.check_data(former, changed, str(folder)))


def _unreadable(folder: Path) -> str:
    (folder / "hparams.json").write_text("{")
    return raised(lambda: record.check(folder, HParams()))


def _other_checkpoints(folder: Path) -> str:
    Store(folder, {"filters": 2}).write(1, [b"state"], best=1, about={})
    return raised(lambda: Store(folder, {"filters": 3}).newest(str))


def _damaged(folder: Path) -> str:
    store, said = Store(folder, {}), list[str]()
    store.write(1, [b"state"], best=1, about={})
    next(path for path in (folder / "1").iterdir() if path.suffix != ".json").write_bytes(b"stave")
    store.newest(said.append)
    return said[0]


def _filled(folder: Path) -> str:
    (folder / "mine").touch()
    entries = list_entries(_classes(cat=20, dog=20)(folder / "images"))
    return raised(lambda: convert(entries, IMAGE, folder, 0.1, shard_bytes=1000, skip_broken=False))


def _taken_port(folder: Path) -> str:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        options = Options(model="m", port=other.getsockname()[1])
        return raised(lambda: serve.listening(options).__enter__())


PROVOCATIONS: dict[str, Provocation] = {
    "no flag": of_a_run("--filtrs=3"),
    "rule": of_a_run("--filters=0"),
    "word": of_a_run("--epochs=", "3"),
    "kernel": of_a_run("--stride=20", "--job_dir={folder}/run"),
    "parameters": of_a_run("--filters=100000", "--job_dir={folder}/run"),
    "batch": of_a_run("--batch_size=100000", "--job_dir={folder}/run"),
    "machines": of_a_run("--strategy=multi_worker", "--job_dir={folder}/run"),
    "cluster": of_a_run(TF_CONFIG="{"),
    "no data": of_a_run("--data={folder}/nowhere", "--job_dir={folder}/run"),
    "no download": _undownloaded,
    "no class": _load(str),
    "other folder": _load(_deep),
    "nested": _load(_nested),
    "one class": _load(_classes(cat=60)),
    "few": _load(_classes(cat=1, dog=1)),
    "broken": _load(_broken),
    "csv": _load(_file("list.csv", b"image,label\na.png\n")),
    "jsonl": _load(_file("list.jsonl", b"{\n")),
    "part": _load(_file("list.csv", b"image,label,split\na.png,cat,trian\n")),
    "idx": _load(_cut_idx),
    "gzip": _load(_file("a.tfrecord", b"\x1f\x8b" + bytes(20))),
    "cut": _load(_file("a.tfrecord", b"\x01\x00\x00")),
    "quote": _load(_file("list.csv", b'image,label\na.png,"cat\nb.png,dog\n')),
    "fraction": _load(_file("list.csv", b"image,label\na.png,0.5\n")),
    "several": _load(_file("list.csv", b"image,label\na.png,cat\nb.png,cat|dog\n")),
    "two labels": _load(_file("list.jsonl", b'{"image": "a", "label": 1, "class": 2}')),
    "two parts": _load(_file("train_val.tfrecord", b"")),
    "a shard is missing": _load(_file("train-00000-of-00002", b"")),
    "contradiction": _load(_contradiction),
    "filled": _filled,
    "held": _held,
    "other flags": _other_flags,
    "other data": _other_data,
    "unreadable": _unreadable,
    "other checkpoints": _other_checkpoints,
    "damaged": _damaged,
    "not writable": lambda folder: raised(Environment.read({}, "/proc/run", _NOW).claimed().__enter__),
    "must": of_a_run("--resume=must", "--job_dir={folder}/run"),
    "no model": lambda folder: printed(lambda: predict.main([], io.BytesIO())),
    "wrong model": lambda folder: printed(lambda: predict.main([f"--model={folder}", "a.png"], io.BytesIO())),
    "port": _taken_port,
}
