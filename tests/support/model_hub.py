"""A local HTTP server with the routes of huggingface.co that a model is downloaded through.

Its behaviour follows huggingface_hub's client code (model_info, list_repo_tree, hf_hub_download) and the error codes
that it knows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

TOKEN = "hf_secretOfMine"
NEWEST, TAGGED = "a" * 40, "b" * 40


@dataclass
class ModelHub:
    """A hub with one model.

    Args:
        name: Of the model.
        url: Where the server is.
        files: Of the model, by path.
        gated: Only `TOKEN` may download it.
        interrupted_once: Files whose connection breaks off in the middle, once.
        stalled_file: A file that stops in the middle until `resume` is set.
        xet: Large files are offered by Xet as well.
        forbidden: The model is listed, but its files are not served.
        status: Of every answer, where not 200.
        requests: What was requested, as "METHOD path".
        tokens: The authorization headers that were sent.
    """

    name: str = "maker/tiny-turbo"
    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    gated: bool = False
    interrupted_once: set[str] = field(default_factory=set)
    stalled_file: str = ""
    resume: Event = field(default_factory=Event)
    xet: bool = False
    forbidden: bool = False
    status: int = 200
    licence: str = ""
    requests: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)

    def load_folder(self, folder: Path) -> None:
        """Serve the files of a folder."""
        self.files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}

    @property
    def downloads(self) -> list[str]:
        """Paths of the files whose content was requested."""
        prefix = f"GET /{self.name}/resolve/"
        return [line.removeprefix(prefix).split("/", 1)[1] for line in self.requests if line.startswith(prefix)]


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


class _Handler(BaseHTTPRequestHandler):
    hub: ModelHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        return

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.hub, self.path.split("?")[0]
        hub.requests.append(f"{self.command} {path}")
        if "/resolve/" in path or path.startswith("/api/models/"):
            hub.tokens.add(self.headers.get("Authorization"))
        if hub.status != 200:
            return self._refuse(hub.status, "")
        if path.startswith(f"/api/models/{hub.name}"):
            return self._model_info(path.removeprefix(f"/api/models/{hub.name}"))
        if path.startswith(f"/{hub.name}/resolve/"):
            return self._file(*path.removeprefix(f"/{hub.name}/resolve/").split("/", 1))
        return self._refuse(404 if path.startswith("/api/agent") else 401, "RepoNotFound")

    def _model_info(self, rest: str) -> None:
        kind, _, revision = rest.strip("/").partition("/")
        commit = _commit(revision or "main")
        if commit is None:
            return self._refuse(404, "RevisionNotFound")
        if kind == "tree":
            return self._send(json.dumps([self._entry(*entry) for entry in self.hub.files.items()]).encode(), commit)
        siblings = [{"rfilename": path, "size": len(data)} for path, data in self.hub.files.items()]
        info: dict[str, Any] = {"id": self.hub.name, "modelId": self.hub.name, "sha": commit, "siblings": siblings}
        if self.hub.licence:
            info["cardData"] = {"license": self.hub.licence}
        return self._send(json.dumps(info | {"tags": [], "downloads": 0, "private": False}).encode(), commit)

    def _entry(self, path: str, data: bytes) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
        if path.endswith((".safetensors", ".bin")):
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return entry

    def _file(self, revision: str, path: str) -> None:
        hub = self.hub
        if hub.gated and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._refuse(401, "GatedRepo")
        if hub.forbidden:
            return self._refuse(403, "")
        if path not in hub.files:
            return self._refuse(404, "EntryNotFound")
        data, first = hub.files[path], 0
        if requested := self.headers.get("Range"):
            first = int(requested.removeprefix("bytes=").split("-")[0])
        return self._send(data, _commit(revision) or NEWEST, first, path)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, data: bytes, commit: str, first: int = 0, path: str = "") -> None:
        hub = self.hub
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(data) - first))
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", commit)
        if hub.xet and path.endswith(".safetensors"):
            self.send_header("X-Xet-Hash", hashlib.sha256(data).hexdigest())
            self.send_header("Link", f'<{hub.url}/xet-read-token>; rel="xet-auth"')
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        middle = (first + len(data)) // 2
        self.wfile.write(data[first:middle])
        self.wfile.flush()
        if path in hub.interrupted_once:
            hub.interrupted_once.discard(path)
            self.close_connection = True
            return
        if path and path == hub.stalled_file:
            hub.resume.wait(60)
        self.wfile.write(data[middle:])


def _commit(revision: str) -> str | None:
    return {"main": NEWEST, NEWEST: NEWEST, "v1": TAGGED, TAGGED: TAGGED}.get(revision)


@contextmanager
def model_hub() -> Iterator[ModelHub]:
    hub = ModelHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.resume.set()
        server.shutdown()
        server.server_close()
        thread.join()


def use_hub(hub: ModelHub, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Let the hub's client ask this one, and keep what it downloads in a folder of the test's own."""
    from huggingface_hub import constants, hf_api

    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(hf_api.api, "endpoint", hub.url)
