"""ASGI middleware in front of Gradio's routes: limits or closes what they leave open to strangers."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from augmentai.settings import Settings
from augmentai.web.access.rate_limit import SlidingWindow, wait_words
from augmentai.web.access.refusals import Message, Receive, RefusedError, Scope, Send, refuse
from augmentai.web.access.request_counts import RequestCounts
from augmentai.web.access.sent_files import SentFile
from augmentai.web.access.uploads import TimedBody, UploadLimits, no_leftovers
from augmentai.web.access.visitors import address_of

if TYPE_CHECKING:
    from augmentai.web.access.job_queue import JobQueue
    from augmentai.web.jobs.deliveries import Deliveries

_log = logging.getLogger(__name__)

_API = "/gradio_api/"
_MAX_BODY_BYTES = 8_000_000  # of a call: the names of 2,000 uploaded files take less than 1 MB
_MAX_HEADERS, _MAX_HEADER_BYTES = 100, 32_768  # a queued job holds those of its request
_MAX_PATH, _MAX_QUERY = 4_096, 4_096
# A call may name so many files, since Gradio checks them one by one while nobody else is answered.
_FILES_NAMED_PER_IMAGE, _MIN_FILES_NAMED = 5, 1_000
_MAX_NAME = 128  # characters of a session or event: Gradio's own have 11 to 36, and it holds them for long
_NAMES = ("session_hash", "event_id")
_RANGE = re.compile(rb"bytes=(\d{1,18}-\d{0,18}|-\d{1,18})")  # one part: Gradio fails on anything else
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

    400: a malformed call, or a file named by a web address. 403: a file of another server. 404: a route of Gradio that
    this page does not use. 408: the body stopped arriving. 413, 414, 431: the body, the address or the headers are too
    large. 429: too many requests, calls or sessions, too much
    uploaded in an hour, or too many login attempts. 507: the disk is nearly full.
    """

    def __init__(
        self,
        app: Any,
        settings: Settings,
        folder: str,
        queue: Callable[[], JobQueue],
        deliveries: Deliveries,
    ) -> None:
        """folder: where uploads are stored. queue: returns the page's queue of jobs. deliveries: results to fetch."""
        self.app, self._folder, self._queue = app, os.path.realpath(folder), queue
        self._deliveries = deliveries
        self._proxies = settings.proxies or 0
        self._uploads = UploadLimits(settings, self._folder)
        self._counts = RequestCounts(settings)
        self._logins = SlidingWindow(_LOGIN_ATTEMPTS, _LOGIN_SECONDS)
        self._most_files = max(_MIN_FILES_NAMED, _FILES_NAMED_PER_IMAGE * settings.max_files)
        self._asks_password = bool(settings.password.get_secret_value())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["headers"] = [one for one in scope["headers"] if one[0] != b"range" or _RANGE.fullmatch(one[1])]
        request = Request(scope)
        path = self._path(scope)
        started = False
        is_file = request.method == "GET" and path.startswith(_API + "file=")
        sent = SentFile(Request(scope, receive)) if is_file else None

        async def respond(message: Message) -> None:
            nonlocal started
            if sent is not None:
                await sent.watch(message)
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", []), *_HEADERS]
                if path.startswith(_API + "file="):
                    cached = [_BROWSER_CACHE] if message["status"] in (200, 206) else []
                    message["headers"] += [*_FILE_HEADERS, *cached]
            await send(message)

        try:
            self._check(request, path)
            visitor = address_of(request, self._proxies)
            self._counts.add_request(visitor)
            if request.method == "POST":
                receive = await self._limit(request, path, visitor, receive)
            session = _session_read(request, path)
            with self._queue().listening(session) if session else nullcontext(), no_leftovers():
                await self.app(scope, receive, respond)
            if sent is not None and sent.is_whole:
                await self._hand_over(path.removeprefix(_API + "file="))
            if "cancelled_event" in scope:
                await self._queue().cancel(scope["cancelled_event"])
        except RefusedError as refused:
            if not started:
                await refuse(scope, respond, refused)
        except Exception as error:
            if started or request.method != "POST":
                raise
            # Gradio raises its own errors for unknown function numbers and names.
            _log.warning("malformed call: %s", type(error).__name__)  # its message can hold inputs
            malformed = RefusedError(400, "The request is malformed or names an unknown function.")
            await refuse(scope, respond, malformed)

    async def _hand_over(self, file: str) -> None:
        """A file was sent as a whole: if it is a result, its caller has it now."""
        if (work := self._deliveries.fetched(file)) is not None:
            await run_in_threadpool(work)

    def _path(self, scope: Scope) -> str:
        """The path within the app, without the prefix of a proxy that does not strip it."""
        path, root = scope["path"], (scope.get("root_path") or "").rstrip("/")
        return path[len(root) :] if root and path.startswith(root + "/") else path

    def _check(self, request: Request, path: str) -> None:
        if path.lstrip("/").startswith(_CLOSED_ROUTES):
            raise RefusedError(404, "Not found.")
        if path.startswith(_API + "file=") and _is_address(path.removeprefix(_API + "file=")):
            raise RefusedError(403, "Files of other servers are not fetched.")
        headers = request.scope["headers"]
        if len(headers) > _MAX_HEADERS or sum(len(name) + len(value) for name, value in headers) > _MAX_HEADER_BYTES:
            raise RefusedError(431, "The request's headers are too large.")
        if len(path) > _MAX_PATH or len(request.scope["query_string"]) > _MAX_QUERY:
            raise RefusedError(414, "The address is too long.")
        for name in _NAMES:
            _check_name(request.query_params.get(name), name)
        if path.startswith(_API + "heartbeat/"):
            session = path.removeprefix(_API + "heartbeat/")
            _check_name(session, "session_hash")
            self._counts.add_sessions(address_of(request, self._proxies), [session])

    async def _limit(self, request: Request, path: str, visitor: str, receive: Receive) -> Receive:
        if path.rstrip("/") == _API + "upload":
            return self._uploads.counted(request, visitor, receive)
        if path.rstrip("/") == "/login" and self._asks_password and not self._logins.reserve(visitor, 1):
            wait = wait_words(self._logins.seconds_until(visitor, 1))
            raise RefusedError(429, f"Too many login attempts. Try again {wait}.")
        body = await _read_body(request, receive)
        if path.startswith(_API):
            self._counts.add_call(visitor)
            call = _check_call(body, self._folder, self._most_files)
            self._counts.add_sessions(visitor, [call.session] if call.session else [])
            if path.rstrip("/") == _API + "reset" and call.event:
                request.scope["cancelled_event"] = call.event
        return _replay(body, receive)


