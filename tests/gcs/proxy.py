"""The fake behind TLS and Google's own host names, for clients that can be pointed nowhere else.

TensorFlow's gs:// file system has no setting for its address, but it heeds `https_proxy` and `CURL_CA_BUNDLE`. This is
such a proxy: it ends TLS itself, with a certificate by an authority made for the test, and lets the fake serve what
comes through.
"""

import contextlib
import socketserver
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import trustme

from tests.gcs.listener import Listener, listening
from tests.gcs.server import Server

HOSTS = ("storage.googleapis.com", "www.googleapis.com", "oauth2.googleapis.com", "accounts.google.com")


@contextlib.contextmanager
def through_tls(server: Server, folder: Path) -> Iterator[dict[str, str]]:
    """Runs the proxy, and yields the environment variables that send a program through it.

    Args:
      server: the fake that answers for Google's hosts; all others are refused, so that nothing leaves this machine.
      folder: where the authority's certificate is written to.
    """
    authority = trustme.CA()
    certificates = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(certificates))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS).configure_cert(context)
    tunnel = type("BoundTunnel", (_Tunnel,), {"fake": server, "context": context})
    with listening(0, tunnel) as listener:
        yield {
            "https_proxy": f"http://127.0.0.1:{listener.port}",
            "no_proxy": "",
            "CURL_CA_BUNDLE": str(certificates),
            "GOOGLE_AUTH_TOKEN_FOR_TESTING": "token",
            "NO_GCE_CHECK": "true",
        }


class _Tunnel(socketserver.BaseRequestHandler):
    """Answers one CONNECT, then lets the fake serve what comes through it."""

    fake: ClassVar[Server]
    context: ClassVar[ssl.SSLContext]
    server: Listener

    def handle(self) -> None:
        """Serves one connection."""
        with contextlib.suppress(OSError):  # the client may hang up at any moment
            request = b""
            while not request.endswith(b"\r\n\r\n"):  # it waits for the answer before it says more
                piece = self.request.recv(4096)
                if not piece:
                    return
                request += piece
            method, target, *_ = request.decode().split(" ")
            if method != "CONNECT" or target not in [f"{host}:443" for host in HOSTS]:
                self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self.context.wrap_socket(self.request, server_side=True) as connection:
                self.server.note(connection)  # wrapping has taken the socket out of the one that is noted
                self.fake.serve_here(connection)
