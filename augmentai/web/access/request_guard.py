"""Stands before Gradio's own routes: what they leave open to strangers is bounded or closed here (ASGI)."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from starlette.requests import Request

from augmentai.settings import Settings
from augmentai.web.access.rate_limit import Window, wait_words
from augmentai.web.access.visitors import address_of

_log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_API = "/gradio_api/"
_LARGEST_BODY_BYTES = 8_000_000  # of a call: 2,000 uploaded files are named in less than one
_LEAST_FREE_BYTES = 1_000_000_000
_LOGIN_TRIES, _LOGIN_SECONDS = 10, 300.0
# Gradio's routes that this page never calls. Each takes work, shows something, or reaches out for whoever asks.
_CLOSED = (
    "monitoring",
    "gradio_api/deep_link",
    "gradio_api/component_server",
    "gradio_api/custom_component",
    "gradio_api/dev/",
    "gradio_api/file/",
    "gradio_api/process_recording",
    "gradio_api/proxy=",
    "gradio_api/run-history",
    "gradio_api/runs",
    "gradio_api/stream",
    "gradio_api/undo-vibe-edit",
    "gradio_api/vibe",
)
_HEADERS = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin")]
# What somebody uploaded is only ever shown as a picture or saved: never run, even where it is HTML or SVG.
_FILE_HEADERS = [(b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox")]
_KEPT_BY_BROWSERS = (b"cache-control", b"private, max-age=3600")  # no file ever changes under its name


class _RefusedError(Exception):
    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class Guard:
    """Middleware. Refusals are JSON, {"detail": words for the visitor}.

    400: a call that makes no sense, or names a file by its address on the web. 404: a route of Gradio that this page
    has no use for. 413: a body that is too large. 429: too many jobs waiting, too much uploaded in an hour, too many
    passwords tried. 507: the disk is nearly full.
    """

    def __init__(self, app: Any, settings: Settings, folder: str, waiting: Callable[[], list[Any]]) -> None:
        """folder: where uploads go. waiting: the requests whose jobs wait for their turn."""
        self.app, self._settings, self._folder, self._waiting = app, settings, os.path.realpath(folder), waiting
        self._proxies = settings.proxies or 0
        megabytes = settings.visitor_upload_mb_per_hour
        self._uploads = Window(None if megabytes is None else megabytes * 1_000_000)
        self._logins = Window(_LOGIN_TRIES, _LOGIN_SECONDS)
        self._asks_password = bool(settings.password.get_secret_value())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        path = self._path(scope)
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message.get("headers", []), *_HEADERS]
                if path.startswith(_API + "file="):
                    kept = [_KEPT_BY_BROWSERS] if message["status"] in (200, 206) else []
                    message["headers"] += [*_FILE_HEADERS, *kept]
            await send(message)

        try:
            self._check(request, path)
            if request.method == "POST":
                receive = await self._bounded(request, path, receive)
            await self.app(scope, receive, answer)
        except _RefusedError as refused:
            if not begun:
                await _refuse(answer, refused)
        except Exception as error:
            if begun or request.method != "POST":
                raise
            # Gradio answers unknown numbers and names of functions with a fault of its own.
            _log.warning("a call to %s could not be understood (%s: %s)", path, type(error).__name__, error)
            await _refuse(answer, _RefusedError(400, "This call could not be understood."))

    def _path(self, scope: Scope) -> str:
        """The path within the app: behind a proxy that keeps its prefix, without it."""
        path, root = scope["path"], (scope.get("root_path") or "").rstrip("/")
        return path[len(root) :] if root and path.startswith(root + "/") else path

    def _check(self, request: Request, path: str) -> None:
        if path.lstrip("/").startswith(_CLOSED):
            raise _RefusedError(404, "There is nothing here.")
        site, mode = request.headers.get("sec-fetch-site"), request.headers.get("sec-fetch-mode")
        if self._asks_password and site == "cross-site" and mode != "navigate":
            # Gradio's cookie goes along with requests that other sites make in the visitor's browser.
            raise _RefusedError(403, "This page is not open to other sites.")

    async def _bounded(self, request: Request, path: str, receive: Receive) -> Receive:
        visitor = address_of(request, self._proxies)
        if path.rstrip("/") == _API + "upload":
            return self._counted(request, visitor, receive)
        if path.rstrip("/") == "/login" and self._asks_password and not self._logins.take(visitor, 1):
            wait = wait_words(self._logins.seconds_until(visitor, 1))
            raise _RefusedError(429, f"Too many passwords were tried. Try again {wait}.")
        if path.startswith((_API + "queue/join", _API + "call/")):
            self._check_waiting(visitor)
        body = await _whole(request, receive)
        if path.startswith(_API):
            _check_files(body, self._folder)
        return _replayed(body, receive)

    def _check_waiting(self, visitor: str) -> None:
        most = self._settings.visitor_jobs
        if most is None:
            return
        mine = sum(address_of(request, self._proxies) == visitor for request in self._waiting())
        if mine >= most:
            waits = "1 of your jobs waits" if mine == 1 else f"{mine} of your jobs wait"
            raise _RefusedError(429, f"{waits} already; {most} may. Try again when one has begun.")

    def _counted(self, request: Request, visitor: str, receive: Receive) -> Receive:
        """Reads an upload and counts it against the visitor's hour, chunk by chunk."""
        if shutil.disk_usage(self._folder).free < _LEAST_FREE_BYTES:
            raise _RefusedError(507, "The server's disk is nearly full; try again later.")
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._uploads.left(visitor):
            raise _RefusedError(429, self._too_much(visitor, int(announced)))

        async def counting() -> Message:
            message = await receive()
            count = len(message.get("body", b""))
            if not self._uploads.take(visitor, count):
                raise _RefusedError(429, self._too_much(visitor, count))
            return message

        return counting

    def _too_much(self, visitor: str, count: int) -> str:
        limit = self._uploads.limit
        assert limit is not None
        if count > limit:
            return f"More than {limit / 1e6:,.0f} MB; that is what one visitor may upload an hour."
        wait = wait_words(self._uploads.seconds_until(visitor, count))
        return f"The limit of {limit / 1e6:,.0f} MB an hour for uploads is reached; there is room for this one {wait}."


