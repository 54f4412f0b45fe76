"""Connections that know how far their request has got, and that another thread may cut.

How far matters because a request that went out whole may have been paid for, and neither `requests` nor `urllib3`
tells. Cutting matters because a time-out for each read does not bound a server that sends a byte now and then.
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
    """How far one request has got; its connection writes it down, and may be cut from another thread."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.stage = "connect"
        self.reused = False
        self.whole_at = 0.0
        self.cut = ""
        self._connection: Any = None
        self._lock = threading.Lock()

    def holds(self, connection: Any) -> None:
        with self._lock:
            self._connection = connection
        if self.cut:
            self.break_off(self.cut)

    def break_off(self, why: str) -> None:
        with self._lock:
            self.cut = self.cut or why
            sock = getattr(self._connection, "sock", None)
        if sock is not None:
            with suppress(OSError, ValueError):
                # Of the plain socket: TLS would first exchange farewells with a server that does not answer.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


current = threading.local()


class _Watched:
    """Mixed into urllib3's connections: notes the stage of the request at hand."""

    sock: Any
    send_seconds = 180.0
    _served = 0

    def connect(self) -> None:
        call = getattr(current, "call", None)
        if call is not None:
            call.holds(self)
        super().connect()  # type: ignore[misc]
        self._served = 0

    def request(self, *args: Any, **kwargs: Any) -> None:
        call = getattr(current, "call", None)
        if call is not None:
            call.holds(self)
            call.reused = self._served > 0
        super().request(*args, **kwargs)  # type: ignore[misc]
        self._served += 1
        if call is not None:
            call.stage, call.whole_at = "wait", time.monotonic()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        call = getattr(current, "call", None)
        if call is not None:
            call.stage = "send"
        # Otherwise the time to connect would bound the whole upload, and a slow line could never send a picture.
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
    """The adapter of `requests` with connections that keep count, through a proxy too."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager
