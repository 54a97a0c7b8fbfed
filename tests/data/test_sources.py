"""Images on the disk, which become the very batches that they would in memory."""

from pathlib import Path

import numpy as np
import pytest

from tests.data.making import encoded, noise
from trainer import data
from trainer.data.sources import WHOLE, Sources

COUNT, SHAPE = 20, (12, 16, 3)
PIXELS = np.stack([noise(seed) for seed in range(COUNT)])


@pytest.fixture(scope="module", params=["files", "parts of files"])
def sources(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder, images = tmp_path_factory.mktemp("images"), [encoded(pixels) for pixels in PIXELS]
    labels = np.arange(COUNT, dtype=np.int32)
    if request.param == "files":
        files = tuple(str(folder / f"ein Bild {index}.png") for index in range(COUNT))
        for file, image in zip(files, images, strict=True):
            Path(file).write_bytes(image)
        places = np.array([(index, 0, WHOLE) for index in range(COUNT)])
    else:
        files = (str(folder / "one"), str(folder / "two"))
        places = np.zeros((COUNT, 3), np.int64)
        for number, file in enumerate(files):
            content = b"begin"
            for index in range(number, COUNT, 2):
                places[index] = number, len(content), len(images[index])
                content += images[index] + b"between"
            Path(file).write_bytes(content)
    return Sources(files, places, labels, SHAPE)


@pytest.fixture
def split(sources: Sources) -> data.Split:
    return data.Split(PIXELS, sources.labels)


def _same(ours: list[tuple[np.ndarray, np.ndarray]], theirs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for (images, labels), (other_images, other_labels) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(images, other_images)
        np.testing.assert_array_equal(labels, other_labels)


@pytest.mark.parametrize("preset", ["", "affine", "photo"])
@pytest.mark.parametrize("share", [(0, 1, 1), (0, 2, 2), (1, 1, 2), (2, 2, 4)])
def test_training_batches_are_those_of_memory(
    sources: Sources, split: data.Split, share: tuple[int, int, int], preset: str
) -> None:
    ours, theirs = (
        data.training_batches(
            one, 8, 3, augment=bool(preset), steps=range(1, 6), share=data.Share(*share), preset=preset
        )
        for one in (sources, split)
    )
    assert ours.element_spec == theirs.element_spec
    _same(list(ours.as_numpy_iterator()), list(theirs.as_numpy_iterator()))


@pytest.mark.parametrize("replicas", [1, 3])
def test_evaluation_batches_are_those_of_memory(sources: Sources, split: data.Split, replicas: int) -> None:
    for first in range(replicas):
        share = data.Share(first, 1, replicas)
        ours, theirs = (data.evaluation_batches(one, share).as_numpy_iterator() for one in (sources, split))
        _same(list(ours), list(theirs))


def test_large_images_are_evaluated_in_small_batches(sources: Sources) -> None:
    large = Sources(sources.files, np.repeat(sources.places, 10, 0), np.repeat(sources.labels, 10), (224, 224, 3))
    assert data.evaluation_steps(large) == 8  # 27 at a time, and not 200
    batches = list(data.evaluation_batches(large.chosen(np.arange(60))))
    assert [len(labels) for _, labels in batches] == [20, 20, 20]


def test_samples_are_the_first_images(sources: Sources) -> None:
    images, labels = data.samples(sources)
    np.testing.assert_array_equal(images, PIXELS)
    np.testing.assert_array_equal(labels, sources.labels)


def test_changes_are_those_of_the_first_step(sources: Sources) -> None:
    changes = data.changes(sources, 8, 3, "photo", 5)
    assert changes is not None
    batches = [
        next(iter(data.training_batches(sources, 8, 3, augment=augment, steps=range(1), preset="photo")))
        for augment in (False, True)
    ]
    for shown, (images, _) in zip(changes, batches, strict=True):
        np.testing.assert_array_equal(shown, images[:5])
    assert data.changes(sources, 8, 3, "none", 5) is None


def test_says_where_an_image_is(sources: Sources) -> None:
    assert sources.content(3) == encoded(PIXELS[3])
    assert sources.content(3, 10) == encoded(PIXELS[3])[:10]
    name = sources.name(3)
    assert name.startswith(sources.files[3] if len(sources.files) > 2 else sources.files[1] + ", ")