async def _whole(request: Request, receive: Receive) -> bytes:
    """The body of a call, read at once so that one too large is refused before anything parses it."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > _LARGEST_BODY_BYTES:
        raise _RefusedError(413, "The request is too large.")
    parts: list[bytes] = []
    size = 0
    while (message := await receive())["type"] == "http.request":
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > _LARGEST_BODY_BYTES:
            raise _RefusedError(413, "The request is too large.")
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()  # what follows is the end of the connection

    return replay


def _check_files(body: bytes, folder: str) -> None:
    """Files are uploaded, one by one: Gradio itself would take a whole folder of uploads, everybody's, for a file, and
    download any public address that stands in a file's place.
    """
    try:
        rest: list[Any] = [json.loads(body or b"{}")]
    except (ValueError, RecursionError):
        return  # Gradio says what is wrong with it
    while rest:
        part = rest.pop()
        if isinstance(part, dict):
            if isinstance(path := part.get("path"), str):
                _check_path(path, folder)
            rest.extend(part.values())
        elif isinstance(part, list):
            rest.extend(part)


def _check_path(path: str, folder: str) -> None:
    if path.strip().lower().startswith(("http:", "https:")):
        raise _RefusedError(400, "Files are not fetched from other servers. Upload them first.")
    with suppress(ValueError):  # a null character
        real = os.path.realpath(path)  # of other places nothing is told, not even whether they exist
        if os.path.commonpath([real, folder]) == folder and os.path.isdir(real):
            raise _RefusedError(400, "A folder cannot be given. Upload its files, or a ZIP of it.")


async def _refuse(send: Send, refused: _RefusedError) -> None:
    body = json.dumps({"detail": refused.words}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
