"""A server that lives long: python -m benchmarks.long_life [--jobs 200] [--crowd 20] [--json FILE]

app.py runs in its own process as a public page. Jobs one after another, each of a visitor of its own; then jobs that
are cancelled, whose streams are torn, or that nobody listens to; then a crowd at once, and SIGTERM in the middle of it.
Memory, handles and files of the server are noted all the while. Server and visitors share the cores of the machine.
"""

from __future__ import annotations

import argparse
import json
import platform
import signal
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import requests

from augmentai.recipe.fields import FIELDS, api_fields
from augmentai.settings import ROOT
from tests.support.app_process import Running, app_process
from tests.support.crowd import photo_of

RECIPE: dict[str, Any] = {"variations": 1, "engine": "none", "geometry": "flip", "seed": 1}
_MOST_WAIT_SECONDS = 60.0
STORM = ("cancel", "tear", "leave")  # what becomes of the jobs of a storm
LIMITS = ("VISITOR_JOBS", "VISITOR_IMAGES_PER_HOUR", "VISITOR_FILES_PER_HOUR", "VISITOR_CALLS_PER_MINUTE")


class RefusedError(Exception):
    """The server told the visitor to come again later."""


class Visitor:
    """One visitor with a photo of their own."""

    def __init__(self, url: str, number: int, photo: Path) -> None:
        self._url = url + "gradio_api/"
        self._headers = {"X-Forwarded-For": f"10.2.{number // 250}.{number % 250}"}
        self._photo = photo

    def start(self, variations: int = 1) -> str:
        """Upload and start a job; its event."""
        with self._photo.open("rb") as data:
            files = {"files": (self._photo.name, data)}
            path = requests.post(self._url + "upload", files=files, headers=self._headers, timeout=60).json()[0]
        recipe = RECIPE | {"variations": variations}
        data = [[{"path": path, "meta": {"_type": "gradio.FileData"}}]]
        data += [recipe.get(field.name, field.default) for field in api_fields(FIELDS)]
        sent = requests.post(self._url + "call/augment", json={"data": data}, headers=self._headers, timeout=60)
        if not sent.ok:
            raise RefusedError(f"{sent.status_code}: {sent.json().get('detail')}")
        return str(sent.json()["event_id"])

    def served(self) -> str:
        """A job from its start to its end: its last event, or why it was refused."""
        try:
            return self.listen(self.start())
        except RefusedError as error:
            return str(error)

    def listen(self, event: str, lines: int | None = None) -> str:
        """The last event of a job's stream; it is torn after some lines."""
        kind = "none"
        url = f"{self._url}call/augment/{event}"
        with requests.get(url, headers=self._headers, stream=True, timeout=120) as stream:
            for number, line in enumerate(stream.iter_lines(decode_unicode=True)):
                if lines is not None and number >= lines:
                    return "torn"
                kind = line.removeprefix("event: ") if line.startswith("event: ") else kind
                if line.startswith("data: ") and kind == "complete" and self._photo.stem not in line:
                    return "another visitor's"
        return kind

    def cancel(self, event: str) -> None:
        body = {"event_id": event, "session_hash": "", "fn_index": 0}
        requests.post(self._url + "reset", json=body, headers=self._headers, timeout=60)


def state_of(running: Running, folder: Path) -> dict[str, float]:
    process = psutil.Process(running.process.pid)
    family = [process, *process.children(recursive=True)]
    return {
        "mb": round(sum(one.memory_info().rss for one in family) / 1e6, 1),
        "handles": sum(one.num_fds() for one in family),
        "threads": sum(one.num_threads() for one in family),
        "files": sum(path.is_file() for path in folder.rglob("*")),
    }


def storm(visitor: Visitor, how: str) -> None:
    try:
        event = visitor.start(variations=20)
    except RefusedError:
        return
    if how == "cancel":
        visitor.cancel(event)
    elif how == "tear":
        visitor.listen(event, lines=2)


def measure(jobs: int, crowd: int, folder: Path) -> dict[str, Any]:
    photos = []
    for number in range(min(64, max(jobs, crowd))):
        (folder / f"{number}").mkdir()
        photos.append(photo_of(number, folder / f"{number}"))
    loose = {f"AUGMENTAI_{name}": "100000" for name in LIMITS}
    with app_process(folder, AUGMENTAI_PUBLIC="true", AUGMENTAI_PROXIES="1", **loose) as running:

        def visitor(number: int) -> Visitor:
            return Visitor(running.url, number, photos[number % len(photos)])

        cache, states, ended = folder / "gradio", [], []
        for number in range(jobs):
            ended.append(visitor(number).served())
            if number % max(1, jobs // 10) == max(1, jobs // 10) - 1:
                states.append(state_of(running, cache))
        for number in range(3 * crowd):
            storm(visitor(number), STORM[number % 3])
        start = time.monotonic()
        freed = visitor(0).served()
        while freed != "complete" and time.monotonic() < start + _MOST_WAIT_SECONDS:
            time.sleep(0.1)
            freed = visitor(0).served()
        freed_seconds = round(time.monotonic() - start, 2)
        after_storm = state_of(running, cache)
        with ThreadPoolExecutor(crowd) as threads:
            at_once = list(threads.map(lambda number: visitor(number).served(), range(crowd)))
        for number in range(crowd):
            threading.Thread(target=storm, args=(visitor(number), "leave"), daemon=True).start()
        time.sleep(1)
        start = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        status = running.process.wait(60)
        end_seconds = round(time.monotonic() - start, 2)
        log = running.log
    return {
        "in_a_row": {end: ended.count(end) for end in sorted(set(ended))},
        "states": states,
        "storm": 3 * crowd,
        "after_storm": after_storm,
        "next_job_after_storm": {freed: freed_seconds},
        "at_once": {end: at_once.count(end) for end in sorted(set(at_once))},
        "sigterm_under_load": {"seconds": end_seconds, "status": status},
        "tracebacks": log.count("Traceback"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="A server that lives long.")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--crowd", type=int, default=20)
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "results" / "long_life.json")
    args = parser.parse_args()
    load = round(psutil.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as name:
        result = measure(args.jobs, args.crowd, Path(name))
    result |= {"cores": psutil.cpu_count(), "load_before": load, "python": platform.python_version()}
    print(json.dumps(result, indent=1))
    args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
