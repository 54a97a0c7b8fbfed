"""The surroundings of this program and of a job: the services, the job's bucket and its image."""

import dataclasses
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from trainer.buckets.location import Location
from trainer.buckets.objects import client as storage
from trainer.buckets.objects.patience import Patience
from trainer.errors import UsageError
from trainer.study.vertex import service

# https://cloud.google.com/artifact-registry/docs/docker/names
_IMAGE = re.compile(r"([a-z0-9-]+)-docker\.pkg\.dev/([^/]+)/([^/]+)/([^:@]+)(?::([^@]+))?(@sha256:[0-9a-f]{64})?")
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUT = 30.0

Status = Callable[[str], int]


@dataclasses.dataclass(frozen=True)
class World:
    """What is outside this program: services, a clock, random words.

    Attributes:
      connect: returns a client of a region's job service.
      bucket: returns a bucket's region; see `region_of`.
      image: returns what is wrong with an image; see `missing_image`.
      is_missing: whether a bucket lacks a file; see `is_missing`.
      clock: seconds since 1970.
      wait: spends some seconds between two looks at a job.
      patience: how long a request is repeated.
      token: returns a word that it never returned before.
    """

    connect: Callable[[str], Any]
    bucket: Callable[[str], str]
    image: Callable[[str], str]
    is_missing: Callable[[str], bool] = lambda address: False
    clock: Callable[[], float] = time.time
    wait: Callable[[float], object] = dataclasses.field(default_factory=lambda: threading.Event().wait)
    patience: Patience = dataclasses.field(default_factory=lambda: Patience(first=1.0))
    token: Callable[[], str] = lambda: secrets.token_hex(8)

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "World":
        """Returns the surroundings of this process, with its environment variables."""
        return cls(
            connect=lambda region: service.connect(region, variables),
            bucket=lambda name: region_of(storage.connect(1), name),
            image=lambda image: missing_image(asker(), image),
            is_missing=lambda address: is_missing(storage.connect(1), address),
        )


def region_of(client: Any, bucket: str) -> str:
    """Returns a bucket's region; nothing if it is in several regions, or this account may not see it.

    Args:
      client: a `google.cloud.storage.Client`.
      bucket: the bucket's name.

    Raises:
      UsageError: there is no such bucket.
    """
    from google.api_core import exceptions

    try:
        found = client.get_bucket(bucket, timeout=_TIMEOUT)
    except exceptions.NotFound:
        raise UsageError(f"`--bucket` must be a bucket that exists. Received: gs://{bucket}") from None
    except exceptions.GoogleAPICallError:
        return ""
    return str(found.location).lower() if found.location_type == "region" else ""


def is_missing(client: Any, address: str) -> bool:
    """Returns whether a bucket lacks a file, as far as this account may see.

    Args:
      client: a `google.cloud.storage.Client`.
      address: of the file, `gs://bucket/folder/file`.
    """
    from google.api_core import exceptions

    location = Location.parse(address)
    try:
        return not client.bucket(location.bucket).blob(location.path).exists(timeout=_TIMEOUT)
    except exceptions.GoogleAPICallError:
        return False


def missing_image(status: Status, image: str) -> str:
    """Returns an error that Artifact Registry lacks an image; nothing if it has the image, or gives no answer.

    Args:
      status: returns the HTTP status of a GET request; 0 without an answer.
      image: the image's name.
    """
    match = _IMAGE.fullmatch(image)
    if not match:
        return ""
    location, project, repository, package, tag, digest = match.groups()
    parent = f"https://artifactregistry.googleapis.com/v1/projects/{project}/locations/{location}"
    folder = f"{parent}/repositories/{repository}/packages/{package.replace('/', '%2F')}"
    address = f"{folder}/versions/{digest[1:]}" if digest else f"{folder}/tags/{tag or 'latest'}"
    if status(address) != 404:
        return ""
    return f"`--image` must be an image in the repository: docker push {image}. Received: {image}"


def asker() -> Status:
    """Returns a function that asks a Google service with this machine's credentials."""
    import google.auth
    import requests
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import AuthorizedSession

    def status(address: str) -> int:
        try:
            credentials, _ = google.auth.default(scopes=[_SCOPE])
            with AuthorizedSession(credentials) as session:  # type: ignore[no-untyped-call]
                return int(session.get(address, timeout=_TIMEOUT).status_code)
        except (GoogleAuthError, requests.RequestException):
            return 0

    return status
