"""From `python app.py` to the first page, beside a bare Gradio; and from the click to the first variation.

    python benchmarks/startup.py [--runs 5]

Each run is a new process. The two apps take turns, so that whatever else the machine does falls on both; the ratio is
of the medians. Needs Chromium, as the browser's tests do. Times in seconds.

answered: from the start of the process until GET / is answered. ready: until the page's button can be clicked in a
browser that runs already. first_variation: from the click on Augment, in the first job of a new process, until the
first picture shows on the page; the click follows at once when the page has looked at the file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import requests

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from augmentai.settings import EXAMPLES  # noqa: E402
from tests.browser.conftest import FLAGS, find_chromium  # noqa: E402
from tests.support.app_process import free_port  # noqa: E402

HELLO = """
import gradio as gr
with gr.Blocks() as demo:
    name = gr.Textbox(label="Name", elem_id="name")
    greeting = gr.Textbox(label="Greeting")
    gr.Button("Greet", elem_id="augment").click(lambda name: f"Hello {name}", name, greeting)
demo.launch(ssr_mode=False)
"""
APPS = {"bare Gradio": [sys.executable, "-c", HELLO], "AugmentAI": [sys.executable, str(ROOT / "app.py")]}


@contextmanager
def started(command: list[str], folder: Path) -> Iterator[tuple[str, float]]:
    """The page's address and when its process was started; it answers when this is entered."""
    port = free_port()
    own = {"GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": str(folder)}
    begun = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | own, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/", begun
    finally:
        process.terminate()
        process.wait(30)


def wait_for_answer(url: str) -> None:
    while True:
        try:
            if requests.get(url, timeout=30).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.005)


def one_start(command: list[str], browser: Any, folder: Path) -> dict[str, float]:
    with started(command, folder) as (url, begun):
        wait_for_answer(url)
        answered = time.perf_counter() - begun
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#augment")
        ready = time.perf_counter() - begun
        page.close()
    return {"answered": answered, "ready": ready}


def first_variation(browser: Any, folder: Path) -> float:
    with started(APPS["AugmentAI"], folder) as (url, _):
        wait_for_answer(url)
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#augment")
        page.set_input_files("#files input[type=file] >> nth=0", [EXAMPLES / "chelsea.png"])
        page.wait_for_selector(".drop-count strong", timeout=60_000)
        begun = time.perf_counter()
        page.click("#augment")
        page.wait_for_function(
            "document.querySelector('#gallery .card img')?.naturalWidth > 0", timeout=60_000, polling=20
        )
        seconds = time.perf_counter() - begun
        page.close()
    return seconds


def spread(values: list[float]) -> dict[str, Any]:
    return {"median": round(statistics.median(values), 2), "all": [round(value, 2) for value in values]}


def measure(runs: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    seen: dict[str, list[dict[str, float]]] = {name: [] for name in APPS}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for number in range(runs + 1):
            for app, command in APPS.items():
                row = one_start(command, browser, Path(name))
                if number:  # the first of each only fills the disk's cache
                    seen[app].append(row)
        firsts = [first_variation(browser, Path(name)) for _ in range(runs)]
        browser.close()
    result: dict[str, Any] = {}
    for moment in ("answered", "ready"):
        rows = {app: spread([row[moment] for row in seen[app]]) for app in APPS}
        ratio = rows["AugmentAI"]["median"] / rows["bare Gradio"]["median"]
        result[moment] = rows | {"ratio": round(ratio, 2)}
    return result | {"first_variation": spread(firsts)}


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast the page opens and makes its first picture.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "results" / "startup.json")
    given = parser.parse_args()
    load = psutil.getloadavg()[0]
    result = measure(given.runs)
    for moment in ("answered", "ready"):
        row = result[moment]
        bare, ours = row["bare Gradio"]["median"], row["AugmentAI"]["median"]
        print(f"{moment}: AugmentAI {ours} s, bare Gradio {bare} s, ratio {row['ratio']}")
    print(f"first variation after the click: {result['first_variation']['median']} s")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    told = {
        "what": "seconds from the start of the process, medians of runs that take turns",
        "runs": given.runs,
        **result,
        "cores": psutil.cpu_count(),
        "load_before": round(load, 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("gradio", "torch")},
        "commit": commit.stdout.strip(),
    }
    given.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
