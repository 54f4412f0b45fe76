"""One HTTP request to the hosted API: connections kept, every wait bounded, and always known how far it got.

Nothing raised here, or put in words here, holds the key.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from augmentai import __version__
from augmentai.engines.stability.api_key import clean_key
from augmentai.engines.stability.connection import Adapter, Call, current
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
        adapter = Adapter(pool_connections=2, pool_maxsize=settings.stability_concurrency + 2, max_retries=0)
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
        current.call = call
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
            current.call = None
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
