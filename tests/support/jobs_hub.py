"""Hugging Face Jobs over HTTP on this machine: the routes that huggingface_hub's `run_uv_job`, `inspect_job` and
`cancel_job` use. A job is a process here that has the variables and secrets that it was submitted with, and no others.

What `uv run --with` installs is what the tests run with. Scripts go to the Hub by its own protocol for large files,
which is not emulated: `upload` stands in for it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from augmentai.settings import ROOT

TOKEN = "hf_secretOfMine"
_GIVEN = ("PATH", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")  # of this process, as any container has them


@dataclass
class JobsHub:
    """
    Attributes:
        folder: of what is uploaded, and of the jobs.
        specs: what was submitted.
        refuse: the status and the words to refuse submissions with.
        break_first: how many jobs end at once with an error, as machines that are lost.
        hang: jobs do nothing until they are ended.
        ended: the jobs that were asked to end.
    """

    folder: Path
    url: str = ""
    specs: list[dict[str, Any]] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes] | None] = field(default_factory=list)
    refuse: tuple[int, str] | None = None
    break_first: int = 0
    hang: bool = False
    ended: list[str] = field(default_factory=list)

    def upload(self, *_: Any, bucket_id: str, add: list[tuple[Path, str]], **__: Any) -> None:
        """Stands in for `HfApi.batch_bucket_files`."""
        for source, name in add:
            path = self.folder / bucket_id / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.read_bytes())

    def submitted(self, spec: dict[str, Any]) -> dict[str, Any]:
        number = len(self.specs)
        self.specs.append(spec)
        self.processes.append(None if number < self.break_first else self._started(spec, number))
        return self.described(number)

    def _started(self, spec: dict[str, Any], number: int) -> subprocess.Popen[bytes]:
        (volume,) = spec["volumes"]
        mounted = self.folder / volume["source"] / volume["path"]
        words = [word.replace(volume["mountPath"], str(mounted)) for word in spec["command"]]
        script = next(place for place, word in enumerate(words) if word.endswith(".py"))
        command = ["sleep", "600"] if self.hang else [sys.executable, *words[script:]]
        home = self.folder / f"job {number}"
        home.mkdir()
        given = {name: os.environ[name] for name in _GIVEN if name in os.environ}
        given |= {"HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(ROOT)}
        with (home / "log.txt").open("wb") as log:
            environment = given | spec["environment"] | spec.get("secrets", {})
            return subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log)

    def described(self, number: int) -> dict[str, Any]:
        process = self.processes[number]
        code = 1 if process is None else process.poll()
        stage = "RUNNING" if code is None else "ERROR" if code else "COMPLETED"
        message = f"exit code {code}" if code else None
        known = {name: self.specs[number][name] for name in ("command", "environment", "flavor", "labels")}
        owner = {"id": "1", "name": "user", "type": "user"}
        return {"id": f"job{number}", "owner": owner, **known, "status": {"stage": stage, "message": message}}


class _Handler(BaseHTTPRequestHandler):
    hub: JobsHub

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        self._answer(*self._got(self.path.split("?")[0]))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(*self._posted(self.path, json.loads(body or b"{}")))

    def _is_known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _got(self, path: str) -> tuple[int, Any]:
        if not self._is_known():
            return 401, {"error": "Invalid credentials"}
        if path == "/api/whoami-v2":
            return 200, {"name": "user", "auth": {"accessToken": {"role": "write"}}}
        if match := re.fullmatch(r"/api/jobs/user/job(\d+)", path):
            return 200, self.hub.described(int(match[1]))
        return 404, {"error": "not found"}

    def _posted(self, path: str, content: Any) -> tuple[int, Any]:
        if not self._is_known():
            return 401, {"error": "Invalid credentials"}
        if path.startswith("/api/buckets/"):
            return 200, {"url": f"{self.hub.url}/buckets/user/jobs-artifacts"}
        if path == "/api/jobs/user":
            if self.hub.refuse is not None:
                return self.hub.refuse[0], {"error": self.hub.refuse[1]}
            return 200, self.hub.submitted(content)
        if match := re.fullmatch(r"/api/jobs/user/(job(\d+))/cancel", path):
            self.hub.ended.append(match[1])
            if (process := self.hub.processes[int(match[2])]) is not None:
                process.terminate()
            return 200, {}
        return 404, {"error": "not found"}

    def _answer(self, status: int, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def jobs_hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobsHub]:
    """A Hub whose jobs this process may start.

    Args:
        folder: an empty one.
        monkeypatch: sets the address and the token.
    """
    from huggingface_hub import HfApi, hf_api

    hub = JobsHub(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hf_api.api, "endpoint", hub.url)
    monkeypatch.setattr(HfApi, "batch_bucket_files", hub.upload)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        for process in hub.processes:
            if process is not None:
                process.kill()
                process.wait()
        server.shutdown()
        thread.join()
        server.server_close()
