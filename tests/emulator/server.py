"""The emulator's HTTP side. Order of checks: size, content type, fields, key, credits, rate, moderation."""

from __future__ import annotations

import base64
import io
import json
import random
import socket
import struct
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

from tests.emulator import render
from tests.emulator.contract import MAX_BODY_BYTES, ROUTES, SAID, Route, check, price
from tests.emulator.faults import Hangup, commit
from tests.emulator.multipart import parse
from tests.emulator.state import CHARGED_FAULTS, Fault, State

PREFIX = "/v2beta/stable-image/"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, state: State) -> None:
        self.state = state
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that hang up are part of the day's work


class Reply(Exception):  # noqa: N818
    """An answer in the service's error form."""

    def __init__(self, status: int, name: str, *errors: str, v1: bool = False) -> None:
        super().__init__(name)
        identity = name if status == 429 else uuid.uuid4().hex
        said: dict[str, Any] = {"id": identity, "name": name}
        said |= {"message": errors[0]} if v1 else {"errors": list(errors)}
        self.status, self.body = status, json.dumps(said).encode()
        self.headers: dict[str, str] = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "stability-emulator"
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        super().setup()
        with self.server.state.lock:
            self.server.state.connections += 1

    def log_message(self, *args: Any) -> None:
        pass

    # What is always there.

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"x-request-id": uuid.uuid4().hex, "content-type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def json(self, content: Any, status: int = 200) -> None:
        self.reply(status, json.dumps(content).encode(), {})

    def key_problem(self, v1: bool = False) -> Reply | None:
        scheme, _, key = self.headers.get("authorization", "").strip().rpartition(" ")
        if key and scheme.lower() in {"", "bearer"} and not key.startswith("sk-bad"):
            return None
        words = f"Incorrect API key provided: {key}. You can find your API key at https://stability.ai."
        return Reply(401, "unauthorized", words, v1=True) if v1 else Reply(401, "unauthorized", SAID["key"])

    def do_GET(self) -> None:
        state = self.server.state
        path = self.path.partition("?")[0]
        try:
            if path == "/_stats":
                self.json(state.stats())
            elif path.startswith("/v1/"):
                self._v1(path)
            elif path.startswith("/v2beta/results/"):
                self._result(path.rpartition("/")[2])
            else:
                raise Reply(404, "not_found", "the requested path does not exist")
        except Reply as reply:
            self.reply(reply.status, reply.body, reply.headers)

    def _v1(self, path: str) -> None:
        if problem := self.key_problem(v1=True):
            raise problem
        if path == "/v1/user/balance":
            self.json({"credits": self.server.state.credits})
        elif path == "/v1/user/account":
            organization = {"id": "org-1", "name": "emulator", "role": "MEMBER", "is_default": True}
            self.json({"id": "user-1", "email": "a@example.invalid", "organizations": [organization]})
        elif path == "/v1/engines/list":
            self.json([{"id": "stable-diffusion-xl-1024-v1-0", "name": "SDXL", "description": "", "type": "PICTURE"}])
        else:
            raise Reply(404, "not_found", "The specified engine was not found.", v1=True)

    def _result(self, identity: str) -> None:
        if problem := self.key_problem():
            raise problem
        ready = self.server.state.results.get(identity)
        if ready is None:
            raise Reply(404, "generation_not_found", SAID["result"])
        if time.monotonic() < ready[0]:
            self.json({"id": identity, "status": "in-progress"}, 202)
            return
        if ready[2] == "result-gone":
            raise Reply(404, "generation_not_found", SAID["result"])
        if ready[2] == "result-500":
            self.server.state.results[identity] = (*ready[:2], "")  # the next request finds it
            raise Reply(500, "internal_error", SAID["500"])
        self._success(*ready[1], finish="CONTENT_FILTERED" if ready[2] == "result-filtered" else "SUCCESS")

    # Generations.

    def do_POST(self) -> None:
        state = self.server.state
        started = time.monotonic()
        length = int(self.headers.get("content-length") or 0)
        if self.path == "/_control":
            state.control(json.loads(self.rfile.read(length) or b"{}"))
            self.json({"ok": True})
            return
        with state.lock:
            epoch = state.epoch
            state.in_flight += 1
            state.in_flight_most = max(state.in_flight_most, state.in_flight)
        record: dict[str, Any] = {"path": self.path, "status": 0, "fault": "", "bytes": length, "credits": 0.0}
        try:
            self._generate(started, length, record)
        except Reply as reply:
            record["status"] = reply.status
            self._log(record)
            self._wait(started, 0.0 if reply.status in {400, 401, 413} else state.latency)
            self.reply(reply.status, reply.body, reply.headers)
        except Hangup:
            self.close_connection = True
            self._reset()
        finally:
            with state.lock:
                state.in_flight -= epoch == state.epoch  # those from before a reset are not counted any more

    def _generate(self, started: float, length: int, record: dict[str, Any]) -> None:
        state = self.server.state
        # Gateways keep the path behind one of their own, and a proxy is told the whole address.
        _, found, name = self.path.partition("?")[0].partition(PREFIX)
        body = self.rfile.read(length)
        route = ROUTES.get(name) if found else None
        content = {k.lower(): v for k, v in self.headers.items() if k.lower() != "authorization"}
        record["headers"] = content
        if length > MAX_BODY_BYTES:
            raise Reply(413, "payload_too_large", SAID["size"])
        if route is None:
            raise Reply(404, "not_found", "the requested path does not exist")
        fields, images = self._form(body, record)
        self._check(name, route, fields, images)
        if problem := self.key_problem():
            raise problem
        fault = state.next_fault(fields.get("prompt", "")) or _triggered(fields.get("prompt", ""))
        record["fault"] = fault.name if fault else ""
        credits = price(route, fields)
        if "nocredits" in self.headers.get("authorization", "") or state.credits < credits:
            raise Reply(402, "payment_required", SAID["credits"])
        if state.too_many():
            raise self._locked()
        if any(letter >= "\u0370" for letter in fields.get("prompt", "") if letter.isalpha()):
            raise Reply(422, "invalid_language", SAID["language"])
        if fault and not fault.more.get("charged", fault.name in CHARGED_FAULTS):
            record["status"] = -1
            self._log(record)
            commit(self, fault, started)
            return
        if not state.take(credits):
            raise Reply(402, "payment_required", SAID["credits"])
        record |= {"credits": credits, "status": 200}
        seed = int(float(fields.get("seed") or 0)) or random.randint(1, 4_294_967_294)
        source = images.get("image") or images.get("init_image") or images.get("subject_image")
        kind = fields.get("output_format", "png")
        if state.plain and not fault and not route.is_async:
            self._log(record)
            data = render.plain(render.answer_size(name, route, fields, source), kind)
            self._wait(started, state.latency)
            self._answer(data, kind, seed)
            return
        painted = render.paint(name, route, fields, seed, source, images.get("mask"))
        self._log(record)
        if fault and not fault.name.startswith("result-"):
            commit(self, fault, started, painted=painted, seed=seed)
        elif route.is_async:
            identity = uuid.uuid4().hex + uuid.uuid4().hex
            ready_at = time.monotonic() + state.latency
            state.results[identity] = (ready_at, (painted, kind, seed), fault.name if fault else "")
            self.json({"id": identity})
        else:
            self._success(painted, kind, seed, started=started)

    def _form(self, body: bytes, record: dict[str, Any]) -> tuple[dict[str, str], dict[str, Image.Image | None]]:
        content_type = self.headers.get("content-type", "")
        if not content_type:
            raise Reply(400, "bad_request", SAID["no type"])
        try:
            fields, files = parse(content_type, body)
        except ValueError:
            raise Reply(400, "bad_request", SAID["type"]) from None
        images: dict[str, Image.Image | None] = {}
        record["fields"], record["files"] = fields, {}
        for name, data in files.items():
            if not data and name == "none":
                continue
            try:
                with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as opened:
                    if not self.server.state.plain:
                        opened.load()
                    images[name] = opened if self.server.state.plain else opened.copy()
                    seen = {"bytes": len(data), "format": opened.format, "size": opened.size, "mode": opened.mode}
                    record["files"][name] = seen
            except Exception:  # whatever the decoder says
                images[name] = None
        return fields, images

    def _check(self, name: str, route: Route, fields: dict[str, str], images: dict[str, Image.Image | None]) -> None:
        sizes = {key: image.size if image else None for key, image in images.items()}
        transparent = [key for key, image in images.items() if image and "A" in image.getbands()]
        if wrong := check(name, route, fields, sizes, transparent):
            raise Reply(400, "bad_request", *wrong)

    def _locked(self) -> Reply:
        reply = Reply(429, "rate_limit_exceeded", SAID["rate"])
        if self.server.state.retry_after:
            reply.headers["retry-after"] = self.server.state.retry_after
        return reply

    def _success(
        self, painted: Image.Image, kind: str, seed: int, started: float = 0.0, finish: str = "SUCCESS"
    ) -> None:
        data = render.encode(painted, kind)
        if started:
            self._wait(started, self.server.state.latency)
        self._answer(data, kind, seed, finish)

    def _answer(self, data: bytes, kind: str, seed: int, finish: str = "SUCCESS") -> None:
        if "application/json" in self.headers.get("accept", ""):
            content = {"image": base64.b64encode(data).decode(), "seed": seed, "finish_reason": finish}
            self.reply(200, json.dumps(content).encode(), {"content-type": f"application/json; type=image/{kind}"})
            return
        headers = {"content-type": f"image/{kind}", "finish-reason": finish, "seed": str(seed)}
        self.reply(200, data, headers)

    def _wait(self, started: float, latency: float) -> None:
        time.sleep(max(0.0, started + latency - time.monotonic()))

    def _log(self, record: dict[str, Any]) -> None:
        with self.server.state.lock:
            if not record.get("logged"):
                record["logged"] = True
                self.server.state.requests.append(record)

    def _reset(self) -> None:
        """Ends the connection with RST rather than FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _triggered(prompt: str) -> Fault | None:
    words = {
        "__moderate__": "403",
        "__filtered__": "filtered",
        "__figure__": "422-figure",
        "__language__": "422-language",
        "__500__": "500",
        "__slow__": "slow",
    }
    return next((Fault(fault) for word, fault in words.items() if word in prompt), None)
