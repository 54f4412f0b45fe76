"""Connections that know how far their request has got, and that another thread may abort.

How far matters because a request that went out completely may have been charged, and neither `requests` nor `urllib3`
reports it. Aborting matters because a timeout per read does not bound a server that sends a byte now and then.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Call:
    """How far one request has got. Its connection records that, and may be aborted from another thread.

    Attributes:
        deadline: monotonic time at which it is to be aborted.
        stage: "connect", "send", "wait" or "read".
        sent_at: monotonic time when the whole request had gone out; 0 before.
        aborted: why it was aborted, in one word; "" if it was not.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.stage = "connect"
        self.sent_at = 0.0
        self.aborted = ""
        self._connection: Any = None
        self._lock = threading.Lock()

    def attach(self, connection: Any) -> None:
        """The connection that serves it."""
        with self._lock:
            self._connection = connection
        if self.aborted:
            self.abort(self.aborted)

    def abort(self, why: str) -> None:
        """Cut the connection."""
        with self._lock:
            self.aborted = self.aborted or why
            sock = getattr(self._connection, "sock", None)
        if sock is not None:
            with suppress(OSError, ValueError):
                # Of the plain socket: TLS would first negotiate a shutdown with a server that does not answer.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


current = threading.local()


class _Watched:
    """Mixed into urllib3's connections: records the stage of the current request."""

    sock: Any
    send_seconds = 180.0

    def connect(self) -> None:
        call = getattr(current, "call", None)
        if call is not None:
            call.attach(self)
        super().connect()  # type: ignore[misc]

    def request(self, *args: Any, **kwargs: Any) -> None:
        call = getattr(current, "call", None)
        if call is not None:
            call.attach(self)
        super().request(*args, **kwargs)  # type: ignore[misc]
        if call is not None:
            call.stage, call.sent_at = "wait", time.monotonic()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        call = getattr(current, "call", None)
        if call is not None:
            call.stage = "send"
        # Otherwise the connect timeout would bound the whole upload, and a slow line could never send an image.
        self.sock.settimeout(self.send_seconds)
        super().send(data)  # type: ignore[misc]


class _Http(_Watched, HTTPConnection):
    pass


class _Https(_Watched, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


_POOLS = {"http": _HttpPool, "https": _HttpsPool}


class Adapter(HTTPAdapter):
    """The adapter of `requests` with the connections above, through a proxy too."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager
