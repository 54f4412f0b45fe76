"""A tab of the page without a browser."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import httpx


class Tab:
    """A tab without a browser: it calls the page's handlers as the page does."""

    def __init__(self, url: str, token: str = "", address: str = "") -> None:
        self.url, self.token, self.query = url, token, {"job": address} if address else {}
        self.session = secrets.token_hex(6)
        config = httpx.get(f"{url}config").json()
        self._functions = {one["api_name"]: one for one in config["dependencies"]}
        self._names = {one["id"]: one["props"].get("elem_id") or one["type"] for one in config["components"]}
        greeting = self.call("greet", [token])
        self.token = self.token or greeting["browserstate"]
        self.greeting = greeting

    def call(self, name: str, data: list[Any], event: dict[str, Any] | None = None) -> dict[str, Any]:
        """{component: what is new of it} of a call that does not wait in the queue."""
        function = self._functions[name]
        body = {"data": data, "fn_index": function["id"], "session_hash": self.session, "event_data": event}
        answer = httpx.post(f"{self.url}gradio_api/run/predict", json=body, params=self.query, timeout=60)
        assert answer.status_code == 200, answer.text
        return dict(zip([self._names[one] for one in function["outputs"]], answer.json()["data"], strict=True))

    def queue(self, name: str, data: list[Any]) -> None:
        """A call that does, to its end."""
        self.ended(name, data)

    def ended(self, name: str, data: list[Any], event: dict[str, Any] | None = None) -> dict[str, Any]:
        """{component: the last that is new of it} of a call that waits in the queue."""
        function = self._functions[name]
        body = {"data": data, "fn_index": function["id"], "session_hash": self.session, "event_data": event}
        assert httpx.post(f"{self.url}gradio_api/queue/join", json=body).status_code == 200
        stream = f"{self.url}gradio_api/queue/data?session_hash={self.session}"
        names = [self._names[one] for one in function["outputs"]]
        shown: dict[str, Any] = {}
        with httpx.stream("GET", stream, timeout=90) as lines:
            for line in lines.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if message.get("msg") == "process_generating" and not any(
                    isinstance(one, list) for one in message["output"]["data"]
                ):
                    shown |= _new(names, message["output"]["data"])
                if message.get("msg") == "process_completed":
                    assert message["success"], message
                    return shown | _new(names, message["output"]["data"])
        raise AssertionError("the stream ended before the call")

    def make(self, files: list[Path], key: str = "", label: str = "", **settings: Any) -> str:
        """Run a job; returns its id. label: of the files. settings: by the element of their control."""
        return self.made(files, key, label, **settings)[0]

    def made(self, files: list[Path], key: str = "", label: str = "", **settings: Any) -> tuple[str, dict[str, Any]]:
        """Run a job; returns its id and what the page shows at its end."""
        uploads = []
        for file in files:
            answer = httpx.post(f"{self.url}gradio_api/upload", files={"files": file.open("rb")}).json()
            data = {"path": answer[0], "orig_name": file.name, "meta": {"_type": "gradio.FileData"}}
            uploads.append({"rel": f"{label}/{file.name}" if label else file.name, "file": data})
        job = self.call("queued", [self.token])["tab"]["props"]["job"]
        controls = self._functions["make"]["inputs"][4:]
        values = {one["id"]: one["props"].get("value") for one in httpx.get(f"{self.url}config").json()["components"]}
        chosen = [settings.get(self._names[one].replace("-", "_"), values[one]) for one in controls]
        return str(job), self.ended("make", [uploads, None, key, self.token, *chosen])


def _new(names: list[str], data: list[Any]) -> dict[str, Any]:
    """What an answer changes: Gradio sends its skips as updates without a value."""
    return {name: value for name, value in zip(names, data, strict=False) if value != {"__type__": "update"}}
