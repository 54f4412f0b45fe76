"""A provider of image editors over HTTP, as the inference client meets it: a queue as fal has it, or an endpoint.

An answer is the image that was sent, darker. Faults are what providers have been seen to do; see `FAULTS`.
"""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image, ImageEnhance

MODEL = "someone/editor"
TOKEN = "hf_no-real-token-of-anybody"
FAULTS = (
    *("401", "402", "404", "422", "429", "500", "503", "504", "echo", "no id"),
    *("poll 500", "poll hangs", "never", "no url", "page", "cut off", "huge", "shifted", "zoomed"),
)
_SAYS = {"402": "Pay-as-you go is not enabled for provider fal-ai yet", "422": "the prompt was flagged"}


class ProviderEmulator:
    """url: its address. faults: what befalls the next requests. requests: the JSON of those asked for, in order."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = threading.Lock()
        self._files: dict[str, tuple[str, bytes]] = {}
        self.reset()

    def reset(self) -> None:
        self.faults: deque[str] = deque()
        self.requests: list[dict[str, Any]] = []
        self.made = 0  # images that it charges for
        self.polls = 0
        self.latency_seconds = 0.0
        self.released = threading.Event()  # ends what hangs
        self.most_at_once = 0
        self._at_once = 0

    def post(self, body: dict[str, Any], queued: bool) -> tuple[int, bytes]:
        with self._lock:
            self.requests.append(body)
            fault = self.faults.popleft() if self.faults else ""
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        time.sleep(self.latency_seconds)
        with self._lock:
            self._at_once -= 1
            if fault.isdigit():
                return int(fault), json.dumps({"error": _SAYS.get(fault, "something")}).encode()
            if fault == "echo":
                return 401, json.dumps({"error": f"the token {TOKEN} is not known"}).encode()
            number = str(len(self._files))
            self._files[number] = fault, _answer(body, fault)
            self.made += 1
        if not queued:
            return 200, self._files[number][1]
        if fault == "no id":
            return 200, b"{}"
        status = "IN_QUEUE" if fault in {"never", "poll 500", "poll hangs"} else "COMPLETED"
        answer = {"request_id": number, "status": status, "response_url": f"{self.url}/queue/{number}"}
        return 200, json.dumps(answer).encode()

    def get(self, path: str) -> tuple[int, bytes]:
        _, kind, number, *more = path.split("?")[0].split("/")
        fault, data = self._files[number]
        if kind == "file":
            return 200, data
        if more == ["status"]:
            self.polls += 1
            if fault == "poll hangs":
                self.released.wait(30)
            if fault == "poll 500":
                return 500, b"{}"
            return 200, json.dumps({"status": "IN_PROGRESS" if fault == "never" else "COMPLETED"}).encode()
        return 200, json.dumps({} if fault == "no url" else {"images": [{"url": f"{self.url}/file/{number}"}]}).encode()


def sent_image(body: dict[str, Any]) -> Image.Image:
    """The image in the JSON of a request."""
    encoded = body.get("image_url") or body["inputs"]
    return Image.open(io.BytesIO(base64.b64decode(encoded.rpartition(",")[2])))


def _answer(body: dict[str, Any], fault: str) -> bytes:
    if fault == "page":
        return b"<html>gone</html>"
    image = ImageEnhance.Brightness(sent_image(body).convert("RGB")).enhance(0.6)
    width, height = image.size
    if fault == "shifted":
        image = image.transform(image.size, Image.Transform.AFFINE, (1, 0, -0.04 * width, 0, 1, 0))
    elif fault == "zoomed":
        image = image.resize(image.size, box=(0.04 * width, 0.04 * height, 0.96 * width, 0.96 * height))
    elif fault == "huge":
        image = Image.new("RGB", (5000, 4000))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()[: 2000 if fault == "cut off" else None]


@contextmanager
def provider() -> Iterator[ProviderEmulator]:
    """One in a thread of this process."""
    emulator: ProviderEmulator

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._reply(*emulator.post(body, queued=not self.path.startswith("/own")))

        def do_GET(self) -> None:
            self._reply(*emulator.get(self.path))

        def _reply(self, status: int, data: bytes) -> None:
            try:
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                if status == 429:
                    self.send_header("retry-after", "0.1")
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                pass  # the client was killed

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    emulator = ProviderEmulator(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield emulator
    finally:
        server.shutdown()
        server.server_close()
