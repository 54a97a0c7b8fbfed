"""Whether left and right have meaning in images: whether mirrored copies make their classes harder to classify.

A small classifier is trained once with and once without mirrored copies, and
classifies each image by all the others. If b and d, or arrows to the left and to the right, are classes, the copies
make half of its answers wrong; for photographs, they help a little.

Sources: Coates, Ng and Lee, "An Analysis of Single-Layer Networks in Unsupervised Feature Learning" (2011), for the
features: parts of the image, wherever they are; Rasmussen and Williams, "Gaussian Processes for Machine Learning"
(2006), 5.4.2, for leaving images out of a ridge regression.
"""

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

SIDE = 32  # pixels of the images that are looked at
MOST = 400  # images; a second's work on two cores

Array = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Right = npt.NDArray[np.bool_]

_PATCH = 6  # pixels
_PATCHES, _WORDS, _ROUNDS = 8000, 64, 8  # of k-means, which finds the parts that images are made of
_RIDGES = (0.01, 0.1, 1.0, 10.0)
_CHUNK = 64  # images whose patches are in memory at once
# At most one of fifty data sets in which sides mean nothing is left unmirrored, which costs little; one in which they
# have meaning is not learned with mirroring. Photographs of 155 and of 52 images had 0.5 or more, ten pairs of signs
# 0.005 or less.
LEVEL = 0.02


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The effect of mirrored copies on the classification of images.

    Attributes:
      have_meaning: whether the copies reduce the accuracy significantly.
      images: the number of images.
      without: the accuracy without mirrored copies.
      beside: the accuracy with them.
    """

    have_meaning: bool
    images: int
    without: float
    beside: float

    def __str__(self) -> str:
        return f"{self.images:,} images: {self.without:.0%} correct without mirroring, {self.beside:.0%} with it"


def look(images: npt.NDArray[Any], targets: npt.NDArray[np.int32], level: float = LEVEL) -> Verdict:
    """Returns whether the sides of images have meaning; the same for the same images.

    Args:
      images: `(count, 32, 32, channels)`, at least two.
      targets: their classes' numbers, `(count,)`.
      level: the significance level.
    """
    pixels = images.astype(np.float32)
    parts = _Parts.of(pixels, np.random.default_rng(0))
    features = np.concatenate([parts.features(pixels), parts.features(pixels[:, :, ::-1])])
    labels = np.unique(targets, return_inverse=True)[1]
    without, beside = _classified(features, labels)
    chance = min(_chance(without == labels, beside == labels), _chance_of_pairs(without, beside, labels))
    return Verdict(chance < level, len(images), *(float((found == labels).mean()) for found in (without, beside)))


@dataclasses.dataclass(frozen=True)
class _Parts:
    """The most common small parts of images.

    Attributes:
      mean: of normalized patches, `(values,)`.
      whitening: what makes their values independent, `(values, values)`.
      words: typical ones, `(words, values)`.
    """

    mean: Array
    whitening: Array
    words: Array

    @classmethod
    def of(cls, images: Array, random: np.random.Generator) -> "_Parts":
        """Returns those of some images, `(count, height, width, channels)`."""
        images = images[:_CHUNK]
        patches = _patches(images).reshape(-1, _PATCH * _PATCH * images.shape[-1])
        some = _normalized(patches[random.integers(0, len(patches), _PATCHES)])
        mean = some.mean(0)
        values, vectors = np.linalg.eigh(np.cov((some - mean).T))
        whitening = ((vectors / np.sqrt(values + 0.1)) @ vectors.T).astype(np.float32)
        white = (some - mean) @ whitening
        words = white[random.permutation(len(white))[:_WORDS]]
        for _ in range(_ROUNDS):
            nearest = (white @ words.T - 0.5 * np.square(words).sum(1)).argmax(1)
            words = np.stack(
                [white[nearest == one].mean(0) if (nearest == one).any() else words[one] for one in range(_WORDS)]
            )
        return cls(mean, whitening, words)

    def features(self, images: Array) -> Array:
        """Returns how much of each word there is, in the whole image and in each quarter of it, `(count, features)`."""
        projection = self.whitening @ self.words.T
        offset, lengths = self.mean @ projection, np.square(self.words).sum(1)
        found = []
        for first in range(0, len(images), _CHUNK):
            patches = _patches(images[first : first + _CHUNK])
            distances = lengths - 2 * (_normalized(patches) @ projection - offset)
            near = np.maximum(distances.mean(-1, keepdims=True) - distances, 0)
            half = near.shape[1] // 2
            quarters = [near[:, :half, :half], near[:, :half, half:], near[:, half:, :half], near[:, half:, half:]]
            found.append(np.concatenate([*(one.mean((1, 2)) for one in (near, *quarters)), near.max((1, 2)) / 8], 1))
        return np.concatenate(found)


def _patches(images: Array) -> Array:
    """Returns all patches of images, `(count, rows, columns, values)`."""
    views = np.lib.stride_tricks.sliding_window_view(images, (_PATCH, _PATCH), axis=(1, 2))
    return views.reshape(*views.shape[:3], -1)


def _normalized(patches: Array) -> Array:
    """Returns patches without their brightness and contrast."""
    centred = patches - patches.mean(-1, keepdims=True)
    scaled: Array = centred / np.sqrt(np.square(centred).mean(-1, keepdims=True) + 10)
    return scaled


def _classified(features: Array, labels: Labels) -> tuple[Labels, Labels]:
    """Returns the classes that all other images give each image, and that they give it with their mirrored copies.

    Args:
      features: of the images, then of their mirrored copies, `(2 count, features)`.
      labels: `(count,)`.
    """
    count = len(labels)
    scaled = ((features - features.mean(0)) / (features.std(0) + 1e-6)).astype(np.float64)
    products = scaled @ scaled.T / scaled.shape[1] + 0.09  # and a constant
    wanted = 2.0 * np.eye(labels.max() + 1)[labels] - 1
    index = np.arange(count)
    pairs = np.stack([index, index + count], 1)
    best: list[Labels] = [np.full(count, -1)] * 2
    for ridge in _RIDGES:
        inverse = np.linalg.inv(products[:count, :count] + ridge * np.eye(count))
        without = wanted - (inverse @ wanted) / np.diag(inverse)[:, None]
        inverse = np.linalg.inv(products + ridge * np.eye(2 * count))
        weights = (inverse @ np.concatenate([wanted, wanted]))[pairs]
        blocks = inverse[pairs[:, :, None], pairs[:, None, :]]  # an image is excluded together with its copy
        beside = wanted - np.linalg.solve(blocks, weights)[:, 0]
        for which, scores in enumerate((without, beside)):
            found = scores.argmax(1)
            best[which] = found if (found == labels).sum() > (best[which] == labels).sum() else best[which]
    return best[0], best[1]


def _chance_of_pairs(before: Labels, after: Labels, labels: Labels) -> float:
    """Returns the probability that any two classes are confused so much more often by chance."""
    taken = np.sort([np.tile(labels, 2), np.concatenate([before, after])], axis=0)
    mistakes = {(int(one), int(other)) for one, other in taken.T if one != other}
    found = []
    for one, other in sorted(mistakes):
        within = np.logical_and.reduce([(which == one) | (which == other) for which in (labels, before, after)])
        if (before != after)[within].any():
            found.append(_chance((before == labels)[within], (after == labels)[within]))
    return len(found) * min(found) if found else 1.0


def _chance(before: Right, after: Right) -> float:
    """Returns the probability that so many more images are misclassified by chance: a sign test."""
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    ways = sum(math.comb(lost + won, more) for more in range(lost, lost + won + 1))
    return float(ways / 2 ** (lost + won))