def _session_read(request: Request, path: str) -> str:
    """The session, or the event, whose answers a request reads; "" if it is none of these."""
    if request.method != "GET":
        return ""
    if path.rstrip("/") == _API + "queue/data":
        return request.query_params.get("session_hash", "")
    return path.rsplit("/", 1)[-1] if path.startswith(_API + "call/") else ""


async def _read_body(request: Request, receive: Receive) -> bytes:
    """Read the body of a call, so that one that is too large is refused before anything parses it."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > _MAX_BODY_BYTES:
        raise RefusedError(413, "The request is too large.")
    parts: list[bytes] = []
    size = 0
    timed = TimedBody(receive)
    while (message := await timed())["type"] == "http.request":
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


class _Call(NamedTuple):
    """The session and the event that a call names; "" if none."""

    session: str = ""
    event: str = ""


def _check_call(body: bytes, folder: str, most_files: int) -> _Call:
    """Refuse long names of sessions, too many files, and folders and web addresses in their place.

    Gradio itself would accept the folder of everybody's uploads as a file, and download any public address.

    Returns:
        What it names.
    """
    try:
        call = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return _Call()  # Gradio reports what is wrong with it
    if isinstance(call, dict):
        for name in _NAMES:
            _check_name(call.get(name), name)
    paths = list(_paths(call))
    if len(paths) > most_files:
        words = f"The request names {len(paths):,} files; at most {most_files:,} are accepted at once"
        raise RefusedError(413, f"{words} ({_FILES_NAMED_PER_IMAGE} times AUGMENTAI_MAX_FILES). Upload a ZIP instead.")
    for path in dict.fromkeys(paths):
        _check_path(path, folder)
    names = [call.get(name) if isinstance(call, dict) else None for name in _NAMES]
    return _Call(*(name if isinstance(name, str) else "" for name in names))


def _paths(call: Any) -> Iterator[str]:
    """Whatever stands where a file of a call is named."""
    rest: list[Any] = [call]
    while rest:
        part = rest.pop()
        if isinstance(part, dict):
            if isinstance(path := part.get("path"), str):
                yield path
            rest.extend(part.values())
        elif isinstance(part, list):
            rest.extend(part)


def _check_name(value: Any, name: str) -> None:
    if isinstance(value, str) and len(value) > _MAX_NAME:
        raise RefusedError(400, f"{name} is longer than {_MAX_NAME} characters.")


def _is_address(path: str) -> bool:
    return path.strip().lower().startswith(("http:", "https:"))


def _check_path(path: str, folder: str) -> None:
    if _is_address(path):
        raise RefusedError(400, "Files are not downloaded from other servers. Upload them first.")
    with suppress(ValueError):  # a null character
        real = os.path.realpath(path)  # nothing is revealed of other places, not even whether they exist
        if os.path.commonpath([real, folder]) == folder and os.path.isdir(real):
            raise RefusedError(400, "Folders are not accepted. Upload the files in it, or a ZIP of it.")
