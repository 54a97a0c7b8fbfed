"""The environment of a run: its output folders, cache, machines and metric file."""

import contextlib
import dataclasses
import datetime
import enum
import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from trainer import files
from trainer.buckets.location import Location, SyncedFolder, is_remote
from trainer.cluster import Cluster
from trainer.errors import StorageError, UsageError
from trainer.hparams import HParams

_ROLES = {"model": "AIP_MODEL_DIR", "checkpoints": "AIP_CHECKPOINT_DIR", "logs": "AIP_TENSORBOARD_LOG_DIR"}

PRECISION_FILE = "TRAINER_PRECISION_FILE"
PARALLEL_TRIALS = "TRAINER_PARALLEL_TRIALS"
PHASE = "TRAINER_PHASE"

_MANAGED = {
    "format": "AIP_DATA_FORMAT",
    "train": "AIP_TRAINING_DATA_URI",
    "validation": "AIP_VALIDATION_DATA_URI",
    "test": "AIP_TEST_DATA_URI",
}

# Variables that change TensorFlow's computation: its own, oneDNN's, XLA's and CUDA's.
_NUMERIC = (
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_XLA_FLAGS",
    "TF_DETERMINISTIC_OPS",
    "ONEDNN_MAX_CPU_ISA",
    "XLA_FLAGS",
    "NVIDIA_TF32_OVERRIDE",
)

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Phase(enum.Enum):
    """What one process does of a run; a study trains many runs, and finishes those whose models it keeps.

    To finish a run is to evaluate the test part, draw what the network has learned, and write the model and the report.
    """

    WHOLE = "whole"
    TRAINING = "training"  # ends when the last epoch is saved
    FINISH = "finish"  # after the last epoch; epochs that are not saved are trained again
    STOPPED = "stopped"  # the same of a run that was stopped early: nothing more is trained

    @property
    def is_last(self) -> bool:
        """Whether the run was trained by another process."""
        return self in (Phase.FINISH, Phase.STOPPED)


