"""The commands that both trees run, with the same flags, each in its own folder."""

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.unchanged.trees import Ended, Tree
from tests.gcs.server import serve

# Precision is asked for where it would be measured, and nothing is saved because of the clock.
_FIXED = ("--precision=float32", "--checkpoint_every=1000000", "--epochs=1")
_STOPPED = ("--data=digits", "--filters=8", "--batch_size=16", "--epochs=2", "--precision=float32", "--job_dir=stopped")


@dataclasses.dataclass(frozen=True)
class Command:
    """One row of the table.

    Attributes:
      name: of the row.
      play: runs it in a tree, and returns its processes.
      folders: what it leaves, below the tree's folder.
      statuses: the processes' exit statuses; none where all must be 0.
      literal: its lines must be the same to the letter.
    """

    name: str
    play: Callable[[Tree], Sequence[Ended]]
    folders: Sequence[str] = ()
    statuses: Sequence[int] = ()
    literal: bool = False

    def is_expected(self, processes: Sequence[Ended]) -> bool:
        """Returns whether processes ended as the row means them to: two that fail alike would be the same too."""
        return [one.status for one in processes] == list(self.statuses or [0] * len(processes))


@dataclasses.dataclass(frozen=True)
class Takeover:
    """One row about what the first tree left and the second one goes on with.

    Attributes:
      name: of the row.
      row: the command that left it.
      process: which of the command's processes did the same in the first tree.
      play: does it in a tree.
      folders: what it leaves.
    """

    name: str
    row: str
    process: int
    play: Callable[[Tree], Ended]
    folders: Sequence[str] = ()


def train(name: str, *flags: str) -> Callable[[Tree], Sequence[Ended]]:
    return lambda tree: [tree.run("trainer.task", *_FIXED, f"--job_dir={name}", *flags)]


def again(tree: Tree) -> Ended:
    """Starts the finished run of the first row once more."""
    return tree.run("trainer.task", *_FIXED, "--job_dir=digits")


def _digits(tree: Tree) -> Sequence[Ended]:
    return [*train("digits")(tree), again(tree), *train("digits", "--filters=9")(tree)]


def _precisions(tree: Tree) -> Sequence[Ended]:
    others = ("--data=digits", "--depth=3", "--dilation_rate=2", "--padding=causal", "--activation=gelu", "--filters=8")
    return [
        *train("bfloat16", "--precision=bfloat16", *others, "--optimizer=adamw")(tree),
        *train("float32", *others, "--optimizer=sgd", "--schedule=constant", "--class_weights=auto")(tree),
    ]


def _photos(folder: Path) -> Callable[[Tree], Sequence[Ended]]:
    flags = (f"--data={folder}", "--batch_size=8", "--image_size=32", "--filters=8", "--epochs=2")
    return lambda tree: [*train("photos", *flags)(tree), predict(tree)]


def predict(tree: Tree) -> Ended:
    return tree.run("trainer.predict", "--model=photos/model", "--top=2", "--json", "../data/photos")


def _shards(folder: Path) -> Callable[[Tree], Sequence[Ended]]:
    flags = ("--data=shards", "--batch_size=8", "--image_size=24", "--filters=4", "--color=grey")
    return lambda tree: [
        tree.run("trainer.data", f"--data={folder}", "--to=shards", "--shard_megabytes=0.1"),
        *train("from-shards", *flags)(tree),
    ]


def _stop_and_resume(tree: Tree) -> Sequence[Ended]:
    checkpoints, kept = tree.folder / "stopped" / "checkpoints", tree.folder / "kept" / "stopped"
    flags = ("trainer.task", *_STOPPED, "--checkpoint_every=1")
    stopped = tree.stop(lambda: any(checkpoints.glob("*/manifest.json")), *flags)
    shutil.copytree(tree.folder / "stopped", kept)
    return [stopped, resume(tree)]


def resume(tree: Tree) -> Ended:
    return tree.run("trainer.task", *_STOPPED, "--checkpoint_every=1000000", "--resume=must")


