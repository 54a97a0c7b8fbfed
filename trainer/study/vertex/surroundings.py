"""What a job needs around it: its bucket and its image, looked for with whatever this account may see."""

import re
from collections.abc import Callable
from typing import Any

from trainer.errors import UsageError

# https://cloud.google.com/artifact-registry/docs/docker/names
_IMAGE = re.compile(r"([a-z0-9-]+)-docker\.pkg\.dev/([^/]+)/([^/]+)/([^:@]+)(?::([^@]+))?(@sha256:[0-9a-f]{64})?")
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUT = 30.0

Status = Callable[[str], int]


def region_of(client: Any, bucket: str) -> str:
    """Returns a bucket's region; nothing where it is in several, or this account may not see.

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


def missing_image(status: Status, image: str) -> str:
    """Returns that Artifact Registry lacks an image; nothing where it has it, or that cannot be told.

    Args:
      status: returns the HTTP status of a GET request; 0 where there was none.
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
    return f"`--image` must be an image that was pushed: docker push {image}. Received: {image}"


def asker() -> Status:
    """Returns what asks a Google service with this machine's credentials."""
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
