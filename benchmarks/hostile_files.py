"""Hostile files through every way in: python -m benchmarks.hostile_files FOLDER [NAME...] [--ways drop,job,command]

Each folder in FOLDER is one case: its files are dropped on a public page, given to a job of that page, and named on the
command line. Printed for each: seconds, seconds of CPU, peak memory in MB (10^6 bytes) of the server and its
processes beyond what it has when idle, or of the command, and the first words of the answer. On a machine that others
use, --slow 5 gives the page five times as long, and seconds of CPU count.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import requests

from augmentai.recipe.fields import FIELDS, api_fields
from augmentai.settings import EXAMPLES
from augmentai.web.access.public import PUBLIC_LIMITS
from tests.support.app_process import app_process

MOST_SECONDS, MOST_MB = 10.0, 1000.0
GIVE_UP_SECONDS = 100
NAMES = "names.json"  # in a case's folder: [[path on the visitor's computer, name of the file], ...]
_RECIPE: dict[str, Any] = {"variations": 1, "engine": "none", "geometry": "strong", "seed": 1}
_LIMITS = {f"AUGMENTAI_{name.upper()}": str(value) for name, value in PUBLIC_LIMITS.items() if "max_" in name}


class Watch:
    """Peak memory of a process and its children, and whether the page answers meanwhile."""

    def __init__(self, pid: int, url: str) -> None:
        self._process, self._url = psutil.Process(pid), url
        self._ended = threading.Event()
        self.peak = self.stall = 0.0
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._memory, self._answers)]
        for thread in self._threads:
            thread.start()

    def cpu_seconds(self) -> float:
        """Of the process and its children, ended ones included."""
        total = 0.0
        for member in (self._process, *self._process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += sum(member.cpu_times()[:4])
        return total

    def megabytes(self) -> float:
        total = 0
        for member in (self._process, *self._process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += member.memory_info().rss
        return total / 1e6

    def _memory(self) -> None:
        while not self._ended.wait(0.05):
            self.peak = max(self.peak, self.megabytes())

    def _answers(self) -> None:
        while not self._ended.wait(0.3):
            start = time.perf_counter()
            requests.get(self._url + "gradio_api/app_id", timeout=120)
            self.stall = max(self.stall, time.perf_counter() - start)

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


def names_of(case: Path) -> list[tuple[str, Path]]:
    """What a visitor calls each file, and the file; one file may have many names."""
    listed = case / NAMES
    if listed.exists():
        return [(name, case / file) for name, file in json.loads(listed.read_text())]
    return [(path.relative_to(case).as_posix(), path) for path in sorted(case.rglob("*")) if path.is_file()]


class Page:
    """A public page, and one visitor's calls of it."""

    def __init__(self, url: str) -> None:
        self._url, self._number = url, 0
        functions = requests.get(url + "config", timeout=30).json()["dependencies"]
        self._inspect = next(one["id"] for one in functions if one["api_name"] == "inspect")

    def drop(self, names: list[tuple[str, Path]]) -> Callable[[], str]:
        """Upload, and return what has the files inspected."""
        visitor = self._visitor()
        uploaded = {file: self._upload(file, visitor) for file in dict.fromkeys(file for _, file in names)}
        value = [{"rel": name, "file": self._file(uploaded[file])} for name, file in names]
        body = {"data": [value, "auto"], "fn_index": self._inspect, "session_hash": f"s{self._number}"}

        def call() -> str:
            sent = requests.post(
                self._url + "gradio_api/run/predict",
                json=body,
                headers={"X-Forwarded-For": visitor},
                timeout=GIVE_UP_SECONDS,
            )
            try:
                props = [one.get("props", {}) for one in sent.json()["data"] if one]
                summary = next(one["summary"] for one in props if "summary" in one)
            except (ValueError, KeyError, TypeError, StopIteration):
                return f"{sent.status_code} {sent.text}"
            said = [f"{one['file']}: {one['reason']}" for one in summary["refused"]] + summary["notices"]
            said += [str(one["examples"]) for one in summary["check"].get("findings", ())]
            return f"{summary['images']} images; " + " | ".join(said)

        return call

    def job(self, names: list[tuple[str, Path]]) -> Callable[[], str]:
        """Upload, and return what makes a job of the files."""
        headers = {"X-Forwarded-For": self._visitor()}
        uploaded = {file: self._upload(file, headers["X-Forwarded-For"]) for file in dict.fromkeys(f for _, f in names)}
        data = [[self._file(uploaded[file]) for _, file in names]]
        data += [_RECIPE.get(field.name, field.default) for field in api_fields(FIELDS)]

        def call() -> str:
            url, end = self._url + "gradio_api/call/augment", time.monotonic() + GIVE_UP_SECONDS
            sent = requests.post(url, json={"data": data}, headers=headers, timeout=GIVE_UP_SECONDS)
            if not sent.ok:
                return f"{sent.status_code} {sent.text}"
            kind, answer = "", "no answer"
            with requests.get(f"{url}/{sent.json()['event_id']}", headers=headers, stream=True, timeout=60) as stream:
                for line in stream.iter_lines(decode_unicode=True):
                    kind = line.removeprefix("event: ") if line.startswith("event: ") else kind
                    if line.startswith("data: ") and kind in {"complete", "error"}:
                        answer = line.removeprefix("data: ")
                    if time.monotonic() > end:
                        return "no answer in time"
            if kind != "complete":
                return f"{kind}: {answer}"
            report = json.loads(answer)[2]
            said = [f"{one['file']}: {one['reason']}" for one in report["failures"]] + report["notices"]
            return f"{report['variations']} variations; " + " | ".join(said)

        return call

    def _visitor(self) -> str:
        self._number += 1
        return f"10.1.{self._number // 250}.{self._number % 250}"

    def _upload(self, file: Path, visitor: str) -> str:
        with file.open("rb") as data:
            sent = requests.post(
                self._url + "gradio_api/upload",
                files={"files": (file.name, data)},
                headers={"X-Forwarded-For": visitor},
                timeout=120,
            )
        return str(sent.json()[0])

    def _file(self, path: str) -> dict[str, Any]:
        return {"path": path, "meta": {"_type": "gradio.FileData"}}


