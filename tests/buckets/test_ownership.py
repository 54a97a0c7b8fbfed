import json
from collections.abc import Iterator

import pytest

from tests.buckets.scripted import HASTY
from tests.gcs import faults
from tests.gcs.server import Server, serve
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.failure import FencedError, RefusedError, UnreachableError
from trainer.buckets.ownership import Ownership

ABOUT = {"host": "here", "pid": "7", "since": "2026-01-01"}


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(rate_limit=False) as server:
        yield server


def _ownership(server: Server, token: str) -> Ownership:
    return Ownership(Bucket(server.client(), "bucket", HASTY), "run/", token, {**ABOUT, "host": token})


def test_the_last_to_take_a_run_owns_it(server: Server) -> None:
    one, two = _ownership(server, "one"), _ownership(server, "two")
    one.take()
    one.check()
    two.take()
    two.check()
    assert json.loads(server.objects("bucket")["run/owner.json"]) == {"token": "two", **ABOUT, "host": "two"}
    with pytest.raises(
        FencedError,
        match=r"^another process has taken over gs://bucket/run \(two, process 7, since 2026-01-01\); this one",
    ):
        one.check()
    one.take()
    with pytest.raises(FencedError):
        two.check()


def test_one_request_shows_it(server: Server) -> None:
    one = _ownership(server, "one")
    one.take()
    server.clear()
    one.check()
    assert len(server.requests) == 1


def test_a_lost_answer_is_no_other_owner(server: Server) -> None:
    one = _ownership(server, "one")
    server.fault = faults.nth(1, faults.LostReply())
    one.take()
    one.check()


def test_where_nothing_can_be_replaced_the_last_record_counts(server: Server) -> None:
    server.grant("bucket", {"storage.objects.create", "storage.objects.get", "storage.objects.list"})
    owners = [_ownership(server, str(number)) for number in range(12)]
    for owner in owners:
        owner.take()
        owner.check()
    for owner in owners[:-1]:
        with pytest.raises(FencedError, match=r"\(11, process 7"):
            owner.check()
    assert len(server.objects("bucket")) == 12


def test_one_that_can_replace_the_record_follows_one_that_could_not(server: Server) -> None:
    one, two, three = (_ownership(server, token) for token in ("one", "two", "three"))
    one.take()
    server.grant("bucket", {"storage.objects.create", "storage.objects.get", "storage.objects.list"})
    two.take()
    server.grant("bucket", None)
    three.take()
    three.check()
    for former in (one, two):
        with pytest.raises(FencedError, match="three"):
            former.check()
    assert [*server.objects("bucket")] == ["run/owner.2.json", "run/owner.json"]


def test_a_folder_that_was_emptied_is_taken_again(server: Server) -> None:
    one = _ownership(server, "one")
    one.take()
    server.remove("bucket", "run/owner.json")
    one.check()
    assert [*server.objects("bucket")] == ["run/owner.json"]


def test_a_file_that_is_no_record_is_another_owner(server: Server) -> None:
    one = _ownership(server, "one")
    one.take()
    server.put("bucket", "run/owner.json", b"hello")
    with pytest.raises(FencedError):
        one.check()


def test_says_what_keeps_it_from_taking_a_run(server: Server) -> None:
    server.grant("bucket", {"storage.objects.list"})
    with pytest.raises(RefusedError, match=r"storage\.objects\.create"):
        _ownership(server, "one").take()
    server.fault = faults.when(lambda request: True, faults.Status(503))
    with pytest.raises(UnreachableError):
        _ownership(server, "one").take()
