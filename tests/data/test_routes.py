"""One data set by every route: a folder, a manifest, shards; from this machine and from a bucket."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.data.making import encoded, noise
from tests.gcs.server import Server, serve
from trainer import data
from trainer.data import PARTS
from trainer.data import convert as conversion
from trainer.data.kinds.image.kind import IMAGE
from trainer.data.loading import list_entries
from trainer.hparams import HParams


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the same images as class folders, beside a manifest, and as shards."""
    root = tmp_path_factory.mktemp("routes")
    rows = ["image,label"]
    for index in range(60):
        name = f"Klasse {index % 3}/Bild {index} é.png"
        for folder in ("folder", "listed"):
            path = root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded(noise(index)))
        rows.append(f"{name},Klasse {index % 3}")
    (root / "listed" / "images.csv").write_text("\n".join(rows))
    conversion.convert(
        list_entries(str(root / "folder")), IMAGE, root / "shards", 0.2, shard_bytes=10**4, skip_broken=False
    )
    return root


@pytest.fixture(scope="module")
def server(local: Path) -> Iterator[Server]:
    with serve(["bucket"], 0) as running:
        for path in local.rglob("*"):
            if path.is_file():
                running.put("bucket", f"data/{path.relative_to(local)}", path.read_bytes())
        yield running


@pytest.mark.parametrize("bucket", [False, True])
@pytest.mark.parametrize("name", ["folder", "listed", "listed/images.csv", "shards"])
def test_gives_the_same_batches(
    local: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, bucket: bool
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    where = f"gs://bucket/data/{name}" if bucket else str(local / name)
    hparams = HParams(data=where, validation_split=0.2, cache_dir=str(tmp_path))
    dataset = data.load_configured(hparams, Console(file=io.StringIO()))
    expected = data.load(str(local / "folder"), 0.2, 0)
    assert dataset.class_names == expected.class_names
    for part in PARTS:
        pairs = zip(*(getattr(one, part).preview() for one in (dataset, expected)), strict=True)
        for ours, theirs in pairs:
            np.testing.assert_array_equal(ours, theirs)


def test_a_managed_data_set_is_another_route(local: Path, server: Server, tmp_path: Path) -> None:
    rows = [f"{path},{path.parent.name}" for path in sorted((local / "folder").rglob("*.png"))]
    (tmp_path / "training-1.csv").write_text("\n".join(["image,label", *rows[1::2]]))
    (tmp_path / "test-1.csv").write_text("\n".join(["image,label", *rows[::2]]))
    managed = data.Managed(
        "csv", {part: f"{tmp_path}/{name}" for part, name in (("train", "training-*"), ("test", "test-*"))}
    )
    dataset = data.load_configured(HParams(data="managed", validation_split=0.2), Console(file=io.StringIO()), managed)
    assert dataset.class_names == ("Klasse 0", "Klasse 1", "Klasse 2")
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)][2] == 30
    assert len(dataset.train) + len(dataset.validation) == 30
