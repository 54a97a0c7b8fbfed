"""Images with an EXIF orientation are upright everywhere: as samples of folders and shards, and in statistics."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.making import encoded, noise
from trainer import data
from trainer.data import convert as conversion
from trainer.data.kinds.image.kind import IMAGE
from trainer.data.loading import list_entries

HEIGHT, WIDTH = 12, 16


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the same images as they are stored and as EXIF says, and its shards."""
    root = tmp_path_factory.mktemp("upright")
    for index in range(40):
        noted = Image.Exif()
        noted[0x0112] = 6 if index % 2 else 8
        path = root / "folder" / f"class{index % 2}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(noise(index, HEIGHT, WIDTH), exif=noted))
    conversion.convert(
        list_entries(str(root / "folder")), IMAGE, root / "shards", 0.2, shard_bytes=10**4, skip_broken=False
    )
    return root


@pytest.mark.parametrize("name", ["folder", "shards"])
def test_samples_are_upright(local: Path, name: str) -> None:
    dataset = data.load(str(local / name), 0.2, 0)
    assert dataset.form.sizes == (WIDTH, HEIGHT)
    wanted = {np.rot90(noise(index, HEIGHT, WIDTH), -1 if index % 2 else 1).tobytes() for index in range(40)}
    found = [sample.tobytes() for part in data.PARTS for sample in getattr(dataset, part).preview()[0]]
    assert {*found} == wanted


def test_statistics_are_of_upright_images(local: Path) -> None:
    recorded = json.loads((local / "shards" / "dataset.json").read_text())
    text = json.dumps(recorded)
    assert f'"height": {{"smallest": {WIDTH}' in text
    assert f'"width": {{"smallest": {HEIGHT}' in text


def test_a_photograph_of_a_phone_is_read_as_its_first_image_upright() -> None:
    noted, stream = Image.Exif(), io.BytesIO()
    noted[0x0112] = 6
    image = Image.fromarray(noise(0, 48, 64))
    image.save(stream, "MPO", save_all=True, append_images=[image.rotate(180)], exif=noted)
    header = IMAGE.read_header(stream.getvalue(), len(stream.getvalue()))
    assert (header.height, header.width) == (64, 48)