def study(tree: Tree) -> Ended:
    return tree.run("trainer.study", "--config=../data/study.yaml", "--seed=1", "--job_dir=study")


def _bucket(tree: Tree) -> Sequence[Ended]:
    with serve(["demo"], rate_limit=False) as server:
        flags = ("--data=digits", "--filters=8", "--job_dir=gs://demo/run", "--cache_dir=cache", "--epochs=2")
        process = tree.run("trainer.task", *_FIXED, *flags, STORAGE_EMULATOR_HOST=server.url)
        for name, content in server.objects("demo").items():
            path = tree.folder / "bucket" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return [process]


# A call of the graph runs as many steps as fill its time, and the message has the results of the call before.
_DIVERGING = ("--optimizer=sgd", "--learning_rate=1000", "--activation=linear", "--filters=4", "--checkpoint_every=1")
_WRONG = (
    ("trainer.task", "--filters=0"),
    ("trainer.task", "--filter=8"),
    ("trainer.task", "--epochs=many"),
    ("trainer.task", "--epochs=3", "5"),
    ("trainer.task", "--data=digits", "--padding=valid", "--kernel_size=40", "--job_dir=wrong"),
    ("trainer.task", "--data=nowhere", "--job_dir=wrong"),
    ("trainer.task", "--data=../data/broken", "--job_dir=wrong"),
    ("trainer.task", "--data=digits", "--batch_size=100000", "--job_dir=wrong"),
    ("trainer.task", "--data=digits", "--resume=must", "--job_dir=wrong"),
    ("trainer.study", "--config=../data/wrong.yaml"),
    ("trainer.study", "--config=../data/study.yaml", "--target=vertex"),
    ("trainer.data", "--data=../data/broken", "--to=wrong"),
    ("trainer.predict", "--model=nowhere", "image.png"),
)
_PROGRAMS = ("trainer.task", "trainer.study", "trainer.predict", "trainer.serve", "trainer.data")


def commands(idx: Path, photos: Path) -> list[Command]:
    """Returns the rows, in the order in which they run: some need what a former one leaves.

    Args:
      idx: a folder of IDX files.
      photos: a folder of class folders.
    """
    return [
        Command("help", lambda tree: [tree.run(program, "--help") for program in _PROGRAMS], literal=True),
        Command("digits", _digits, ["digits"], [0, 0, 2]),
        Command("valid", train("valid", "--data=digits", "--padding=valid", "--stride=2"), ["valid"]),
        Command("precisions", _precisions, ["bfloat16", "float32"]),
        Command("idx", train("idx", f"--data={idx}", "--filters=8", "--batch_size=128"), ["idx"]),
        Command("folders", _photos(photos), ["photos"]),
        Command("tfrecords", _shards(photos), ["shards", "from-shards"]),
        Command("devices", train("two", "--logical_devices=2", "--strategy=mirrored", "--filters=8"), ["two"]),
        Command("stopped", _stop_and_resume, ["stopped"], [143, 0]),
        Command("study", lambda tree: [study(tree), study(tree)], ["study"]),
        Command("bucket", _bucket, ["bucket"]),
        Command("diverged", train("diverged", *_DIVERGING), statuses=[3]),
        Command("rejected", lambda tree: [tree.run(*wrong) for wrong in _WRONG], (), [2] * len(_WRONG), literal=True),
    ]


TAKEOVERS = (
    Takeover("old finished run", "digits", 1, again, ["digits"]),
    Takeover("old checkpoint", "stopped", 1, resume, ["stopped"]),
    Takeover("old model", "folders", 1, predict),
    Takeover("old study", "study", 1, study),
)


def hand_over(before: Tree, after: Tree) -> None:
    """Copies what another tree has left into a tree's folder."""
    for name, former in (("digits", "digits"), ("photos", "photos"), ("study", "study"), ("stopped", "kept/stopped")):
        if (before.folder / former).is_dir():
            shutil.copytree(before.folder / former, after.folder / name)
