"""A look at every pixel of a data set, whose results are kept, so that a survey that was stopped goes on."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from trainer import files
from trainer.data import inspection
from trainer.data.entries import Entry
from trainer.data.kinds.image.decode import decode
from trainer.data.kinds.image.header import Header
from trainer.data.sources import Sources

_CHUNK = 1000  # images whose results are one file; a few seconds' work
_SIDE = 32  # pixels that images are brought to for the statistics of their colours


@dataclasses.dataclass(frozen=True)
class Finding:
    """What one image is.

    Attributes:
      reason: why it cannot be read; empty where it can.
      digest: the content's checksum.
      bytes: the content's length.
      format: JPEG, PNG, GIF, BMP or WebP.
      height: in pixels.
      width: in pixels.
      is_grey: whether it has one channel.
      mean: of each of red, green and blue, over 32x32 pixels.
      square: the means of their squares.
    """

    reason: str = ""
    digest: str = ""
    bytes: int = 0
    format: str = ""
    height: int = 0
    width: int = 0
    is_grey: bool = False
    mean: Sequence[float] = ()
    square: Sequence[float] = ()


def survey(entries: Sequence[Entry], work: Path, told: Callable[[int], object]) -> list[Finding]:
    """Returns what each image is; what a former survey left in the folder is not looked at again.

    Args:
      entries: the images.
      work: a folder that is there.
      told: hears of so many more images.
    """
    findings: list[Finding] = []
    look = tf.function(_statistics, input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
    stamps: dict[str, tuple[int, int]] = {}
    for first in range(0, len(entries), _CHUNK):
        some = entries[first : first + _CHUNK]
        path = work / f"survey-{_key(some, stamps)}.json"
        if path.exists():
            found = [Finding(**one) for one in json.loads(path.read_text())]
            told(len(found))
        else:
            sources = Sources.of(some)
            found = list(inspection.each(functools.partial(_find, sources, look), len(some), told))
            files.replace(path, json.dumps([dataclasses.asdict(one) for one in found]))
        findings += found
    return findings


def _find(sources: Sources, look: Callable[[tf.Tensor], tf.Tensor], index: int) -> Finding:
    try:
        content = sources.content(index)
        header = Header.read(content)
        mean, square = look(tf.constant(content)).numpy().tolist()
    except (OSError, ValueError, tf.errors.OpError) as error:
        return Finding(inspection.reason_of(error))
    digest = hashlib.sha256(content).hexdigest()
    return Finding("", digest, len(content), **dataclasses.asdict(header), mean=mean, square=square)


def _statistics(encoded: tf.Tensor) -> tf.Tensor:
    pixels = tf.cast(decode(encoded, (_SIDE, _SIDE), 3), tf.float32)
    return tf.stack([tf.reduce_mean(pixels, (0, 1)), tf.reduce_mean(tf.square(pixels), (0, 1))])


def _key(entries: Sequence[Entry], stamps: dict[str, tuple[int, int]]) -> str:
    """Returns a name for what would change if one of these images did."""
    said: list[Any] = []
    for entry in entries:
        if entry.file not in stamps:
            try:
                status = Path(entry.file).stat()
                stamps[entry.file] = status.st_size, status.st_mtime_ns
            except OSError:
                stamps[entry.file] = 0, 0
        said.append((entry.file, entry.offset, entry.length, *stamps[entry.file]))
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def statistics(findings: Sequence[Finding]) -> dict[str, Any]:
    """Returns what the images are like: how many, how large, of which format and colour."""
    sides = np.array([(one.height, one.width) for one in findings])
    mean = np.mean([one.mean for one in findings], 0)
    square = np.mean([one.square for one in findings], 0)
    formats = sorted({one.format for one in findings})
    return {
        "images": len(findings),
        "bytes": sum(one.bytes for one in findings),
        "formats": {name: sum(one.format == name for one in findings) for name in formats},
        "grey": sum(one.is_grey for one in findings),
        "height": _spread(sides[:, 0]),
        "width": _spread(sides[:, 1]),
        "mean": [round(float(value), 2) for value in mean],
        "deviation": [round(float(value), 2) for value in np.sqrt(np.maximum(square - mean**2, 0))],
    }


def _spread(values: np.ndarray) -> dict[str, int]:
    return {"smallest": int(values.min()), "median": int(np.median(values)), "largest": int(values.max())}
