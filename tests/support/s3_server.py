"""An S3 server over HTTP on this machine (moto), with ways to make it answer 503 or slowly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

BUCKET = "sets"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secretOfMine",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    "AWS_MAX_ATTEMPTS": "1",  # of botocore; s3fs makes several of them
}
_BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


@dataclass
class S3Server:
    """asked: method and path of each request. fault: the status to answer a request with instead, or None."""

    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    fault: Callable[[str, str], int | None] = lambda method, path: None
    lock: Lock = field(default_factory=Lock)

    @property
    def environment(self) -> dict[str, str]:
        """What its clients need."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.url}

    def files(self, prefix: str = "") -> dict[str, bytes]:
        """Everything in the bucket below a prefix, by the rest of its key."""
        bucket = _backend().buckets[BUCKET]
        return {
            key.removeprefix(prefix): bytes(bucket.keys[key].value)
            for key in sorted(bucket.keys)
            if key.startswith(prefix)
        }

    def clear(self) -> None:
        """An empty bucket, and no faults."""
        self.asked.clear()
        self.fault = lambda method, path: None
        _backend().reset()
        _backend().create_bucket(BUCKET, "us-east-1")


def _backend() -> Any:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3 import s3_backends

    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]


def _with_faults(server: S3Server, app: Any) -> Any:
    """The WSGI application, behind what makes it fail."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        with server.lock:
            server.asked.append((method, path))
            status = server.fault(method, path)
        if status is None:
            return app(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"].read(length)
        body = b"" if method == "HEAD" else _BUSY
        start_response(f"{status} Fault", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]

    return answer


@contextmanager
def s3_server() -> Iterator[S3Server]:
    from threading import Thread

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    server = S3Server()
    app = _with_faults(server, DomainDispatcherApplication(create_backend_app))
    http = make_server("127.0.0.1", 0, app, threaded=True)
    server.url = f"http://127.0.0.1:{http.server_port}"
    server.clear()
    thread = Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
