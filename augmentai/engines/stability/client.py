"""HTTP requests to the hosted API: connections reused, every wait bounded, and always known how far a request got.

No exception or message from here contains the key.
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

from augmentai.engines.stability.api_key import clean_key
from augmentai.engines.stability.connection import Adapter, Call, current
from augmentai.settings import Settings
from augmentai.version import __version__

_MAX_RESPONSE_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Response:
    """A complete response. headers: names in lower case. sent_at: monotonic time of the request."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    sent_at: float


@dataclass(frozen=True)
class RequestFailure:
    """A request without a complete response.

    Attributes:
        stage: how far it got: "connect", "send", "wait" (the whole request went out) or "read" (the response had
            begun).
        why: "timeout", "deadline", "stopped", "dns", "certificate", "tls", "refused", "proxy", "reset" or "too large".
        message: the same in words.
        status: of the response, if it had begun; else 0.
        looks_paid: its headers are those of a generation, which is charged.
    """

    stage: str
    why: str
    message: str
    status: int = 0
    looks_paid: bool = False


class _Bearer(requests.auth.AuthBase):
    """Sets the header itself, so that no .netrc can put another in its place."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class Client:
    """Requests below one base address with one key. Thread-safe; connections are reused."""

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
        self,
        path: str,
        form: Mapping[str, str],
        image: bytes,
        media_type: str,
        on_call: Callable[[Call], None],
        more: Mapping[str, tuple[bytes, str]] | None = None,
        image_field: str = "image",
    ) -> Response | RequestFailure:
        """Send an image and its form.

        Args:
            path: below the base address.
            form: the other fields.
            image: the encoded file.
            media_type: of the file.
            on_call: receives a handle that can abort the request.
            more: further files with their media types, by the names of their fields.
            image_field: that of the image.
        """
        sent = {image_field: (image, media_type), **(more or {})}
        files = {field: (f"{field}.{kind.rpartition('/')[2]}", data, kind) for field, (data, kind) in sent.items()}
        return self._exchange(
            "POST",
            path,
            self._timeouts,
            self._total_seconds,
            on_call,
            data=form,
            files=files,
        )

    def get(self, path: str, timeouts: tuple[float, float]) -> Response | RequestFailure:
        """Ask for something that costs nothing. timeouts: seconds to connect, and to read."""
        return self._exchange("GET", path, timeouts, sum(timeouts), lambda _: None)

    def _exchange(
        self,
        method: str,
        path: str,
        timeouts: tuple[float, float],
        total_seconds: float,
        on_call: Callable[[Call], None],
        **content: Any,
    ) -> Response | RequestFailure:
        sent_at = time.monotonic()
        call = Call(sent_at + total_seconds)
        current.call = call
        on_call(call)
        status = 0
        looks_paid = False
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
                looks_paid = _looks_paid(response.headers)
                body = bytearray()
                for chunk in response.iter_content(_CHUNK_BYTES):
                    body += chunk
                    if len(body) > _MAX_RESPONSE_BYTES:
                        message = f"the response is larger than {_MAX_RESPONSE_BYTES // 2**20} MiB"
                        return RequestFailure("read", "too large", message, status, looks_paid)
                    if time.monotonic() > call.deadline:
                        call.aborted = call.aborted or "deadline"
                        raise TimeoutError
                if call.aborted:  # a connection cut within the headers looks like a response without a body
                    raise TimeoutError
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Response(status, headers, bytes(body), sent_at)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            why = call.aborted or _why(error)
        finally:
            current.call = None
        # Outside the handler: the exception contains the request and with it the key, and goes no further.
        message = self._message(call.stage, why, timeouts, total_seconds)
        return RequestFailure(call.stage, why, message, status, looks_paid)

    def _message(self, stage: str, why: str, timeouts: tuple[float, float], total_seconds: float) -> str:
        host = self.host
        if why == "deadline":
            return f"{host} did not finish its response in {total_seconds:g} s"
        if why == "stopped":
            return "the request was aborted"
        if why == "dns":
            return f"the address {host} cannot be resolved (DNS)"
        if why == "certificate":
            return f"the certificate of {host} is not valid or has expired"
        if why == "tls":
            return f"no secure connection to {host} could be established (TLS)"
        if why == "refused":
            return f"{host} refused the connection"
        if why == "proxy":
            return f"the proxy in front of {host} does not work"
        if why == "timeout" and stage == "connect":
            return f"no connection to {host} in {timeouts[0]:g} s"
        if why == "timeout":
            return f"{host} did not answer in {timeouts[1]:g} s"
        where = {"connect": "while connecting", "send": "while the image was sent", "wait": "before the response"}
        return f"the connection to {host} broke {where.get(stage, 'during the response')}"


class _NoCookies(requests.cookies.cookielib.DefaultCookiePolicy):  # type: ignore[name-defined]
    """A load balancer's cookie would tie every request to one of its machines, even a broken one."""

    def set_ok(self, cookie: Any, request: Any) -> bool:
        return False


def _looks_paid(headers: Mapping[str, str]) -> bool:
    """Whether these are the headers of a generation, which an error page of a gateway in between does not have."""
    media_type = headers.get("content-type", "").lower()
    return "finish-reason" in headers or "seed" in headers or media_type.startswith("image/")


def _why(error: BaseException) -> str:
    """The root cause that `requests` and `urllib3` wrap, in one word."""
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
