"""How the service says no, the same by gRPC and by REST."""

from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

# https://cloud.google.com/apis/design/errors#handling_errors
_HTTP = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}


class Refused(Exception):  # noqa: N818  it is what the service does, no error of the fake
    """The service will not do it.

    Args:
      code: gRPC's name of the status.
      message: the service's words.
      fields: what is wrong with which field of the request.
      reason: of the error's `ErrorInfo`.
    """

    def __init__(self, code: str, message: str, fields: Mapping[str, str] | None = None, reason: str = ""):
        super().__init__(message)
        self.code, self.message, self.fields, self.reason = code, message, fields or {}, reason

    @property
    def http(self) -> int:
        """The HTTP status."""
        return _HTTP[self.code]

    def as_json(self) -> dict[str, Any]:
        """Returns the body of a REST answer."""
        details: list[dict[str, Any]] = []
        if self.fields:
            violations = [{"field": field, "description": rule} for field, rule in self.fields.items()]
            details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations})
        if self.reason:
            details.append(
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": self.reason,
                    "domain": "googleapis.com",
                }
            )
        error: dict[str, Any] = {"code": self.http, "message": self.message, "status": self.code}
        return {"error": error | ({"details": details} if details else {})}

    def as_status(self) -> status_pb2.Status:
        """Returns what gRPC sends."""
        details = []
        if self.fields:
            bad = error_details_pb2.BadRequest()
            for field, rule in self.fields.items():
                bad.field_violations.add(field=field, description=rule)
            details.append(_packed(bad))
        if self.reason:
            details.append(_packed(error_details_pb2.ErrorInfo(reason=self.reason, domain="googleapis.com")))
        number = getattr(grpc.StatusCode, self.code).value[0]
        return status_pb2.Status(code=number, message=self.message, details=details)


def _packed(message: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
