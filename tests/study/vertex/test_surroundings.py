"""A job's bucket and image, as far as this account may see them."""

from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError

from tests.gcs.server import serve
from trainer.errors import UsageError
from trainer.study.vertex.surroundings import asker, is_missing, missing_image, region_of

ROOT = "https://artifactregistry.googleapis.com/v1/projects/p/locations/europe-west4/repositories/r/packages"
IMAGE = "europe-west4-docker.pkg.dev/p/r/trainer"


class Found:
    """A bucket."""

    def __init__(self, location: str, location_type: str):
        self.location, self.location_type = location, location_type


class Client:
    """A client of the storage that knows one bucket."""

    def __init__(self, answer: Found | Exception):
        self._answer = answer

    def get_bucket(self, name: str, timeout: float) -> Found:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("answer", "region"),
    [
        (Found("EUROPE-WEST4", "region"), "europe-west4"),
        (Found("EU", "multi-region"), ""),
        (Found("EUR4", "dual-region"), ""),
        (exceptions.Forbidden("storage.buckets.get"), ""),
        (exceptions.ServiceUnavailable("busy"), ""),
    ],
)
def test_a_buckets_region(answer: Found | Exception, region: str) -> None:
    assert region_of(Client(answer), "b") == region


def test_rejects_a_bucket_that_does_not_exist() -> None:
    with serve(["there"]) as server, pytest.raises(UsageError, match=r"`--bucket` .* Received: gs://not-there"):
        region_of(server.client(), "not-there")


def test_a_file_in_a_bucket() -> None:
    with serve(["there"]) as server:
        client = server.client()
        client.bucket("there").blob("a/b.keras").upload_from_string(b"a network")
        assert not is_missing(client, "gs://there/a/b.keras")
        assert is_missing(client, "gs://there/a/c.keras")
        assert is_missing(client, "gs://not-there/a/b.keras")


def test_a_file_that_this_account_may_not_see_counts_as_there() -> None:
    class Client:
        def bucket(self, name: str) -> None:
            raise exceptions.Forbidden(name)

    assert not is_missing(Client(), "gs://closed/a.keras")


@pytest.mark.parametrize(
    ("image", "address"),
    [
        (f"{IMAGE}:v1", f"{ROOT}/trainer/tags/v1"),
        (IMAGE, f"{ROOT}/trainer/tags/latest"),
        (f"{IMAGE}/cpu:v1", f"{ROOT}/trainer%2Fcpu/tags/v1"),
        (f"{IMAGE}@sha256:{64 * 'a'}", f"{ROOT}/trainer/versions/sha256:{64 * 'a'}"),
    ],
)
@pytest.mark.parametrize(("status", "is_missing"), [(200, False), (404, True), (403, False), (0, False)])
def test_an_image_is_looked_for(image: str, address: str, status: int, is_missing: bool) -> None:
    asked: list[str] = []

    def ask(address: str) -> int:
        asked.append(address)
        return status

    message = missing_image(ask, image)
    assert asked == [address]
    assert message == (
        f"`--image` must be an image in the repository: docker push {image}. Received: {image}" if is_missing else ""
    )


def test_an_image_elsewhere_is_not_looked_for() -> None:
    def ask(address: str) -> int:
        raise AssertionError(address)

    assert missing_image(ask, "gcr.io/p/trainer:v1") == ""
    assert missing_image(ask, "docker.io/library/python:3.11") == ""


def test_asks_with_this_machines_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(*_: object, **__: object) -> Any:
        raise requests.ConnectionError("no way")

    monkeypatch.setattr("google.auth.default", lambda scopes: (AnonymousCredentials(), "p"))
    with serve([]) as server:
        assert asker()(f"{server.url}/storage/v1/b/none") == 404
    monkeypatch.setattr("google.auth.transport.requests.AuthorizedSession.get", get)
    assert asker()("https://artifactregistry.googleapis.com") == 0

    def nobody(scopes: object) -> Any:
        raise DefaultCredentialsError("none")

    monkeypatch.setattr("google.auth.default", nobody)
    assert asker()("https://artifactregistry.googleapis.com") == 0
