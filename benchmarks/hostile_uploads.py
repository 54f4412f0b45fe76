"""How fast the page answers while eight visitors have files inspected that take more than a public page allows.

python -m benchmarks.hostile_uploads
"""

from __future__ import annotations

import io
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from augmentai.settings import EXAMPLES
from tests.support.app_process import app_process

CALLS = 8
SECONDS = 60.0
WARM_UP_SECONDS = 15.0  # of the server, which loads what the first job would wait for
LABELS = b"0 0.5 0.5 0.1 0.1\n" * 1_500_000  # of one image: a file that compresses to nothing


def slow_set() -> bytes:
    """A YOLO dataset of one image with a very long label file, as a ZIP."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/a.png", (EXAMPLES / "chelsea.png").read_bytes())
        archive.writestr("data.yaml", "names: [one]\ntrain: images\n")
        archive.writestr("labels/a.txt", LABELS)
    return data.getvalue()


def seconds_of(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        app_process(Path(folder), AUGMENTAI_PUBLIC="true", AUGMENTAI_PROXIES="1") as running,
    ):
        url = running.url
        functions = requests.get(url + "config", timeout=30).json()["dependencies"]
        number = next(one["id"] for one in functions if one["api_name"] == "inspect")

        def inspect(name: str, data: bytes, visitor: str) -> Any:
            headers = {"X-Forwarded-For": visitor}
            sent = requests.post(url + "gradio_api/upload", files={"files": (name, data)}, headers=headers, timeout=60)
            file = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}
            body = {"data": [[{"rel": name, "file": file}], "auto"], "fn_index": number, "session_hash": visitor}
            return requests.post(url + "gradio_api/run/predict", json=body, headers=headers, timeout=300).json()

        photo = (EXAMPLES / "chelsea.png").read_bytes()
        inspect("a.png", photo, "10.0.0.1")
        print(f"one image inspected: {seconds_of(lambda: inspect('a.png', photo, '10.0.0.1')):.2f} s")
        slow = slow_set()
        time.sleep(WARM_UP_SECONDS)
        times: list[float] = []
        with ThreadPoolExecutor(CALLS + 1) as threads:
            start = time.perf_counter()
            calls = [threads.submit(inspect, "set.zip", slow, f"10.0.1.{number}") for number in range(CALLS)]
            time.sleep(1)
            good = threads.submit(lambda: seconds_of(lambda: inspect("a.png", photo, "10.0.0.2")))
            while not all(call.done() for call in calls) and time.perf_counter() < start + SECONDS:
                times.append(seconds_of(lambda: requests.get(url, timeout=30)))
                time.sleep(0.1)
            times.sort()
            print(
                f"with {CALLS} bad calls at once: a good one answered after {good.result():.1f} s; of {len(times)} page"
            )
            print(f"loads the median took {times[len(times) // 2]:.3f} s, the longest {times[-1]:.3f} s")
            outcomes = [str(call.result())[:100] for call in calls]
            print(f"bad calls answered after {time.perf_counter() - start:.0f} s:")
        for words in sorted(set(outcomes)):
            print(" ", words)


if __name__ == "__main__":
    main()
