"""One HTTP request to the hosted API: connections kept, every wait bounded, and always known how far it got.

How far matters because a request that went out whole may have been paid for. `requests` does not tell, so the
connection itself keeps count. Nothing raised here, or put in words here, holds the key.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from augmentai import __version__
from augmentai.engines.stability.keys import clean_key
from augmentai.settings import Settings

_LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back, whole. headers: names in lower case. sent_at: monotonic."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    sent_at: float


@dataclass(frozen=True)
class Broken:
    """No whole answer. stage: "connect", "send", "wait" (the request went out whole) or "read" (the answer had begun).

    why: "timeout", "deadline", "stopped", "dns", "certificate", "tls", "refused", "proxy", "reset" or "too large".
    status: of the answer, where it had begun. paid_marks: its headers are those of a generation, which is charged.
    stale: a kept connection that the server had closed; nothing was done.
    """

    stage: str
    why: str
    words: str
    status: int = 0
    paid_marks: bool = False
    stale: bool = False


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


_current = threading.local()


class _Watched:
    """Mixed into urllib3's connections: notes the stage of the request at hand."""

    sock: Any
    send_seconds = 180.0
    _served = 0

    def connect(self) -> None:
        call = getattr(_current, "call", None)
        if call is not None:
            call.holds(self)
        super().connect()  # type: ignore[misc]
        self._served = 0

    def request(self, *args: Any, **kwargs: Any) -> None:
        call = getattr(_current, "call", None)
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
        call = getattr(_current, "call", None)
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


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


class _Bearer(requests.auth.AuthBase):
    """Sets the header itself, so that no .netrc can put another in its place."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class Client:
    """Requests below one base address with one key. Thread-safe; connections are kept and reused."""

    def __init__(self, settings: Settings) -> None:
        self.key = clean_key(settings)
        self._base = settings.stability_api_base.rstrip("/")
        self.host = urlsplit(self._base).hostname or self._base
        self._timeouts = (settings.stability_connect_seconds, settings.stability_read_seconds)
        self._total_seconds = settings.stability_total_seconds
        self._session = requests.Session()
        adapter = _Adapter(pool_connections=2, pool_maxsize=settings.stability_concurrency + 2, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._session.cookies.set_policy(_NoCookies())
        self._session.headers.update(
            {"User-Agent": f"AugmentAI/{__version__}"}
            | {"stability-client-id": "AugmentAI", "stability-client-version": __version__}
        )

    def __repr__(self) -> str:
        return f"Client({self.host})"

    def post(
        self, path: str, form: Mapping[str, str], picture: bytes, media_type: str, call: Callable[[Call], None]
    ) -> Answer | Broken:
        """Send a picture and its form. `call` is given a handle that breaks the request off."""
        name = "image." + media_type.rpartition("/")[2]
        return self._exchange(
            "POST",
            path,
            self._timeouts,
            self._total_seconds,
            call,
            data=form,
            files={"image": (name, picture, media_type)},
        )

    def get(self, path: str, timeouts: tuple[float, float]) -> Answer | Broken:
        return self._exchange("GET", path, timeouts, sum(timeouts), lambda _: None)

    def _exchange(
        self,
        method: str,
        path: str,
        timeouts: tuple[float, float],
        total_seconds: float,
        watch: Callable[[Call], None],
        **content: Any,
    ) -> Answer | Broken:
        sent_at = time.monotonic()
        call = Call(sent_at + total_seconds)
        _current.call = call
        watch(call)
        status = 0
        marks = False
        try:
            with self._session.request(
                method,
                self._base + path,
                headers={"Accept": "image/*" if method == "POST" else "application/json"},
                auth=_Bearer(self.key),
                timeout=timeouts,
                allow_redirects=False,  # the key goes to no other host
                stream=True,
                **content,
            ) as response:
                call.stage, status = "read", response.status_code
                marks = _looks_paid(response.headers)
                body = bytearray()
                for chunk in response.iter_content(_CHUNK_BYTES):
                    body += chunk
                    if len(body) > _LARGEST_ANSWER_BYTES:
                        words = f"the answer is larger than {_LARGEST_ANSWER_BYTES // 2**20} MiB"
                        return Broken("read", "too large", words, status, marks)
                    if time.monotonic() > call.deadline:
                        call.cut = call.cut or "deadline"
                        raise TimeoutError
                if call.cut:  # a line cut within the headers looks like an answer without a body
                    raise TimeoutError
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(status, headers, bytes(body), sent_at)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            why = call.cut or _why(error)
        finally:
            _current.call = None
        # Outside the handler: the exception holds the request and with it the key, and goes no further.
        quick = call.whole_at and time.monotonic() - call.whole_at < 1
        stale = bool(call.stage == "wait" and call.reused and quick and why == "reset")
        return Broken(call.stage, why, self._words(call.stage, why, timeouts, total_seconds), status, marks, stale)

    def _words(self, stage: str, why: str, timeouts: tuple[float, float], total_seconds: float) -> str:
        host = self.host
        if why == "deadline":
            return f"{host} did not finish its answer in {total_seconds:g} s"
        if why == "stopped":
            return "the request was broken off"
        if why == "dns":
            return f"the address {host} cannot be found (DNS)"
        if why == "certificate":
            return f"the certificate of {host} is not valid or has expired"
        if why == "tls":
            return f"no secure connection to {host} could be made (TLS)"
        if why == "refused":
            return f"{host} refuses the connection"
        if why == "proxy":
            return f"the proxy to {host} does not work"
        if why == "timeout" and stage == "connect":
            return f"no connection to {host} in {timeouts[0]:g} s"
        if why == "timeout":
            return f"{host} did not answer in {timeouts[1]:g} s"
        where = {"connect": "while connecting", "send": "while the picture was sent", "wait": "before the answer"}
        return f"the connection to {host} broke {where.get(stage, 'in the middle of the answer')}"


class _NoCookies(requests.cookies.cookielib.DefaultCookiePolicy):  # type: ignore[name-defined]
    """A load balancer's cookie would tie every request to one of its machines, a broken one too."""

    def set_ok(self, cookie: Any, request: Any) -> bool:
        return False


def _looks_paid(headers: Mapping[str, str]) -> bool:
    """The marks of a generation: what a stray page of some gateway in between does not have."""
    media_type = headers.get("content-type", "").lower()
    return "finish-reason" in headers or "seed" in headers or media_type.startswith("image/")


def _why(error: BaseException) -> str:
    """The cause at the bottom of what `requests` and `urllib3` wrap around it, in one word."""
    chain: list[BaseException] = []
    todo: list[Any] = [error]
    while todo:
        one = todo.pop()
        if isinstance(one, BaseException) and one not in chain:
            chain.append(one)
            todo += [*one.args, one.__cause__, one.__context__, getattr(one, "reason", None)]
    if any(isinstance(one, urllib3.exceptions.ProxyError) for one in chain):
        return "proxy"
    if any(isinstance(one, socket.gaierror | urllib3.exceptions.NameResolutionError) for one in chain):
        return "dns"
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in chain):
        return "certificate"
    if any(isinstance(one, ConnectionRefusedError) for one in chain):
        return "refused"
    if any(isinstance(one, TimeoutError | requests.Timeout | urllib3.exceptions.TimeoutError) for one in chain):
        return "timeout"
    if any(isinstance(one, ssl.SSLError) and not isinstance(one, ssl.SSLEOFError) for one in chain):
        return "tls"
    return "reset"
