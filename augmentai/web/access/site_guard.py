"""ASGI wrapper around the whole server: it answers only under its own names, and only to its own pages.

Without it any web site could drive a page that runs on a visitor's computer: by a name that is made to resolve to that
computer (DNS rebinding), or by a request from a page of another origin. Gradio's CORS does not prevent either: it
trusts every origin unless the host is literally localhost, 127.0.0.1 or 0.0.0.0.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from augmentai.settings import Settings
from augmentai.web.access.refusals import Receive, RefusedError, Scope, Send, refuse

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WILDCARDS = frozenset({"0.0.0.0", "::"})  # listen on every address of the machine
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s:/?#@\[\],]+))(?::(\d{1,5}))?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_READING = frozenset({"GET", "HEAD"})
_LONGEST_SHOWN = 100  # characters of a foreign name in a message


@dataclass(frozen=True)
class Host:
    """A host name or address in lower case, without brackets, and the port if one is given."""

    name: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Host | None:
        """The value of a Host header; None if it is malformed. A final dot is part of the name."""
        match = _HOST.fullmatch(text.strip())
        if match is None:
            return None
        address, name, port = match.groups()
        if address:
            try:
                name = str(ipaddress.IPv6Address(address))
            except ValueError:
                return None
        return cls(name.lower(), int(port) if port else None)

    def on(self, scheme: str) -> tuple[str, int | None]:
        """Name and port, where no port means the default one of the scheme."""
        return self.name, self.port or _DEFAULT_PORTS.get(scheme)


def listen_address(settings: Settings) -> str:
    """The address that the server listens on: this computer alone, unless set or behind AI Workbench's proxy."""
    return settings.server_name or ("0.0.0.0" if settings.behind_proxy else "127.0.0.1")


def own_names(settings: Settings) -> frozenset[str]:
    """The host names that the server was started for; `*.example.org` stands for every name below example.org.

    The address that a connection arrived at is always one of them too; it is known only then.
    """
    listening = listen_address(settings).strip("[]").lower()
    names = set(LOOPBACK) | {listening} | set(settings.hosts)
    if listening not in LOOPBACK:
        machine = socket.gethostname().lower()
        short = machine.partition(".")[0]
        names |= {machine, short, f"{short}.local"}
    if settings.space_id:
        names |= {"*.hf.space", *(name.strip().lower() for name in settings.space_host.split(","))}
    if settings.share:
        names.add("*.gradio.live")
    if (public := _public_address(settings)) is not None:
        names.add(public[1].name)
    return frozenset(names - {""})


def _public_address(settings: Settings) -> tuple[str, Host] | None:
    """Scheme and host of the page's public address, if GRADIO_ROOT_PATH is a full one."""
    return _origin(settings.root_path or "")


def _origin(text: str) -> tuple[str, Host] | None:
    """Scheme and host of an origin or address; None for "null", for other schemes and for what is malformed."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    host = Host.parse(parts.netloc)
    return (parts.scheme, host) if host is not None and parts.scheme in _DEFAULT_PORTS else None


class SiteGuard:
    """Wraps the whole application, Gradio's CORS included.

    421: a Host or X-Forwarded-Host that is not one of the server's names. 403: a request that another site's page
    sends; what only reads is refused too if it names another origin. Programs that send no Origin are let through.
    """

    def __init__(self, app: Any, settings: Settings) -> None:
        self.app = app
        self._names = own_names(settings)
        self._public = _public_address(settings)
        self._asks_password = bool(settings.password.get_secret_value())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            try:
                self._check(scope, Headers(scope=scope))
            except RefusedError as refused:
                await refuse(scope, send, refused)
                return
        await self.app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        hosts = self._hosts(headers, _local_address(scope))
        reading = scope["type"] == "http" and scope["method"] in _READING
        origins = headers.getlist("origin")
        if not origins and not reading:
            origins = headers.getlist("referer")
        for origin in origins:
            if not self._is_own(origin, hosts):
                raise _other_site(origin)
        # A browser states where a request comes from, even if it sends neither Origin nor Referer.
        site, mode = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode")
        if not reading and not origins and site in ("cross-site", "same-site"):
            raise _other_site("")
        if self._asks_password and site == "cross-site" and mode != "navigate":
            raise _other_site("")  # the visitor's browser sends Gradio's cookie with requests from other sites too

    def _hosts(self, headers: Headers, local: str) -> list[Host]:
        """Every name that the request was sent to, as the browser and the proxies say.

        Raises:
            RefusedError: there is none, or one of them is not the server's.
        """
        given = headers.getlist("host") + _entries(headers.getlist("x-forwarded-host"))
        hosts = []
        for text in given or [""]:
            host = Host.parse(text)
            if host is None or not self._is_served(host.name, local):
                raise RefusedError(
                    421,
                    f"This server does not answer for the host {_shown(text)}. Open the page under the address that "
                    "the server printed at its start, or add the name to AUGMENTAI_HOSTS and restart it.",
                )
            hosts.append(host)
        return hosts

    def _is_served(self, name: str, local: str) -> bool:
        if name in self._names or name == local:
            return True
        parents = name.split(".")
        return any("*." + ".".join(parents[start:]) in self._names for start in range(1, len(parents)))

    def _is_own(self, origin: str, hosts: Iterable[Host]) -> bool:
        """Whether an origin or address is that of this very page, port included."""
        if (found := _origin(origin)) is None:
            return False
        scheme, host = found
        own = {one.on(scheme) for one in hosts}
        if self._public is not None:
            own.add(self._public[1].on(self._public[0]))
        return host.on(scheme) in own


def _entries(lines: Iterable[str]) -> list[str]:
    return [entry for line in lines for entry in line.split(",") if entry.strip()]


def _local_address(scope: Scope) -> str:
    """The server's own address on this connection; empty if unknown."""
    address = (scope.get("server") or ("",))[0] or ""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address.lower()
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def _shown(text: str) -> str:
    return ascii(text[:_LONGEST_SHOWN])


def _other_site(origin: str) -> RefusedError:
    sender = f" ({_shown(origin)})" if origin else ""
    return RefusedError(
        403,
        f"Requests from other sites{sender} are not allowed. Open this page itself; behind a proxy, let it pass Host, "
        "or set X-Forwarded-Host.",
    )
