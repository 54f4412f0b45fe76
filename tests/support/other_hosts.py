"""Servers that are not the hosted API: nothing secret may reach them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

EXPIRED = Path(__file__).parents[1] / "emulator" / "expired.pem"


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def another_host(received: list[str], certificate: Path | None = None) -> Iterator[str]:
    """A server that records what it is sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(f"{self.path} {self.headers}")
            self.send_error(500)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(HTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def tls_server() -> Iterator[tuple[str, list[str]]]:
    received: list[str] = []
    with another_host(received, EXPIRED) as url:
        yield url, received
