"""ASGI middleware in front of Gradio's routes: limits or closes what they leave open to strangers."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.requests import Request

from augmentai.settings import Settings
from augmentai.web.access.rate_limit import SlidingWindow, wait_words
from augmentai.web.access.refusals import Message, Receive, RefusedError, Scope, Send, refuse
from augmentai.web.access.visitors import address_of

_log = logging.getLogger(__name__)

_API = "/gradio_api/"
_MAX_BODY_BYTES = 8_000_000  # of a call: the names of 2,000 uploaded files take less than 1 MB
_MIN_FREE_BYTES = 1_000_000_000
_LOGIN_ATTEMPTS, _LOGIN_SECONDS = 10, 300.0
# Gradio's routes that this page never calls. Each does work, reveals something or sends requests for any caller.
_CLOSED_ROUTES = (
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
# Uploads are only shown as images or saved, never executed, even if they are HTML or SVG.
_FILE_HEADERS = [(b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox")]
_BROWSER_CACHE = (b"cache-control", b"private, max-age=3600")  # a file never changes under its name


class RequestGuard:
    """Middleware. Refusals are JSON, {"detail": message for the visitor}.

    400: a malformed call, or a file named by a web address. 403: another site's request. 404: a route of Gradio that
    this page does not use. 413: the body is too large. 429: too many jobs waiting, too much uploaded in an hour, or too
    many login attempts. 507: the disk is nearly full.
    """

    def __init__(self, app: Any, settings: Settings, folder: str, waiting: Callable[[], list[Any]]) -> None:
        """folder: where uploads are stored. waiting: returns the requests of all queued jobs."""
        self.app, self._settings, self._folder, self._waiting = app, settings, os.path.realpath(folder), waiting
        self._proxies = settings.proxies or 0
        megabytes = settings.visitor_upload_mb_per_hour
        self._uploads = SlidingWindow(None if megabytes is None else megabytes * 1_000_000)
        self._logins = SlidingWindow(_LOGIN_ATTEMPTS, _LOGIN_SECONDS)
        self._asks_password = bool(settings.password.get_secret_value())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        path = self._path(scope)
        started = False

        async def respond(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", []), *_HEADERS]
                if path.startswith(_API + "file="):
                    cached = [_BROWSER_CACHE] if message["status"] in (200, 206) else []
                    message["headers"] += [*_FILE_HEADERS, *cached]
            await send(message)

        try:
            self._check(request, path)
            if request.method == "POST":
                receive = await self._limit(request, path, receive)
            await self.app(scope, receive, respond)
        except RefusedError as refused:
            if not started:
                await refuse(scope, respond, refused)
        except Exception as error:
            if started or request.method != "POST":
                raise
            # Gradio raises its own errors for unknown function numbers and names.
            _log.warning("malformed call to %s (%s: %s)", path, type(error).__name__, error)
            malformed = RefusedError(400, "The request is malformed or names an unknown function.")
            await refuse(scope, respond, malformed)

    def _path(self, scope: Scope) -> str:
        """The path within the app, without the prefix of a proxy that does not strip it."""
        path, root = scope["path"], (scope.get("root_path") or "").rstrip("/")
        return path[len(root) :] if root and path.startswith(root + "/") else path

    def _check(self, request: Request, path: str) -> None:
        if path.lstrip("/").startswith(_CLOSED_ROUTES):
            raise RefusedError(404, "Not found.")

    async def _limit(self, request: Request, path: str, receive: Receive) -> Receive:
        visitor = address_of(request, self._proxies)
        if path.rstrip("/") == _API + "upload":
            return self._count_upload(request, visitor, receive)
        if path.rstrip("/") == "/login" and self._asks_password and not self._logins.reserve(visitor, 1):
            wait = wait_words(self._logins.seconds_until(visitor, 1))
            raise RefusedError(429, f"Too many login attempts. Try again {wait}.")
        if path.startswith((_API + "queue/join", _API + "call/")):
            self._check_waiting(visitor)
        body = await _read_body(request, receive)
        if path.startswith(_API):
            _check_files(body, self._folder)
        return _replay(body, receive)

    def _check_waiting(self, visitor: str) -> None:
        limit = self._settings.visitor_jobs
        if limit is None:
            return
        count = sum(address_of(request, self._proxies) == visitor for request in self._waiting())
        if count >= limit:
            jobs = f"{count} job{'' if count == 1 else 's'}"
            message = f"You already have {jobs} queued (limit: {limit}). Try again when one has started."
            raise RefusedError(429, message)

    def _count_upload(self, request: Request, visitor: str, receive: Receive) -> Receive:
        """Count an upload against the visitor's hour, chunk by chunk."""
        if shutil.disk_usage(self._folder).free < _MIN_FREE_BYTES:
            raise RefusedError(507, "The server's disk is nearly full; try again later.")
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._uploads.remaining(visitor):
            raise RefusedError(429, self._too_much_uploaded(visitor, int(declared)))

        async def counting() -> Message:
            message = await receive()
            count = len(message.get("body", b""))
            if not self._uploads.reserve(visitor, count):
                raise RefusedError(429, self._too_much_uploaded(visitor, count))
            return message

        return counting

    def _too_much_uploaded(self, visitor: str, count: int) -> str:
        limit = self._uploads.limit
        assert limit is not None
        if count > limit:
            return f"The upload exceeds the limit of {limit / 1e6:,.0f} MB per hour per visitor."
        wait = wait_words(self._uploads.seconds_until(visitor, count))
        return f"The upload limit of {limit / 1e6:,.0f} MB per hour is reached. Try again {wait}."


async def _read_body(request: Request, receive: Receive) -> bytes:
    """Read the body of a call, so that one that is too large is refused before anything parses it."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > _MAX_BODY_BYTES:
        raise RefusedError(413, "The request is too large.")
    parts: list[bytes] = []
    size = 0
    while (message := await receive())["type"] == "http.request":
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > _MAX_BODY_BYTES:
            raise RefusedError(413, "The request is too large.")
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()  # then the connection ends

    return replay


def _check_files(body: bytes, folder: str) -> None:
    """Refuse folders and web addresses in place of files.

    Gradio itself would accept the folder of everybody's uploads as a file, and download any public address.
    """
    try:
        rest: list[Any] = [json.loads(body or b"{}")]
    except (ValueError, RecursionError):
        return  # Gradio reports what is wrong with it
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
        raise RefusedError(400, "Files are not downloaded from other servers. Upload them first.")
    with suppress(ValueError):  # a null character
        real = os.path.realpath(path)  # nothing is revealed of other places, not even whether they exist
        if os.path.commonpath([real, folder]) == folder and os.path.isdir(real):
            raise RefusedError(400, "Folders are not accepted. Upload the files in it, or a ZIP of it.")
