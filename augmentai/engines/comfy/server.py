"""A ComfyUI server over its HTTP API: upload, queue, history, view."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import requests

_POLL_SECONDS = 0.25
_TIMEOUTS = (10.0, 60.0)  # seconds to connect, and to read
_MAX_BYTES = 64 * 1024 * 1024
_MAX_WORDS = 300
_RUNNING, _WAITING = "queue_running", "queue_pending"


class UnreachableError(Exception):
    """Nothing can be had of the server now."""


class RefusedError(Exception):
    """This image cannot be had; the message is in the server's own words."""


class WorkflowRefusedError(Exception):
    """The server cannot run this workflow: a node or a model is missing, or a value is out of range."""


class Server:
    """One server.

    Args:
        url: where it is, such as http://127.0.0.1:8188.
        seconds: how long it may take for an image, once it works on it.
    """

    def __init__(self, url: str, seconds: float) -> None:
        self.url, self._seconds = url.rstrip("/"), seconds

    @property
    def shown(self) -> str:
        """Its address in words: without the name and password that it may hold.

        Example:
            >>> Server("https://me:secret@comfy.example/one", 60).shown
            'https://comfy.example/one'
        """
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def upload(self, name: str, data: bytes, media_type: str = "image/png") -> str:
        """Put an image where Load Image finds it.

        Args:
            name: of the file; one that is there is replaced.
            data: the file.
            media_type: of the file.

        Returns:
            What Load Image calls it.

        Raises:
            UnreachableError: it did not arrive.
        """
        form = {"overwrite": "true", "type": "input", "subfolder": "augmentai"}
        answer = self._asked("POST", "/upload/image", data=form, files={"image": (name, data, media_type)})
        found = _json(answer)
        if answer.status_code != 200 or not isinstance(found.get("name"), str):
            raise UnreachableError(f"it answered {answer.status_code} to an upload")
        return "/".join(filter(None, (found.get("subfolder"), found["name"])))

    def queue(self, nodes: dict[str, Any]) -> str:
        """Put a workflow into the queue, and return its number.

        Raises:
            WorkflowRefusedError: it cannot be run.
            UnreachableError: it did not arrive.
        """
        answer = self._asked("POST", "/prompt", json={"prompt": nodes})
        found = _json(answer)
        if answer.status_code == 400:
            raise WorkflowRefusedError(_why_refused(found))
        if answer.status_code != 200 or not isinstance(found.get("prompt_id"), str):
            raise UnreachableError(f"it answered {answer.status_code} to a workflow")
        return str(found["prompt_id"])

    def wait(self, number: str, closed: Callable[[], bool]) -> list[dict[str, str]] | None:
        """Wait until a workflow is done.

        Args:
            number: from `queue`.
            closed: nobody waits for it any more.

        Returns:
            The images that it saved; None if nobody waits for them any more.

        Raises:
            RefusedError: it failed, took too long, or saved nothing.
            UnreachableError: the server no longer answers.
        """
        begun: float | None = None
        while not closed():
            if entry := self._done(number):
                return _images(entry)
            where = self._queued_as(number)
            if not where:  # it has ended since, or the server was started anew
                if entry := self._done(number):
                    return _images(entry)
                raise RefusedError("it no longer knows of this image; it was restarted, or its queue was cleared")
            if begun is None and where == _RUNNING:
                begun = time.monotonic()
            if begun is not None and time.monotonic() - begun > self._seconds:
                raise RefusedError(f"it did not finish within {self._seconds:g} s")
            time.sleep(_POLL_SECONDS)
        return None

    def view(self, image: dict[str, str]) -> bytes:
        """The file of an image that a workflow saved.

        Raises:
            RefusedError: it is not there.
            UnreachableError: the server no longer answers.
        """
        asked = {name: image.get(name, "") for name in ("filename", "subfolder", "type")}
        answer = self._asked("GET", "/view", params=asked, stream=True)
        with answer:
            if answer.status_code != 200:
                raise RefusedError(f"it answered {answer.status_code} when it was asked for its image")
            try:
                data = answer.raw.read(_MAX_BYTES + 1, decode_content=True)
            except Exception as error:  # urllib3's own kinds
                raise UnreachableError(f"its image broke off ({type(error).__name__})") from error
        if len(data) > _MAX_BYTES:
            raise RefusedError(f"its image has more than {_MAX_BYTES // 1024**2} MB")
        return bytes(data)

    def drop(self, number: str) -> None:
        """Take a workflow out of the queue, and end it if it is being run. Never raises."""
        try:
            running = self._queued_as(number) == _RUNNING
            self._asked("POST", "/queue", json={"delete": [number]})
            if running and not self._done(number):
                self._asked("POST", "/interrupt", json={"prompt_id": number})
        except UnreachableError:
            pass  # then there is nothing to end

    def _done(self, number: str) -> dict[str, Any]:
        """The entry of the history; empty until it is done."""
        entry = _json(self._asked("GET", f"/history/{number}")).get(number)
        return entry if isinstance(entry, dict) else {}

    def _queued_as(self, number: str) -> str:
        """Which part of the queue it is in; "" for none."""
        queue = _json(self._asked("GET", "/queue"))
        for part in (_RUNNING, _WAITING):
            entries = queue.get(part, [])
            if isinstance(entries, list) and any(number in entry for entry in entries if isinstance(entry, list)):
                return part
        return ""

    def _asked(self, method: str, path: str, **more: Any) -> requests.Response:
        import requests

        try:
            return requests.request(method, self.url + path, timeout=_TIMEOUTS, allow_redirects=False, **more)
        except (requests.RequestException, ValueError) as error:
            raise UnreachableError(f"{type(error).__name__}") from error


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _why_refused(found: dict[str, Any]) -> str:
    """What is wrong with a workflow, from the answer to it."""
    errors = found.get("node_errors")
    words = [
        f"node {number} ({node.get('class_type', '?')}): {one.get('message', '')} {one.get('details', '')}".strip()
        for number, node in (errors.items() if isinstance(errors, dict) else ())
        for one in node.get("errors", ())
    ]
    general = found.get("error")
    words = words or [str(general.get("message", general)) if isinstance(general, dict) else str(general)]
    return _short("; ".join(words))


def _images(entry: dict[str, Any]) -> list[dict[str, str]]:
    """The images in an entry of the history, saved ones first. Raises RefusedError."""
    status = entry.get("status") or {}
    if status.get("status_str") == "error":
        raise RefusedError(_why_failed(status.get("messages", ())))
    found = [one for output in entry.get("outputs", {}).values() for one in output.get("images", ())]
    if not found:
        raise RefusedError("its workflow saved no image")
    return sorted(found, key=lambda one: one.get("type") != "output")


def _why_failed(messages: Any) -> str:
    for kind, about in (one for one in messages if isinstance(one, list | tuple) and len(one) == 2):
        if kind == "execution_error":
            return _short(f"node {about.get('node_id')} ({about.get('node_type')}): {about.get('exception_message')}")
        if kind == "execution_interrupted":
            return "somebody interrupted it"
    return "it failed without a reason"


def _short(words: str) -> str:
    return " ".join(words.split())[:_MAX_WORDS]
