"""A reverse proxy for tests, in a thread: strips a prefix or keeps it, rewrites Host or not, as others do."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.support.app_process import free_port

_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]
_NOT_PASSED_ON = {"content-length", "content-encoding", "transfer-encoding", "connection"}


@dataclass(frozen=True)
class Manner:
    """How a proxy forwards requests.

    prefix: path of the app, such as "/projects/x". strip: whether it is removed before forwarding. keep_host: forward
    Host as the browser sent it. forwarded: set X-Forwarded-Host, -Proto and -For, as Traefik and nginx usually do.
    scheme: the public one, for X-Forwarded-Proto.
    """

    prefix: str = ""
    strip: bool = True
    keep_host: bool = True
    forwarded: bool = True
    scheme: str = "http"


@contextmanager
def proxied(upstream: str, manner: Manner) -> Iterator[str]:
    """The address, without a final slash, at which a browser finds `upstream` behind such a proxy."""
    port = free_port()
    app = Starlette(routes=[Route("/{path:path}", _Relay(upstream.rstrip("/"), manner).handle, methods=_METHODS)])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", proxy_headers=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}{manner.prefix}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)


class _Relay:
    def __init__(self, upstream: str, manner: Manner) -> None:
        self._upstream, self._manner = upstream, manner
        self._client = httpx.AsyncClient(timeout=None)

    async def handle(self, request: Request) -> Response:
        raw = request.scope["raw_path"].decode()
        if not raw.startswith(self._manner.prefix):
            return PlainTextResponse(f"outside of {self._manner.prefix}: {raw}", 404)
        path = (raw[len(self._manner.prefix) :] or "/") if self._manner.strip else raw
        query = f"?{request.url.query}" if request.url.query else ""
        sent = self._client.build_request(
            request.method, self._upstream + path + query, headers=self._headers(request), content=request.stream()
        )
        answer = await self._client.send(sent, stream=True)

        async def body() -> AsyncIterator[bytes]:
            try:
                async for chunk in answer.aiter_bytes():
                    yield chunk
            finally:
                await answer.aclose()

        headers = [(n, v) for n, v in answer.headers.multi_items() if n.lower() not in _NOT_PASSED_ON]
        relayed = StreamingResponse(body(), status_code=answer.status_code)
        relayed.raw_headers = [(n.encode(), v.encode()) for n, v in headers]
        return relayed

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {n: v for n, v in request.headers.items() if n != "host" and not n.startswith("x-forwarded")}
        if self._manner.keep_host:
            headers["host"] = request.headers["host"]
        if self._manner.forwarded:
            client = request.client.host if request.client else ""
            before = request.headers.get("x-forwarded-for")
            headers["x-forwarded-for"] = f"{before}, {client}" if before else client
            headers["x-forwarded-host"] = request.headers["host"]
            headers["x-forwarded-proto"] = self._manner.scheme
        return headers
