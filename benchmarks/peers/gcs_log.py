"""Logs in a bucket: ours, written to a local folder and sent in the background, and TensorFlow's."""

import contextlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.peers import gcs_process
from trainer.buckets.location import SyncedFolder
from trainer.buckets.storage import Storage

FLUSH = 10_000  # bytes
_PATIENCE = 600.0  # seconds until everything has arrived


def ours(bucket: str, flushes: int, pace: float) -> list[float]:
    """Writes a log as a run does, and returns the seconds that each flush took in the writing thread.

    Args:
      bucket: the bucket, which has the log when this returns.
      flushes: the number of flushes.
      pace: seconds between flushes; 0 means one pass after each flush, not counted, and no agent.
    """
    from trainer.tensorboard.log import TRAIN, Log

    with tempfile.TemporaryDirectory() as folder, contextlib.closing(storage(bucket, Path(folder))) as sent:
        sent.look()
        sent.begin()
        if pace:
            sent.start()
        log, seconds, first = Log(Path(folder) / "logs"), [], time.perf_counter()
        for index in range(flushes):
            time.sleep(max(0.0, first + index * pace - time.perf_counter()))
            summary, begin = _summary(index), time.perf_counter()
            log.add(TRAIN, summary, index)
            log.flush()
            seconds.append(time.perf_counter() - begin)
            if not pace:
                sent.sync()
        log.close()
        if pace:
            sent.finish(_PATIENCE)
        else:
            sent.sync()
        return seconds


def theirs(bucket: str, flushes: int) -> list[float]:
    """Writes a log with TensorFlow's gs:// file system, and returns the seconds of each flush."""
    import tensorflow as tf

    writer, seconds = tf.summary.create_file_writer(f"gs://{bucket}/logs"), []
    with writer.as_default():
        for index in range(flushes):
            summary, begin = _summary(index), time.perf_counter()
            tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=index)
            writer.flush()
            seconds.append(time.perf_counter() - begin)
    writer.close()
    return seconds


def storage(bucket: str, root: Path) -> Storage:
    """Returns the storage that uploads a run's folders."""
    remote = f"gs://{bucket}/run"
    places = {role: SyncedFolder(root / role, f"{remote}/{role}") for role in ("logs", "checkpoints", "model")}

    def tell(line: str) -> None:
        print(line, file=sys.stderr)

    return Storage({"root": SyncedFolder(root, remote), **places}, log=tell, client=gcs_process.client())


def _summary(index: int) -> Any:
    import numpy as np
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.util import tensor_util

    values = np.random.default_rng(index).standard_normal(FLUSH // 4, np.float32)
    return Summary(value=[Summary.Value(tag="weights", tensor=tensor_util.make_tensor_proto(values))])
