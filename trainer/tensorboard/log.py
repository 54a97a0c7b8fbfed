"""The event files of one run of the program, one in each of TensorBoard's runs: `.`, `train` and `validation`."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import tensorflow as tf
from tensorboard.compat.proto.summary_pb2 import Summary

from trainer.errors import StorageError

RUN, TRAIN, VALIDATION = RUNS = ("", "train", "validation")  # TensorBoard's names; the first is the folder itself


class Log:
    """Writes events; a resumed run continues where its checkpoint was saved.

    Args:
      folder: the run's log folder.
      sizes: of a resumed run, the bytes of each event file when it was saved; later bytes are removed and
        written again. None keeps the files.

    Attributes:
      is_new: nothing was written before.

    Raises:
      StorageError: an event cannot be written.
    """

    def __init__(self, folder: Path, sizes: Mapping[str, int] | None = None):
        self.folder = folder
        self.is_new = not any((sizes or {}).values())
        if sizes is not None:
            for name, size in self.sizes().items():
                if sizes.get(name, 0) == 0:
                    (folder / name).unlink()
                elif size > sizes[name]:
                    os.truncate(folder / name, sizes[name])
        with self._named_failures():
            self._writers = {run: tf.summary.create_file_writer(str(folder / run)) for run in RUNS}

    def add(self, run: str, summary: Summary, step: int) -> None:
        """Adds a summary to one of TensorBoard's runs."""
        with self._named_failures(), self._writers[run].as_default(step):
            tf.summary.experimental.write_raw_pb(summary.SerializeToString())

    def add_graph(self, graph: tf.compat.v1.GraphDef) -> None:
        """Adds the graph of operations, one for each run."""
        with self._named_failures(), self._writers[RUN].as_default(0):
            tf.summary.graph(graph)

    def flush(self) -> None:
        with self._named_failures():
            for writer in self._writers.values():
                writer.flush()

    def close(self) -> None:
        with self._named_failures():
            for writer in self._writers.values():
                writer.close()

    def sizes(self) -> dict[str, int]:
        """Returns the size of each event file, in bytes, by its path within the folder."""
        files = (path for run in RUNS for path in (self.folder / run).glob("events.out.tfevents.*"))
        return {str(path.relative_to(self.folder)): path.stat().st_size for path in files}

    @contextlib.contextmanager
    def _named_failures(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            reason = error.message.splitlines()[0].rpartition("; ")[2]
            raise StorageError(f"the logs in {self.folder} cannot be written: {reason}") from None