@dataclasses.dataclass(frozen=True)
class Environment:
    """The folders, machines and metric file of one run.

    Attributes:
      root: the folder with `hparams.json`; it contains the three other folders unless Vertex AI sets them. All four are
        on this machine.
      logs: the folder of TensorBoard's event files.
      checkpoints: the folder from which an interrupted run resumes.
      model: the folder of the trained model.
      metric_file: the file that cloudml-hypertune writes, only in a trial of a tuning job.
      cluster: the machines that train together; None if this one trains alone.
      tpu: TensorFlow's name of the TPU, from `TPU_NAME`; empty if there is none.
      managed: the files of a data set that Vertex AI manages, by split, `train`, `validation` and `test`, and their
        `format`; empty if the job has none.
      remotes: for each of the four folders, by name, its copy in a bucket; empty if they stay on this machine.
      cache: the folder for transfers from and to a bucket, and for measurements of this machine.
      is_new: whether the root is a new folder named by the time; see `reserved`.
      numeric: the set variables that change TensorFlow's computation.
      precision_file: the file in which the first trial of a study records the precision that it chose.
      parallel_trials: the number of trials of a study that share this machine's GPUs.
      is_deployed: whether `AIP_MODEL_DIR` is in a bucket, as on Vertex AI, which can deploy the model from there.
      phase: what this process does of the run.
    """

    root: Path
    logs: Path
    checkpoints: Path
    model: Path
    metric_file: str | None = None
    cluster: Cluster | None = None
    tpu: str | None = None
    managed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    remotes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    cache: Path = dataclasses.field(default_factory=lambda: cache_folder(HParams.cache_dir))
    is_new: bool = False
    numeric: Mapping[str, str] = dataclasses.field(default_factory=dict)
    precision_file: Path | None = None
    parallel_trials: int = 1
    is_deployed: bool = False
    phase: Phase = Phase.WHOLE

    @property
    def is_chief(self) -> bool:
        """Whether this machine writes the run's output; only one of the machines does."""
        return self.cluster is None or self.cluster.is_chief

    @property
    def synced(self) -> dict[str, SyncedFolder]:
        """Each folder with its copy in a bucket; empty if all stay on this machine."""
        return {name: SyncedFolder(getattr(self, name), remote) for name, remote in self.remotes.items()}

    def shown(self, name: str) -> str:
        """Returns the location of one of the four folders, for messages."""
        return self.remotes.get(name) or str(getattr(self, name))

    @classmethod
    def read(
        cls, variables: Mapping[str, str], job_dir: str, now: datetime.datetime, cache_dir: str = HParams.cache_dir
    ) -> "Environment":
        """Returns the environment of a process.

        Each of Vertex's `AIP_MODEL_DIR`, `AIP_CHECKPOINT_DIR` and `AIP_TENSORBOARD_LOG_DIR` replaces one folder of
        the root. A folder in a bucket, `gs://bucket/…`, is first written to the cache.

        Args:
          variables: the process's environment variables.
          job_dir: the root; if empty, the parent of Vertex AI's folders, or `runs/<date-time>`.
          now: the time for the name of a new root.
          cache_dir: the folder for transfers from and to a bucket.

        Raises:
          UsageError: a location is malformed, some are in a bucket and some are not, or the cluster's description is
            malformed.
        """
        cache = cache_folder(cache_dir)
        locations = _locations(variables, job_dir, now)
        return cls(
            **{role: _local(location, cache) for role, location in locations.items()},
            cache=cache,
            remotes={role: location for role, location in locations.items() if is_remote(location)},
            metric_file=variables.get("CLOUD_ML_HP_METRIC_FILE") or None,
            cluster=Cluster.read(variables),
            tpu=variables.get("TPU_NAME") or None,
            managed={part: variables[name] for part, name in _MANAGED.items() if variables.get(name)},
            is_new=not job_dir and not any(variables.get(name) for name in _ROLES.values()),
            numeric={name: variables[name] for name in _NUMERIC if name in variables},
            precision_file=Path(variables[PRECISION_FILE]) if variables.get(PRECISION_FILE) else None,
            parallel_trials=_count(variables.get(PARALLEL_TRIALS, "")),
            is_deployed=is_remote(variables.get(_ROLES["model"], "")),
            phase=_phase(variables.get(PHASE, "")),
        )

    @contextlib.contextmanager
    def reserved(self) -> Iterator["Environment"]:
        """Yields this environment; a root named by the time is made unique to this process.

        The root is created immediately, and removed if it stays empty.

        Raises:
          UsageError: the root cannot be created.
        """
        if not (self.is_new and self.is_chief):
            yield self
            return
        is_first = not self.root.parent.exists()
        root = _make_unused(self.root)
        try:
            yield dataclasses.replace(
                self, root=root, logs=root / "logs", checkpoints=root / "checkpoints", model=root / "model"
            )
        finally:
            with contextlib.suppress(OSError):  # it contains the run
                root.rmdir()
                if is_first:
                    root.parent.rmdir()

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Creates and locks the folders of the run during the block; checks that each can be written.

        Raises:
          UsageError: a folder cannot be written, or another process uses it.
          StorageError: the disk is full.
        """
        flag = "--cache_dir" if self.remotes else "--job_dir"
        for folder in (self.root, self.logs, self.checkpoints, self.model):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                probe = folder / f".write-probe-{os.getpid()}"
                probe.touch()
                probe.unlink()
            except OSError as error:
                if error.errno in _FULL:
                    raise StorageError(f"{folder} cannot be written: {error.strerror}") from None
                raise UsageError(
                    f"`{flag}` must be a folder that can be written. Received: {folder} ({error.strerror})"
                ) from None
        lock = os.open(self.root, os.O_RDONLY)  # a lock on the folder, which ends with the process in any case
        try:
            with contextlib.suppress(OSError):  # a file system without locks
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise UsageError(
                        f"`--job_dir` must be a folder that no other process trains in. Received: {self.shown('root')}"
                    ) from None
            yield
        finally:
            os.close(lock)


def _count(text: str) -> int:
    return max(1, int(text)) if text.isdecimal() else 1


def _phase(text: str) -> Phase:
    names = [phase.value for phase in Phase]
    if text and text not in names:
        raise UsageError(f"`{PHASE}` must be one of {', '.join(names)}. Received: {text}")
    return Phase(text) if text else Phase.WHOLE


def _locations(variables: Mapping[str, str], job_dir: str, now: datetime.datetime) -> dict[str, str]:
    """Returns the root and the three folders, by role, as the user or Vertex AI names them."""
    given = {role: variables[name].rstrip("/") for role, name in _ROLES.items() if variables.get(name)}
    if job_dir:
        root = files.expanded(job_dir).rstrip("/") or "/"
    elif given:
        root = next(iter(given.values())).rpartition("/")[0]
    else:
        root = str(next(path for path in _candidates(Path("runs") / f"{now:%Y%m%d-%H%M%S}") if not path.exists()))
    locations = {"root": root} | {role: given.get(role, f"{root}/{role}") for role in _ROLES}
    if len({is_remote(location) for location in locations.values()}) > 1:
        raise UsageError(
            "`--job_dir`, `AIP_MODEL_DIR`, `AIP_CHECKPOINT_DIR` and `AIP_TENSORBOARD_LOG_DIR` must all be gs://…, "
            f"or none. Received: {', '.join(locations.values())}"
        )
    return locations


def _local(location: str, cache: Path) -> Path:
    if not is_remote(location):
        return Path(location)
    remote = Location.parse(location)
    return cache / "runs" / remote.bucket / remote.path


def cache_folder(cache_dir: str) -> Path:
    """Returns the folder that `--cache_dir` names; for a user without a home folder, one in the temporary folder.

    Raises:
      UsageError: it starts with `~`, and the user has no home folder.
    """
    try:
        return Path(cache_dir).expanduser()
    except RuntimeError:  # no HOME, and no entry in the password file, as in containers with arbitrary user ids
        if cache_dir != HParams.cache_dir:
            raise UsageError(
                f"`--cache_dir` must not begin with ~ if the user has no home folder. Received: {cache_dir}"
            ) from None
        folder = Path(tempfile.gettempdir()) / f"trainer-{os.getuid()}"
        if folder.exists() and folder.stat().st_uid != os.getuid():
            raise UsageError(
                f"`--cache_dir` must be given if the user has no home folder and another user owns {folder}. "
                "Received: nothing"
            ) from None
        return folder


def _make_unused(path: Path) -> Path:
    for candidate in _candidates(path):
        try:
            candidate.mkdir(parents=True)
            return candidate
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageError(
                f"`--job_dir` must be a folder that can be written. Received: {candidate} ({error.strerror})"
            ) from None
    raise UsageError(f"`--job_dir` must be given if {path} and 998 similar folders exist. Received: nothing")


def _candidates(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(f"{path.name}-{count}") for count in range(2, 1000))
