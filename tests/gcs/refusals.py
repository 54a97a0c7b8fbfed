"""What the service answers when it does not do as it was asked, in its own words."""

import json

_REASONS = {  # status: (reason, domain) where a caller names none; https://cloud.google.com/storage/docs/json_api/v1/status-codes
    400: ("invalid", "global"),
    401: ("authError", "global"),
    403: ("forbidden", "global"),
    404: ("notFound", "global"),
    408: ("uploadBrokenConnection", "global"),
    409: ("conflict", "global"),
    412: ("conditionNotMet", "global"),
    416: ("requestedRangeNotSatisfiable", "global"),
    429: ("rateLimitExceeded", "usageLimits"),
    501: ("notImplemented", "global"),
}


class Refused(Exception):  # noqa: N818  the service's answer, not our error
    """A request that is not carried out."""

    def __init__(self, status: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        usual, self.domain = _REASONS.get(status, ("backendError", "global"))
        self.reason = reason or usual

    def json(self) -> bytes:
        """Returns the body of an answer of the JSON API."""
        one = {"message": self.message, "domain": self.domain, "reason": self.reason}
        return json.dumps({"error": {"code": self.status, "message": self.message, "errors": [one]}}).encode()

    def xml(self) -> bytes:
        """Returns the body of an answer of the XML API."""
        return (
            f"<?xml version='1.0'?><Error><Code>{self.reason}</Code><Message>{self.message}</Message></Error>".encode()
        )


def precondition() -> Refused:
    """Returns what a precondition that does not hold is answered with."""
    return Refused(412, "At least one of the pre-conditions you specified did not hold.")


def no_bucket() -> Refused:
    """Returns what is answered for a bucket that does not exist."""
    return Refused(404, "The specified bucket does not exist.")


def no_object(bucket: str, name: str) -> Refused:
    """Returns what is answered for an object that does not exist."""
    return Refused(404, f"No such object: {bucket}/{name}")


def no_permission(permission: str, kind: str) -> Refused:
    """Returns what is answered where `permission` is not granted on the object or bucket."""
    return Refused(
        403,
        f"trainer@test.iam.gserviceaccount.com does not have {permission} access to the Google Cloud Storage {kind}. "
        f"Permission '{permission}' denied on resource (or it may not exist).",
    )


def too_fast(bucket: str, name: str) -> Refused:
    """Returns what a second write to one object within a second is answered with."""
    return Refused(
        429,
        f"The object {bucket}/{name} exceeded the rate limit for object mutation operations (create, update, and "
        "delete). Please reduce your request rate. See https://cloud.google.com/storage/docs/gcs429.",
    )
