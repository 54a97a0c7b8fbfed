"""Google's client of the service, made for many requests at a time."""

import os
from typing import Any

from trainer import interpreter
from trainer.errors import UsageError


def connect(connections: int) -> Any:
    """Returns a `google.cloud.storage.Client` with this machine's credentials; an emulator is asked without any.

    `STORAGE_EMULATOR_HOST` names an emulator, as in http://localhost:4443; without a scheme it is reached by HTTP.

    Args:
      connections: how many requests are made side by side.

    Raises:
      UsageError: the library or the credentials are missing.
    """
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import storage
    except ImportError:
        raise UsageError(f"`gs://…` needs the package google-cloud-storage: {interpreter.install('gcs')}") from None
    try:
        # Without a project, which only the making of buckets needs, and which not every machine knows.
        client = storage.Client(project=None, client_options=_emulator())
    except GoogleAuthError:
        raise UsageError(
            "`gs://…` needs Google credentials: gcloud auth application-default login, or a service account's file "
            "named in GOOGLE_APPLICATION_CREDENTIALS"
        ) from None
    return widened(client, connections)


def _emulator() -> dict[str, str] | None:
    """Returns the client's options for an emulator: the library by itself takes no address without a scheme."""
    host = os.environ.get("STORAGE_EMULATOR_HOST", "").strip().rstrip("/")
    return {"api_endpoint": host if "://" in host else f"http://{host}"} if host else None


def widened(client: Any, connections: int) -> Any:
    """Returns the client, which keeps so many connections open; by itself it throws away all above ten."""
    from requests.adapters import HTTPAdapter

    session = client._http  # the client has no other way to it
    if not getattr(session, "is_mtls", False):
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(pool_connections=connections, pool_maxsize=connections))
    return client
