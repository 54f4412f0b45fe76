"""A server of Google Cloud Storage over HTTP on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

GS_BUCKET = "sets"


@contextmanager
def gs_server() -> Iterator[dict[str, str]]:
    """What the environment of its clients must say."""
    from gcp_storage_emulator.server import create_server

    from tests.support.other_hosts import closed_port

    port = closed_port()
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket=GS_BUCKET)
    server.start()
    try:
        # The emulator knows one kind of bucket.
        yield {
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}",
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        }
    finally:
        server.stop()
