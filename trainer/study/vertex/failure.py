"""Errors of the job service, in one line each that says what to do."""

import http
import re
from collections.abc import Iterator
from typing import Any

from trainer.buckets.objects.failure import UnreachableError
from trainer.errors import UsageError
from trainer.study.vertex.job import Kind

LOGIN = (
    "gcloud auth application-default login, or a service account's file named in GOOGLE_APPLICATION_CREDENTIALS, "
    "provides them"
)

_PERMISSION = re.compile(r"\b(?:aiplatform|iam|storage|artifactregistry|serviceusage)\.(?!googleapis)[a-zA-Z]+\.\w+")
_PASSING = (http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.TOO_MANY_REQUESTS)
# gRPC reports a credential that can no longer be renewed with this text, as a 503.
_STALE = "metadata from plugin failed"
_ADDRESS = re.compile(r"^[A-Z]+ https?://\S+: ")  # a prefix of the client's messages, by REST
_LONGEST = 400  # characters of the service's own words: it may answer with a whole page


def is_passing(error: Exception) -> bool:
    """Returns whether the same request may well succeed a little later."""
    import requests
    from google.api_core import exceptions
    from google.auth.exceptions import RefreshError, TransportError

    if isinstance(error, exceptions.GoogleAPICallError):
        code = error.code or 0
        return _STALE not in str(error) and (code in _PASSING or code >= http.HTTPStatus.INTERNAL_SERVER_ERROR)
    if isinstance(error, RefreshError):
        return bool(error.retryable)
    return isinstance(error, (requests.RequestException, TransportError, exceptions.RetryError, ConnectionError))


def is_passing_creation(error: Exception) -> bool:
    """Returns whether to ask again for a job to be made. Of 429, only where too much was asked, not too large a job."""
    code = getattr(error, "code", None)
    return is_passing(error) and (code != http.HTTPStatus.TOO_MANY_REQUESTS or "per minute" in str(error))


def named(error: Exception, kind: Kind, verb: str, resource: str) -> Exception:
    """Returns the error that a failed request means.

    Args:
      error: what the client raised.
      kind: what was asked for.
      verb: `create`, `get`, `list` or `cancel`.
      resource: the job's name, or `projects/P/locations/R`.
    """
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError

    said = _ADDRESS.sub("", " ".join(str(getattr(error, "message", "") or error).split()))[:_LONGEST]
    code = int(getattr(error, "code", None) or 0)
    failed = f"cannot {verb} the {kind.words}"
    if isinstance(error, (exceptions.Unauthorized, GoogleAuthError)) or _STALE in said:
        return UsageError(f"{failed}: the service rejected these credentials (401); {LOGIN}")
    if isinstance(error, exceptions.Forbidden):
        return _forbidden(error, said, f"aiplatform.{kind.collection}.{verb}", resource)
    if isinstance(error, exceptions.NotFound):
        return UsageError(f"{failed}: there is no {resource}, or it is in another project or region (404)")
    if verb == "create" and isinstance(error, exceptions.TooManyRequests) and not is_passing_creation(error):
        project = resource.split("/")[1]
        page = f"https://console.cloud.google.com/iam-admin/quotas?project={project}"
        return UsageError(f"{failed}: more than a quota of {resource} allows (429): {said}; {page} raises it")
    if is_passing(error):
        return UnreachableError(f"{failed}: {_silence(error, code)}; try again later")
    fields = "; ".join(f"`{field}`: {rule}" for field, rule in _violations(error))
    return UsageError(f"{failed}: the service rejected it ({code or type(error).__name__}): {fields or said}")


def _forbidden(error: Any, said: str, permission: str, resource: str) -> UsageError:
    project = resource.split("/")[1]
    if getattr(error, "reason", None) == "SERVICE_DISABLED" or "it is disabled" in said:
        return UsageError(
            f"`--project` must have the Vertex AI API enabled: gcloud services enable aiplatform.googleapis.com "
            f"--project={project}. Received: {project}"
        )
    found = _PERMISSION.search(said)
    is_permission = found or "denied" in said
    missing = f"the permission {found[0] if found else permission} is missing" if is_permission else said
    return UsageError(
        f"`--project` must be a project where this account has the permission. Received: {resource} ({missing}; 403)"
    )


def _silence(error: Exception, code: int) -> str:
    if code and code != http.HTTPStatus.SERVICE_UNAVAILABLE:
        return f"{code} {http.HTTPStatus(code).phrase}"
    return "no connection to the service"


def _violations(error: Any) -> Iterator[tuple[str, str]]:
    """Yields the fields that the service names: as messages by gRPC, as mappings by REST."""
    for detail in getattr(error, "details", None) or ():
        if isinstance(detail, dict):
            for violation in detail.get("fieldViolations", ()):
                yield violation.get("field", ""), violation.get("description", "")
        else:
            for violation in getattr(detail, "field_violations", ()):
                yield violation.field, violation.description
