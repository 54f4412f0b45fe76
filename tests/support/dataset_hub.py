"""The few routes of huggingface.co that a push and hf:// URLs use, over HTTP on this machine.

Datasets are as git has them.

Behaviour from huggingface_hub's own client code (create_repo, whoami, list_repo_tree, preupload, LFS batch, commit).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote

TOKEN = "hf_secretOfMine"


@dataclass
class FakeHub:
    """lfs: images are sent as large files. refuse: {(method, start of a path): the status to answer with}."""

    url: str = ""
    lfs: bool = False
    role: str = "write"
    refuse: dict[tuple[str, str], int] = field(default_factory=dict)
    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    commits: list[list[str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


def git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        self._answer("GET")

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        self.hub.asked.append(f"{method} {path}")
        for (refused, start), status in self.hub.refuse.items():
            if method == refused and path.startswith(start):
                return self._send(status, {"error": "refused"})
        if not path.startswith("/large/") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._send(401, {"error": "Invalid credentials"})
        if match := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/main/(.+)", path):
            return self._send_file(self.hub.repos.get(match[1], {}).get(unquote(match[2])))
        return self._send(*self._routed(path, body))

    def _send_file(self, data: bytes | None) -> None:
        if data is None:
            return self._send(404, {"error": "Entry not found"})
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        part = data[int(asked[1]) : int(asked[2] or len(data)) + 1] if asked else data
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", f'"{git_hash(data)}"')
        self.end_headers()
        self.wfile.write(part if self.command != "HEAD" else b"")
        return None

    def _send(self, status: int, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        if status == 404:
            self.send_header("X-Error-Code", f"{content['error'].split()[0].replace('sitory', '')}NotFound")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _routed(self, path: str, body: bytes) -> tuple[int, Any]:
        hub = self.hub
        if path == "/api/whoami-v2":
            return 200, {"name": "user", "auth": {"accessToken": {"role": hub.role}}}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked.get('organization') or 'user'}/{asked['name']}"
            address = f"{hub.url}/datasets/{name}"
            if name in hub.repos:
                return 409, {"error": "You already created this dataset repo", "url": address}
            hub.repos[name] = {".gitattributes": b"*.jpg filter=lfs"}
            hub.private[name] = bool(asked.get("private")) or asked.get("visibility") == "private"
            return 200, {"url": address, "name": name}
        if path.startswith("/large/"):
            hub.large[path.removeprefix("/large/")] = body
            return 200, {}
        if match := re.fullmatch(r"/datasets/(.+)\.git/info/lfs/objects/batch", path):
            objects = json.loads(body)["objects"]
            return 200, {"transfer": "basic", "objects": [self._large(one) for one in objects]}
        match = re.fullmatch(r"/api/datasets/([^/]+/[^/]+?)(?:/(tree|preupload|commit|revision)/main(?:/(.*))?)?", path)
        if not match or match[1] not in hub.repos:
            return 404, {"error": "Repository not found"}
        if match[3]:
            files = self._tree(match[1], body, unquote(match[3]))
            return (200, files) if files else (404, {"error": "Entry not found"})
        return 200, getattr(self, f"_{match[2] or 'revision'}")(match[1], body)

    def _large(self, one: dict[str, Any]) -> dict[str, Any]:
        action = {"upload": {"href": f"{self.hub.url}/large/{one['oid']}"}}
        return {**one, "actions": {} if one["oid"] in self.hub.large else action}

    def _revision(self, name: str, body: bytes) -> Any:
        files = self.hub.repos[name]
        return {"id": name, "sha": "0" * 40, "siblings": [{"rfilename": one} for one in files]}

    def _tree(self, name: str, body: bytes, folder: str = "") -> Any:
        front = f"{folder}/" if folder else ""
        files = {one.removeprefix(front): data for one, data in self.hub.repos[name].items() if one.startswith(front)}
        tops = {one.split("/")[0] for one in files}
        return [
            {"type": "file", "path": front + top, "size": len(files[top]), "oid": git_hash(files[top])}
            if top in files
            else {"type": "directory", "path": front + top, "oid": "0" * 40}
            for top in sorted(tops)
        ]

    def _preupload(self, name: str, body: bytes) -> Any:
        files = self.hub.repos[name]

        def upload(path: str) -> dict[str, Any]:
            mode = "lfs" if self.hub.lfs and path.endswith((".jpg", ".png")) else "regular"
            oid = git_hash(files[path]) if path in files and mode == "regular" else None
            return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid}

        return {"files": [upload(one["path"]) for one in json.loads(body)["files"]]}

    def _commit(self, name: str, body: bytes) -> Any:
        files = self.hub.repos[name]
        lines = [json.loads(line) for line in body.splitlines()]
        changed = []
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
                changed.append(value["path"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.large[value["oid"]]
                changed.append(value["path"])
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        self.hub.commits.append(changed)
        return {
            "commitUrl": f"{self.hub.url}/datasets/{name}/commit/1",
            "commitOid": f"{len(self.hub.commits):040}",
            "pullRequestUrl": "",
        }


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
