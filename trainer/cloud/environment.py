"""Where a run takes place: which folders take its output, which machines train, who learns its metric."""

import contextlib
import dataclasses
import datetime
import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from trainer.cloud.cluster import Cluster
from trainer.errors import UsageError

_ROLES = {"model": "AIP_MODEL_DIR", "checkpoints": "AIP_CHECKPOINT_DIR", "logs": "AIP_TENSORBOARD_LOG_DIR"}


@dataclasses.dataclass(frozen=True)
class Environment:
    """The folders of one run, the machines that share it, and how a tuning service learns its metric.

    Attributes:
      root: holds `hparams.json`; the three folders are below it unless Vertex places them elsewhere.
      logs: TensorBoard's event files.
      checkpoints: what a stopped run goes on from.
      model: the trained model.
      metric_file: where cloudml-hypertune writes, in a trial of a tuning job only.
      cluster: the machines that train together; nothing where this one trains by itself.
      tpu: TensorFlow's name of the TPU to train on, from `TPU_NAME`; nothing where there is none.
    """

    root: Path
    logs: Path
    checkpoints: Path
    model: Path
    metric_file: str | None = None
    cluster: Cluster | None = None
    tpu: str | None = None

    @property
    def is_chief(self) -> bool:
        """Whether this machine writes the run's output, which one of all that train together does."""
        return self.cluster is None or self.cluster.is_chief

    @classmethod
    def read(cls, variables: Mapping[str, str], job_dir: str, now: datetime.datetime) -> "Environment":
        """Returns the environment that a process was started in.

        Each of Vertex's `AIP_MODEL_DIR`, `AIP_CHECKPOINT_DIR` and `AIP_TENSORBOARD_LOG_DIR` replaces one folder of
        the root. A bucket, `gs://bucket/…`, is written through the mount that Vertex provides, `/gcs/bucket/…`.

        Args:
          variables: the process's environment variables.
          job_dir: the root; where empty, the folder above Vertex's, else `runs/<date-time>`.
          now: the time that names a new root.

        Raises:
          UsageError: a bucket is named where no bucket is mounted, or the cluster's description is malformed.
        """
        given = {role: _mounted(variables[name], name) for role, name in _ROLES.items() if variables.get(name)}
        if job_dir:
            root = _mounted(job_dir, "--job_dir")
        elif given:
            root = next(iter(given.values())).parent
        else:
            root = _unused(Path("runs") / now.strftime("%Y%m%d-%H%M%S"))
        folders = {role: given.get(role, root / role) for role in _ROLES}
        return cls(
            root=root,
            metric_file=variables.get("CLOUD_ML_HP_METRIC_FILE") or None,
            cluster=Cluster.read(variables),
            tpu=variables.get("TPU_NAME") or None,
            **folders,
        )

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Makes every folder of the run, proves that each can be written, and keeps other processes out meanwhile.

        Raises:
          UsageError: one cannot be written, or another process trains there.
        """
        for folder in (self.root, self.logs, self.checkpoints, self.model):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                probe = folder / f".write-probe-{os.getpid()}"
                probe.touch()
                probe.unlink()
            except OSError as error:
                raise UsageError(
                    f"`--job_dir` must be a folder that can be written. Received: {folder} ({error.strerror})"
                ) from None
        lock = os.open(self.root, os.O_RDONLY)  # the folder's own; it ends with the process, however that ends
        try:
            with contextlib.suppress(OSError):  # a file system without locks
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise UsageError(
                        f"`--job_dir` must be a folder that no other process trains in. Received: {self.root}"
                    ) from None
            yield
        finally:
            os.close(lock)


def _mounted(location: str, name: str) -> Path:
    if not location.startswith("gs://"):
        return Path(location)
    path = Path("/gcs") / location.removeprefix("gs://")
    if len(path.parts) > 2 and Path(*path.parts[:3]).is_dir():
        return path
    raise UsageError(
        f"`{name}` must be a local folder, or in a bucket that is mounted below /gcs as on Vertex AI. "
        f"Received: {location}"
    )


def _unused(path: Path) -> Path:
    candidates = (path, *(path.with_name(f"{path.name}-{count}") for count in range(2, 1000)))
    return next(candidate for candidate in candidates if not candidate.exists())
