import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from trainer.buckets.agent import Agent
from trainer.buckets.objects.failure import FencedError, RefusedError, UnreachableError
from trainer.buckets.objects.folder import Signature
from trainer.errors import StorageError


class FakeSync:
    """A folder of one file, and a bucket that does as it is told."""

    def __init__(self) -> None:
        self.changes, self.landed, self.passes = 1, 0, list[tuple[bool, bool]]()
        self.answer: Callable[[], None] = lambda: None
        self.writer = SimpleNamespace(stuck=set[Path]())

    def look(self) -> dict[Path, Signature]:
        return {Path("file"): Signature(1, 1, self.changes)} if self.changes else {}

    def waiting(self, look: dict[Path, Signature]) -> list[Path]:
        return [path for path, signature in look.items() if signature.modified != self.landed]

    def describe(self, paths: list[Path]) -> str:
        return ", ".join(map(str, paths))

    def run(self, *, stopping: bool, whole: bool) -> None:
        self.passes.append((stopping, whole))
        changes = self.changes
        self.answer()
        self.landed = changes


class Scene:
    """An agent whose clock is turned by hand."""

    def __init__(self) -> None:
        self.now, self.said, self.sync, self.hurry = 0.0, list[str](), FakeSync(), threading.Event()
        self.agent = Agent(self.sync, "gs://b/run", self.said.append, self.hurry, clock=lambda: self.now)

    def turn(self, seconds: float = 1.0) -> int:
        """Lets time pass, and returns how many passes there have been then."""
        self.now += seconds
        self.agent.turn()
        return len(self.sync.passes)

    def fail(self, error: Exception) -> None:
        def answer() -> None:
            raise error

        self.sync.answer = answer


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_pass_is_made_only_where_something_has_changed(scene: Scene) -> None:
    assert [scene.turn() for _ in range(3)] == [1, 1, 1]
    scene.sync.changes = 2
    assert [scene.turn(), scene.turn()] == [2, 2]
    scene.sync.changes = 0  # a file that is gone is a change too
    assert [scene.turn(), scene.turn()] == [3, 3]


def test_an_object_is_written_once_a_second_at_most(scene: Scene) -> None:
    def answer() -> None:
        scene.now += 5.0
        scene.sync.changes += 1

    scene.sync.answer = answer
    assert [scene.turn(0.5) for _ in range(4)] == [1, 1, 2, 2]
    assert scene.sync.passes == 2 * [(False, False)]


def test_a_pass_that_fails_is_made_again_less_and_less_often(scene: Scene) -> None:
    scene.fail(UnreachableError("503"))
    assert [scene.turn() for _ in range(60)].count(1) == 1
    assert len(scene.sync.passes) == 1 + 1 + 1 + 1 + 5  # after 1, 2, 4, 8 s, then every 10 s
    assert scene.agent.failure is None
    scene.sync.answer = lambda: None
    scene.turn(10)
    scene.sync.changes = 2
    scene.turn()
    assert scene.agent.lag() == 0


def test_the_lag_counts_from_the_oldest_change(scene: Scene) -> None:
    def answer() -> None:
        scene.now += 3.0
        scene.sync.changes += 1

    scene.sync.answer = answer
    scene.turn()
    assert scene.agent.lag() == 3  # a change came when the pass had begun
    scene.fail(UnreachableError("503"))
    scene.turn(7)
    assert scene.agent.lag() == 10
    scene.turn(50)
    assert scene.said == ["gs://b/run is 60 s behind: 503"]
    scene.sync.answer = lambda: None
    scene.turn(10)
    assert scene.agent.lag() == 0
    assert scene.said[1:] == ["gs://b/run has caught up"]


def test_what_is_refused_for_a_minute_ends_the_run(scene: Scene) -> None:
    scene.fail(RefusedError("cannot write a: create is missing", "create"))
    for second in range(60):
        scene.now = second
        scene.agent.turn()
    assert scene.agent.failure is None
    scene.now = 75
    scene.agent.turn()
    assert str(scene.agent.failure) == "cannot write a: create is missing, for 60 s now"
    assert [line for line in scene.said if "behind" not in line] == ["cannot write a: create is missing"]
    passes = len(scene.sync.passes)
    assert scene.turn(100) == passes


def test_a_refusal_between_two_outages_does_not_count_on(scene: Scene) -> None:
    for second in range(0, 200, 20):
        scene.fail(RefusedError("refused", "create") if second % 40 else UnreachableError("503"))
        scene.now = second
        scene.agent.turn()
    assert scene.agent.failure is None


def test_another_owner_ends_the_run_at_once(scene: Scene) -> None:
    scene.fail(FencedError("another process"))
    scene.turn()
    assert isinstance(scene.agent.failure, FencedError)
    with pytest.raises(FencedError):
        scene.agent.finish(1000, stopping=False)
    scene.agent.close()


def test_mistakes_of_our_own_do_not_reach_the_training(scene: Scene) -> None:
    scene.fail(KeyError("a"))
    scene.turn()
    assert scene.agent.failure is None
    with pytest.raises(StorageError, match=r"^gs://b/run: not uploaded within 0 s: file \(KeyError: 'a'\)$"):
        scene.agent.finish(0, stopping=False)
    scene.agent.close()


@pytest.mark.parametrize("stopping", [False, True])
def test_the_end_makes_a_pass_of_its_own(stopping: bool) -> None:
    sync, others = FakeSync(), {*threading.enumerate()}  # of tests whose storage is not closed
    agent = Agent(sync, "gs://b/run", lambda line: None, threading.Event(), interval=0.001)
    agent.start()
    agent.finish(10, stopping=stopping)
    assert sync.passes[-1] == (stopping, not stopping)
    agent.close()
    assert not any(thread.name == "storage" for thread in {*threading.enumerate()} - others)


def test_what_cannot_land_ends_the_waiting() -> None:
    sync = FakeSync()
    sync.writer.stuck.add(Path("file"))
    sync.answer = lambda: setattr(sync, "changes", 2)
    agent = Agent(sync, "gs://b/run", lambda line: None, threading.Event(), interval=0.001)
    with pytest.raises(StorageError, match=r"^gs://b/run: not uploaded: file$"):
        agent.finish(1000, stopping=False)
    agent.close()


def test_the_waiting_is_told_now_and_then() -> None:
    sync, said, clock = FakeSync(), list[str](), itertools.count(step=0.5)

    def answer() -> None:
        if len(sync.passes) < 4:
            raise UnreachableError("503")

    sync.answer = answer
    agent = Agent(sync, "gs://b/run", said.append, threading.Event(), clock=lambda: next(clock), interval=0.001)
    agent.finish(1e9, stopping=False)
    agent.close()
    assert {line for line in said if "behind" not in line} <= {
        "gs://b/run: waiting for the upload of file to land (503)",
        "gs://b/run: waiting for the upload of file to land",
        "gs://b/run has caught up",
    }
