"""A volume as a record for other programs."""

from collections.abc import Mapping

from trainer.data.kinds.kind import Description


def features(description: Description) -> Mapping[str, int | str]:
    """Returns the fields of a `tf.train.Example` that only a volume has, beside its content and its class."""
    depth, height, width = description["sizes"]
    return {
        "volume/format": str(description["format"]).lower(),
        "volume/depth": int(depth),
        "volume/height": int(height),
        "volume/width": int(width),
        "volume/channels": int(description["channels"]),
    }
