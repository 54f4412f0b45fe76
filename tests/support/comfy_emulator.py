"""A ComfyUI server over HTTP: uploads, a queue worked on one by one, a history, and images to view.

Its one sampler makes the image darker by `denoise` and tints it by `seed`; with a mask it does so where that is white.
"""

from __future__ import annotations

import io
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

from PIL import Image, ImageEnhance

CLASSES = {"LoadImage", "LoadImageMask", "CLIPTextEncode", "KSampler", "SaveImage"}
WORKFLOW: dict[str, dict[str, Any]] = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}, "_meta": {"title": "Load Image"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "photo, {prompt}"}},
    "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "{negative_prompt}, text"}},
    "4": {
        "class_type": "KSampler",
        "inputs": {"seed": 1, "denoise": 0.5, "positive": ["2", 0], "negative": ["3", 0], "latent_image": ["1", 0]},
    },
    "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "ComfyUI"}},
}
MASK_NODE = {"class_type": "LoadImageMask", "inputs": {"image": "example.png", "channel": "alpha"}}


class ComfyEmulator:
    """url: its address. faults: what befalls the next workflows. prompts: those queued, in order."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._work = threading.Condition()
        self._running = ""
        self.reset()

    def reset(self) -> None:
        self.faults: deque[str] = deque()
        self.prompts: list[dict[str, Any]] = []
        self.uploads = 0
        self.most_waiting = 0
        self.seconds = 0.0
        self.dropped: list[str] = []
        self.interrupted: list[str] = []
        self._files: dict[str, bytes] = {}
        self._pending: deque[tuple[str, dict[str, Any], str]] = deque()
        self._history: dict[str, dict[str, Any]] = {}
        self._stopped = threading.Event()

    def upload(self, name: str, subfolder: str, data: bytes) -> dict[str, str]:
        self.uploads += 1
        self._files[f"{subfolder}/{name}"] = data
        return {"name": name, "subfolder": subfolder, "type": "input"}

    def queue(self, graph: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        wrong = {
            number: {
                "errors": [
                    {"type": "value_not_in_list", "message": "Value not in list", "details": node["class_type"]}
                ],
                "class_type": node["class_type"],
            }
            for number, node in graph.items()
            if node["class_type"] not in CLASSES
        }
        if wrong:
            error = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}
            return 400, {"error": error, "node_errors": wrong}
        with self._work:
            number = f"id-{len(self.prompts)}"
            self.prompts.append(graph)
            self._pending.append((number, graph, self.faults.popleft() if self.faults else ""))
            self.most_waiting = max(self.most_waiting, len(self._pending))
            self._work.notify()
        return 200, {"prompt_id": number, "number": len(self.prompts), "node_errors": {}}

    def await_work(self) -> None:
        """Return when it works on something."""
        with self._work:
            self._work.wait_for(lambda: self._running, 60)

    def work(self) -> None:
        """Endless: run one workflow after the other."""
        while True:
            with self._work:
                self._work.wait_for(lambda: self._pending)
                self._running, graph, fault = self._pending.popleft()
                self._stopped.clear()
                self._work.notify_all()
            if fault == "forgotten":
                self._running = ""
                continue
            self._stopped.wait(600 if fault == "never" else self.seconds)
            try:
                self._history[self._running] = self._run(self._running, graph, fault)
            except Exception as error:
                self._history[self._running] = _failed(str(error))
            self._running = ""

    def _run(self, number: str, graph: dict[str, Any], fault: str) -> dict[str, Any]:
        if fault == "memory":
            return _failed("Allocation on device 0 would exceed allowed memory.")
        if self._stopped.is_set():
            return {"outputs": {}, "status": {"status_str": "error", "messages": [["execution_interrupted", {}]]}}
        if fault == "nothing":
            return {"outputs": {}, "status": {"status_str": "success", "completed": True, "messages": []}}
        nodes = {node["class_type"]: node["inputs"] for node in graph.values()}
        source = Image.open(io.BytesIO(self._files[nodes["LoadImage"]["image"]])).convert("RGB")
        sampler = nodes["KSampler"]
        painted = ImageEnhance.Brightness(source).enhance(1 - 0.6 * sampler["denoise"])
        tint = Image.new("RGB", source.size, (sampler["seed"] % 251, 90, 60))
        painted = Image.blend(painted, tint, 0.1)
        if "LoadImageMask" in nodes:
            with Image.open(io.BytesIO(self._files[nodes["LoadImageMask"]["image"]])) as mask:
                painted = Image.composite(painted, source, mask.convert("L"))
        buffer = io.BytesIO()
        painted.save(buffer, "PNG")
        self._files[f"output/{number}.png"] = b"<html>" if fault == "page" else buffer.getvalue()
        preview = {"filename": "preview.png", "subfolder": "", "type": "temp"}
        image = {"filename": f"{number}.png", "subfolder": "", "type": "output"}
        if fault == "gone":
            image["filename"] = "gone.png"
        outputs = {"4": {"images": [preview]}, "5": {"images": [image]}}
        return {"outputs": outputs, "status": {"status_str": "success", "completed": True, "messages": []}}

    def get(self, path: str) -> tuple[int, Any]:
        parts = urlparse(path)
        if parts.path.startswith("/history/"):
            number = parts.path.rpartition("/")[2]
            entry = self._history.get(number)
            return 200, {number: entry} if entry else {}
        if parts.path == "/queue":
            with self._work:
                pending = [[0, number, graph] for number, graph, _ in self._pending]
                running = [[0, self._running]] if self._running else []
            return 200, {"queue_running": running, "queue_pending": pending}
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        data = self._files.get(f"{asked.get('type')}/{asked.get('filename')}")
        return (200, data) if data is not None else (404, b"")

    def drop(self, numbers: list[str]) -> None:
        with self._work:
            self.dropped += numbers
            self._pending = deque(one for one in self._pending if one[0] not in numbers)

    def interrupt(self, number: str) -> None:
        self.interrupted.append(number)
        self._stopped.set()


def _failed(message: str) -> dict[str, Any]:
    about = {"node_id": "4", "node_type": "KSampler", "exception_message": message}
    return {
        "outputs": {},
        "status": {"status_str": "error", "completed": False, "messages": [["execution_error", about]]},
    }


@contextmanager
def comfy() -> Iterator[ComfyEmulator]:
    """One in threads of this process."""
    emulator: ComfyEmulator

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/upload/image":
                self._reply(200, emulator.upload(*self._form(data)))
                return
            body = json.loads(data)
            if self.path == "/prompt":
                self._reply(*emulator.queue(body["prompt"]))
            elif self.path == "/queue":
                emulator.drop(body["delete"])
                self._reply(200, b"")
            else:
                emulator.interrupt(body["prompt_id"])
                self._reply(200, b"")

        def do_GET(self) -> None:
            self._reply(*emulator.get(self.path))

        def _form(self, data: bytes) -> tuple[str, str, bytes]:
            head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
            parts = list(BytesParser(policy=HTTP).parsebytes(head + data).iter_parts())
            by_name = {part.get_param("name", header="content-disposition"): part for part in parts}
            image = by_name["image"]
            subfolder = by_name["subfolder"].get_content().strip()
            return str(image.get_filename()), subfolder, image.get_payload(decode=True)

        def _reply(self, status: int, body: Any) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    emulator = ComfyEmulator(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=emulator.work, daemon=True).start()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield emulator
    finally:
        server.shutdown()
        server.server_close()
