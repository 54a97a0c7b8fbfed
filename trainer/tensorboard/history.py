"""What a run has logged, read from its event files."""

import functools
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from trainer.tensorboard.draw.sheets import Picture
from trainer.tensorboard.facts import PLUGIN


class Points(NamedTuple):
    """A scalar over the training.

    Attributes:
      steps: the step of each point.
      values: its value.
      seconds: its time since the first event of the log.
    """

    steps: list[int]
    values: list[float]
    seconds: list[float]


class History:
    """The log of one of TensorBoard's runs, such as `logs/train`, by this package or another.

    Args:
      folder: holds event files.

    Raises:
      FileNotFoundError: it holds none.
    """

    def __init__(self, folder: Path | str):
        if not any(Path(folder).glob("*tfevents*")):
            raise FileNotFoundError(f"`folder` must contain event files of TensorBoard. Received: {folder}")
        self._events = EventAccumulator(str(folder), size_guidance={TENSORS: 0}).Reload()

    @functools.cached_property
    def scalars(self) -> Mapping[str, Points]:
        """The scalars, by tag."""
        start = self._events.FirstEventTimestamp()
        found = {}
        for tag in self._tags("scalars"):
            points = self._events.Tensors(tag)
            values = [float(make_ndarray(point.tensor_proto)) for point in points]
            found[tag] = Points([point.step for point in points], values, [point.wall_time - start for point in points])
        return found

    def pictures(self, tag: str) -> dict[int, Picture]:
        """Returns the pictures of a tag by step, `(height, width, 3)` each.

        Raises:
          KeyError: the log has no pictures of this tag.
        """
        tags = self._tags("images")
        if tag not in tags:
            raise KeyError(f"`tag` must be one of {', '.join(sorted(tags))}. Received: {tag}")
        return {point.step: _decoded(make_ndarray(point.tensor_proto)[2]) for point in self._events.Tensors(tag)}

    def last(self, tag: str) -> Picture:
        """Returns the last picture of a tag; errors as for `pictures`."""
        pictures = self.pictures(tag)
        return pictures[max(pictures)]

    @functools.cached_property
    def encoded(self) -> Mapping[str, bytes]:
        """The last picture of each tag, as a PNG file."""
        return {tag: bytes(self._last(tag)[2]) for tag in self._tags("images")}

    @functools.cached_property
    def texts(self) -> Mapping[str, str]:
        """The last text of each tag, in Markdown."""
        return {tag: np.ravel(self._last(tag))[0].decode() for tag in self._tags("text")}

    @functools.cached_property
    def facts(self) -> Mapping[str, Any]:
        """The last value of each tag that `summaries.facts` has written."""
        return {tag: json.loads(np.ravel(self._last(tag))[0]) for tag in self._tags(PLUGIN)}

    def _last(self, tag: str) -> Any:
        return make_ndarray(self._events.Tensors(tag)[-1].tensor_proto)

    def _tags(self, plugin: str) -> list[str]:
        """Returns the tags of a kind; a tensor's kind is the plugin that shows it."""
        tags = self._events.Tags()["tensors"]
        return [tag for tag in tags if self._events.SummaryMetadata(tag).plugin_data.plugin_name == plugin]


def _decoded(content: bytes) -> Picture:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
