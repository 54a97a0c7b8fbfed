"""Samples on the disk, which become the very batches that they would in memory."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.data.making import encoded, noise
from trainer import data
from trainer.data import Files, Form, Memory, Store, on_device, order
from trainer.data.kinds.image.header import Header
from trainer.data.kinds.image.kind import IMAGE
from trainer.data.lists.entries import WHOLE, Entry
from trainer.data.stores.locations import Locations

COUNT, FORM = 20, Form((12, 16), 3)
PIXELS = np.stack([noise(seed) for seed in range(COUNT)])
TARGETS = np.arange(COUNT, dtype=np.int32)
HEADERS = [Header("PNG", 12, 16, False)]


@pytest.fixture(scope="module", params=["files", "parts of files"])
def locations(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Locations:
    folder, images = tmp_path_factory.mktemp("images"), [encoded(pixels) for pixels in PIXELS]
    if request.param == "files":
        files = tuple(str(folder / f"ein Bild {index}.png") for index in range(COUNT))
        for file, image in zip(files, images, strict=True):
            Path(file).write_bytes(image)
        return Locations(files, np.array([(index, 0, WHOLE) for index in range(COUNT)]))
    files = (str(folder / "one"), str(folder / "two"))
    rows = np.zeros((COUNT, 3), np.int64)
    for number, file in enumerate(files):
        content = b"begin"
        for index in range(number, COUNT, 2):
            rows[index] = number, len(content), len(images[index])
            content += images[index] + b"between"
        Path(file).write_bytes(content)
    return Locations(files, rows)


@pytest.fixture
def files(locations: Locations) -> Files:
    return Files(locations, TARGETS, FORM, IMAGE, IMAGE.make_decoder(HEADERS, FORM))


@pytest.fixture
def memory() -> Memory:
    return Memory(PIXELS, TARGETS, Form(PIXELS.shape[1:-1], PIXELS.shape[-1]))


def _same(ours: list[tuple[np.ndarray, ...]], theirs: list[tuple[np.ndarray, ...]]) -> None:
    for batch, other_batch in zip(ours, theirs, strict=True):
        for values, others in zip(batch, other_batch, strict=True):
            np.testing.assert_array_equal(values, others)


@pytest.mark.parametrize("preset", ["", "affine", "photo"])
@pytest.mark.parametrize("share", [(0, 1, 1), (0, 2, 2), (1, 1, 2), (2, 2, 4)])
def test_training_batches_are_those_of_memory(
    files: Files, memory: Memory, share: tuple[int, int, int], preset: str
) -> None:
    ours, theirs = (
        data.training_batches(
            one, 8, 3, augment=bool(preset), steps=range(1, 6), share=data.Share(*share), preset=preset
        )
        for one in (files, memory)
    )
    assert ours.element_spec == theirs.element_spec
    _same(list(ours.as_numpy_iterator()), list(theirs.as_numpy_iterator()))


@pytest.mark.parametrize("replicas", [1, 3])
def test_evaluation_batches_are_those_of_memory(files: Files, memory: Memory, replicas: int) -> None:
    for first in range(replicas):
        share = data.Share(first, 1, replicas)
        ours, theirs = (data.evaluation_batches(one, share).as_numpy_iterator() for one in (files, memory))
        _same(list(ours), list(theirs))


def test_large_images_are_evaluated_in_small_batches(locations: Locations) -> None:
    repeated, form = np.repeat(np.arange(COUNT), 10), Form((224, 224), 3)
    large = Files(locations.chosen(repeated), TARGETS[repeated], form, IMAGE, IMAGE.make_decoder(HEADERS, form))
    assert data.evaluation_steps(large) == 8  # 27 at a time, and not 200
    batches = list(data.evaluation_batches(large.chosen(np.arange(60))))
    assert [len(labels) for _, labels in batches] == [20, 20, 20]


def test_both_stores_show_the_same(files: Files, memory: Memory) -> None:
    stores: list[Store] = [files, memory]
    for store in stores:
        assert (len(store), store.form) == (COUNT, FORM)
        images, targets = store.preview()
        np.testing.assert_array_equal(images, PIXELS)
        np.testing.assert_array_equal(targets, TARGETS)
        assert list(store.find_broken()) == []
    assert files.arrays() == {}
    again = Memory(**memory.arrays(), form=memory.form)
    np.testing.assert_array_equal(again.samples, PIXELS)
    np.testing.assert_array_equal(again.targets, TARGETS)


@pytest.mark.parametrize("batches", [[[3, 3, 0], [19, 4, 7]], [[5], [2, 1, 0, 19, 18]]])
def test_reads_the_samples_of_each_vector(files: Files, memory: Memory, batches: list[list[int]]) -> None:
    lengths = {len(batch) for batch in batches}
    spec = tf.TensorSpec((lengths.pop() if len(lengths) == 1 else None,), tf.int64)
    for store in (files, memory):
        elements = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=spec)
        read = store.read(elements, lambda element: element, lambda element, samples: (element, samples))
        for batch, (element, images) in zip(batches, read, strict=True):
            np.testing.assert_array_equal(element, batch)
            np.testing.assert_array_equal(images, PIXELS[batch])


def test_previews_no_more_than_fits_in_memory(files: Files) -> None:
    large = dataclasses.replace(files, form=Form((4000, 1200), 3))
    sized = dataclasses.replace(large, decode=lambda encoded: tf.zeros(large.form.shape, tf.uint8))
    assert sized.preview()[0].shape == (4, 4000, 1200, 3)


def test_changes_are_those_of_the_first_step(files: Files) -> None:
    changes = data.changes(files, 8, 3, "photo", 5)
    assert changes is not None
    batches = [
        next(iter(data.training_batches(files, 8, 3, augment=augment, steps=range(1), preset="photo")))
        for augment in (False, True)
    ]
    for shown, (images, *_) in zip(changes, batches, strict=True):
        np.testing.assert_array_equal(shown, images[:5])
    assert data.changes(files, 8, 3, "none", 5) is None


def test_says_where_an_image_is(locations: Locations) -> None:
    assert locations.content(3) == encoded(PIXELS[3])
    assert locations.content(3, 10) == encoded(PIXELS[3])[:10]
    file, offset, length = locations.rows[3]
    entry = Entry(locations.files[file], "cat", "one", "train", int(offset), int(length))
    assert locations.name(3) == entry.location
    assert entry.location.startswith(entry.file if length == WHOLE else f"{entry.file}, {length} bytes from ")
    assert Locations.of([entry]).content(0) == entry.read() == encoded(PIXELS[3])


def test_all_files_are_read_for_a_device_to_hold(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "_EVALUATION_BATCH", 6)
    samples, targets = on_device.arrays(files)
    np.testing.assert_array_equal(samples, PIXELS)
    np.testing.assert_array_equal(targets, TARGETS)
    assert samples.nbytes + targets.nbytes == on_device.size(files)
