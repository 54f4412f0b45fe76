"""Time from `python app.py` to the first page, next to a bare Gradio app, and from the click to the first variation.

    python benchmarks/startup.py [--runs 5]

Each run is a new process. The two apps alternate, so that other load on the machine affects both; the ratio is that of
the medians. Needs Chromium, like the browser tests. Times in seconds.

answered: from the start of the process until GET / is answered. ready: until the page's button can be clicked in a
browser that is already running. first_variation: from the click on Augment, in the first job of a new process, until
the first image is shown; the click follows as soon as the page has inspected the file.
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
def app_process(command: list[str], folder: Path) -> Iterator[tuple[str, float]]:
    """Start an app; yields the page's address and when its process was started."""
    port = free_port()
    own = {"GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": str(folder)}
    launched = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | own, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/", launched
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
    with app_process(command, folder) as (url, launched):
        wait_for_answer(url)
        answered = time.perf_counter() - launched
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#augment")
        ready = time.perf_counter() - launched
        page.close()
    return {"answered": answered, "ready": ready}


def first_variation(browser: Any, folder: Path) -> float:
    with app_process(APPS["AugmentAI"], folder) as (url, _):
        wait_for_answer(url)
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#augment")
        page.set_input_files("#files input[type=file] >> nth=0", [EXAMPLES / "chelsea.png"])
        page.wait_for_selector(".drop-count strong", timeout=60_000)
        launched = time.perf_counter()
        page.click("#augment")
        page.wait_for_function(
            "document.querySelector('#gallery .card img')?.naturalWidth > 0", timeout=60_000, polling=20
        )
        seconds = time.perf_counter() - launched
        page.close()
    return seconds


def spread(values: list[float]) -> dict[str, Any]:
    return {"median": round(statistics.median(values), 2), "all": [round(value, 2) for value in values]}


def measure(runs: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    starts: dict[str, list[dict[str, float]]] = {name: [] for name in APPS}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for number in range(runs + 1):
            for app, command in APPS.items():
                row = one_start(command, browser, Path(name))
                if number:  # the first run of each only warms the disk cache
                    starts[app].append(row)
        firsts = [first_variation(browser, Path(name)) for _ in range(runs)]
        browser.close()
    result: dict[str, Any] = {}
    for moment in ("answered", "ready"):
        rows = {app: spread([row[moment] for row in starts[app]]) for app in APPS}
        ratio = rows["AugmentAI"]["median"] / rows["bare Gradio"]["median"]
        result[moment] = rows | {"ratio": round(ratio, 2)}
    return result | {"first_variation": spread(firsts)}


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast the page opens and makes its first variation.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "results" / "startup.json")
    args = parser.parse_args()
    load = psutil.getloadavg()[0]
    result = measure(args.runs)
    for moment in ("answered", "ready"):
        row = result[moment]
        bare, ours = row["bare Gradio"]["median"], row["AugmentAI"]["median"]
        print(f"{moment}: AugmentAI {ours} s, bare Gradio {bare} s, ratio {row['ratio']}")
    print(f"first variation after the click: {result['first_variation']['median']} s")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    report = {
        "what": "seconds from the start of the process, medians of runs that take turns",
        "runs": args.runs,
        **result,
        "cores": psutil.cpu_count(),
        "load_before": round(load, 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("gradio", "torch")},
        "commit": commit.stdout.strip(),
    }
    args.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