def command(case: Path, out: Path) -> tuple[float, float, float, str]:
    """A run on the command line with the limits of a public page: seconds, seconds of CPU, MB, words."""
    arguments = [*map(str, dict.fromkeys(file for _, file in names_of(case))), "-o", str(out), "-n", "1"]
    arguments += ["--engine", "none", "--geometry", "strong"]
    start, cpu = time.perf_counter(), children_cpu()
    process = subprocess.Popen(
        [sys.executable, "-m", "augmentai", *arguments],
        env=os.environ | _LIMITS,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30)),
    )
    watch = psutil.Process(process.pid)
    peak = 0.0
    words = []
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(lambda: process.stdout.read() if process.stdout else b"")
        while process.poll() is None:
            try:
                peak = max(peak, watch.memory_info().rss / 1e6)
            except psutil.NoSuchProcess:
                break
            if time.perf_counter() - start > GIVE_UP_SECONDS:
                process.kill()
                words.append("killed")
            time.sleep(0.05)
        words.append(reading.result().decode(errors="replace"))
    said = f"status {process.wait()}: " + " | ".join(words).replace("\n", " | ")
    return time.perf_counter() - start, children_cpu() - cpu, peak, said


def children_cpu() -> float:
    """Of the processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(call: Callable[[], str], watch: Watch, idle: float) -> tuple[float, float, float, str]:
    watch.peak = watch.stall = 0.0
    start, cpu = time.perf_counter(), watch.cpu_seconds()
    try:
        words = call()
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - start
    stall = f"[page stalled {watch.stall:.1f} s] " if watch.stall > 1 else ""
    return seconds, watch.cpu_seconds() - cpu, max(0.0, watch.peak - idle), stall + words


@contextmanager
def public_page(folder: Path, slow: float) -> Iterator[tuple[Page, Watch, float]]:
    many = {
        "AUGMENTAI_VISITOR_FILES_PER_HOUR": "1000000",
        "AUGMENTAI_VISITOR_UPLOAD_MB_PER_HOUR": "100000",
        "AUGMENTAI_VISITOR_IMAGES_PER_HOUR": "1000000",
        "AUGMENTAI_PARSE_SECONDS": str(slow * PUBLIC_LIMITS["parse_seconds"]),
    }
    with app_process(folder, AUGMENTAI_PUBLIC="true", AUGMENTAI_PROXIES="1", **many) as running:
        page, watch = Page(running.url), Watch(running.process.pid, running.url)
        photo = [("a.png", EXAMPLES / "chelsea.png")]
        page.drop(photo)()
        page.job(photo)()
        time.sleep(5)  # what it loads in the background
        yield page, watch, watch.megabytes()
        watch.end()
        print(running.log[-3000:] if "Traceback" in running.log else "no traceback in the server's log")


def main() -> None:
    parser = argparse.ArgumentParser(description="Hostile files through every way in.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--ways", default="drop,job,command")
    parser.add_argument("--words", type=int, default=160, help="characters of an answer that are printed")
    parser.add_argument("--slow", type=float, default=1.0)
    args = parser.parse_args()
    cases = [args.folder / name for name in args.names] or sorted(one for one in args.folder.iterdir() if one.is_dir())
    over = 0
    with tempfile.TemporaryDirectory() as name, public_page(Path(name), args.slow) as (page, watch, idle):
        for case in cases:
            for way in args.ways.split(","):
                if way == "command":
                    seconds, cpu, megabytes, words = command(case, Path(name) / "out" / case.name)
                else:
                    try:
                        call = getattr(page, way)(names_of(case))
                    except Exception as error:
                        print(f"{case.name:36} {way}: not uploaded: {error}")
                        continue
                    seconds, cpu, megabytes, words = measured(call, watch, idle)
                is_over = (
                    min(seconds, cpu if args.slow > 1 else seconds) > MOST_SECONDS
                    or megabytes > MOST_MB
                    or "Traceback" in words
                )
                over += is_over
                mark = "OVER" if is_over else "    "
                figures = f"{seconds:5.1f} s {cpu:5.1f} s {megabytes:5.0f} MB"
                print(f"{case.name:36} {way:8} {mark} {figures}  {words[: args.words]}")
                sys.stdout.flush()
    print(f"{over} over {MOST_SECONDS:.0f} s or {MOST_MB:.0f} MB")


if __name__ == "__main__":
    main()
