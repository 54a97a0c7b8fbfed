"""TFRecord files that tests make."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf


def _feature(value: Any) -> tf.train.Feature:
    values = value if isinstance(value, list) else [value]
    if all(isinstance(one, int) for one in values):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    if all(isinstance(one, float) for one in values):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    encoded = [one.encode() if isinstance(one, str) else one for one in values]
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=encoded))


def example(**fields: Any) -> bytes:
    features = {name.replace("__", "/"): _feature(value) for name, value in fields.items()}
    return bytes(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def write(path: Path, examples: Sequence[bytes], compression: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), compression or None) as writer:
        for one in examples:
            writer.write(one)
