import numpy as np
import pytest

from trainer import data
from trainer.data import order


@pytest.fixture(scope="module")
def store() -> data.Memory:
    images = np.random.default_rng(0).integers(0, 256, (10, 14, 14, 1), dtype=np.uint8)
    return data.Memory(images, np.arange(10, dtype=np.int32), data.Form((14, 14), 1))


def _labels(store: data.Memory, steps: range, seed: int = 0) -> list[list[int]]:
    batches = data.training_batches(store, 3, seed, augment=False, steps=steps)
    return [labels.numpy().tolist() for _, labels, *_ in batches]


def test_the_rows_that_fill_a_part_batch_are_others_than_its_own(store: data.Memory) -> None:
    for *_, last in (_labels(store, range(4)), _labels(store, range(8))):
        assert len(set(last)) == 3


def test_a_batch_follows_from_seed_and_step_alone(store: data.Memory) -> None:
    assert _labels(store, range(7))[4:] == _labels(store, range(4, 7))
    assert _labels(store, range(7), seed=1) != _labels(store, range(7), seed=2)


def test_augmentation_follows_from_seed_and_step_alone(store: data.Memory) -> None:
    def last(steps: range, seed: int) -> np.ndarray:
        *_, (images, *_) = data.training_batches(store, 3, seed, augment=True, steps=steps)
        return images.numpy()

    np.testing.assert_array_equal(last(range(5), 0), last(range(4, 5), 0))
    assert not np.array_equal(last(range(5), 0), last(range(5), 1))


def test_augmentation_moves_an_image_a_little_and_leaves_its_label() -> None:
    dot = np.zeros((64, 29, 29, 1), np.uint8)
    dot[:, 13:16, 13:16] = 255
    store = data.Memory(dot, np.arange(64, dtype=np.int32), data.Form((29, 29), 1))
    ((images, labels),) = data.training_batches(store, 64, 0, augment=True, steps=range(1))
    weights = images.numpy()[..., 0] / images.numpy().sum(axis=(1, 2, 3))[:, None, None]
    grid = np.arange(29) - 14
    offset = np.stack([(weights * grid).sum(axis=(1, 2)), (weights * grid[:, None]).sum(axis=(1, 2))])
    assert np.abs(offset).max() < 2 * 29 / 28 * 1.6  # the shift, under a scaling of down to 0.8 and a shear
    assert 0.5 < offset.std() < 2
    assert np.abs(offset.mean(axis=1)).max() < 0.5
    assert sorted(labels.numpy()) == list(range(64))


@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("shares", [[(0, 2, 4), (2, 2, 4)], [(0, 1, 2), (1, 1, 2)], [(0, 4, 4)]])
def test_shares_are_the_batch_bit_for_bit(
    store: data.Memory, shares: list[tuple[int, int, int]], augment: bool
) -> None:
    def images_of(share: data.Share) -> list[np.ndarray]:
        return [
            images.numpy()
            for images, *_ in data.training_batches(store, 8, 0, augment=augment, steps=range(2, 5), share=share)
        ]

    parts = [images_of(data.Share(*share)) for share in shares]
    for index, whole in enumerate(images_of(data.Share())):
        own = [part[index * share[1] : (index + 1) * share[1]] for part, share in zip(parts, shares, strict=True)]
        np.testing.assert_array_equal(np.concatenate(sum(own, [])), whole)


@pytest.mark.parametrize("replicas", [1, 2, 3, 10])
def test_every_replica_evaluates_as_many_batches_and_none_is_empty(store: data.Memory, replicas: int) -> None:
    shares = [data.Share(first, 1, replicas) for first in range(replicas)]
    labels = [[labels.numpy() for _, labels in data.evaluation_batches(store, share)] for share in shares]
    assert {len(batches) for batches in labels} == {data.evaluation_steps(store, replicas)}
    assert all(len(batch) for batches in labels for batch in batches)
    assert sorted(np.concatenate(sum(labels, []))) == list(range(10))


def test_evaluation_shows_every_image_once_in_order(store: data.Memory) -> None:
    batches = list(data.evaluation_batches(store))
    np.testing.assert_array_equal(np.concatenate([images for images, _ in batches]), store.samples)
    assert batches[0][0].dtype == "float32"


@pytest.mark.parametrize("count", [1, 3])
def test_variants_are_every_sample_as_it_is_and_then_changed(
    store: data.Memory, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "_EVALUATION_BATCH", 4)
    found = [batch.numpy() for batch in data.variants(store, count, seed=7, preset="affine")]
    assert {len(batch) for batch in found} == {4}
    assert len(found) == 3 * count
    by_variant = np.concatenate(found).reshape(count, 12, *store.form.shape)[:, :10]
    np.testing.assert_array_equal(by_variant[0], store.samples)
    changed = [(other != store.samples).any(axis=(1, 2, 3)) for other in by_variant[1:]]
    assert all(rows.mean() > 0.5 for rows in changed)
    if count > 1:
        assert (by_variant[1] != by_variant[2]).any()


@pytest.mark.parametrize("share", [data.Share(), data.Share(1, 1, 2)])
def test_variant_batches_hold_the_samples_of_training_batches_and_a_variant_by_epoch(
    store: data.Memory, share: data.Share
) -> None:
    variants = np.stack([store.samples.astype(np.float32) + 1000 * index for index in range(3)])
    steps = range(1, 10)  # from the middle of an epoch of three steps
    ours = data.variant_batches(variants, store.targets, 4, 7, steps=steps, share=share)
    plain = data.training_batches(store, 4, 7, augment=False, steps=steps, share=share)
    for step, (one, other) in zip(steps, zip(ours, plain, strict=True), strict=True):
        np.testing.assert_array_equal(one[0], other[0] + 1000 * (step // 3 % 3))
        np.testing.assert_array_equal(one[1], other[1])
