"""Google's client of the service, set up for many concurrent requests."""

import os
from typing import Any

from trainer import interpreter
from trainer.errors import UsageError


def connect(connections: int) -> Any:
    """Returns a `google.cloud.storage.Client` with this machine's credentials; an emulator needs none.

    `STORAGE_EMULATOR_HOST` names an emulator, as in http://localhost:4443; without a scheme, HTTP is used.

    Args:
      connections: the number of concurrent requests.

    Raises:
      UsageError: the library or the credentials are missing.
    """
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import storage
    except ImportError:
        raise UsageError(f"`gs://…` needs the package google-cloud-storage: {interpreter.install('gcs')}") from None
    try:
        # Without a project: only the creation of buckets needs one, and not every machine has one.
        client = storage.Client(project=None, client_options=_emulator())
    except GoogleAuthError:
        raise UsageError(
            "`gs://…` needs Google credentials: gcloud auth application-default login, or a service account's file "
            "named in GOOGLE_APPLICATION_CREDENTIALS"
        ) from None
    return widened(client, connections)


def _emulator() -> dict[str, str] | None:
    """Returns the client's options for an emulator: the library does not accept an address without a scheme."""
    host = os.environ.get("STORAGE_EMULATOR_HOST", "").strip().rstrip("/")
    return {"api_endpoint": host if "://" in host else f"http://{host}"} if host else None


def widened(client: Any, connections: int) -> Any:
    """Returns the client with a pool for this many connections; by default, it drops all above ten."""
    from requests.adapters import HTTPAdapter

    session = client._http  # the client has no public access to it
    if not getattr(session, "is_mtls", False):
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(pool_connections=connections, pool_maxsize=connections))
    return client
