"""An image as a record for other programs."""

from collections.abc import Mapping

from trainer.data.kinds.kind import Description


def features(description: Description) -> Mapping[str, int | str]:
    """Returns the fields of a `tf.train.Example` that only an image has, beside its content and its class."""
    return {
        "image/format": str(description["format"]).lower(),
        "image/height": int(description["height"]),
        "image/width": int(description["width"]),
    }
