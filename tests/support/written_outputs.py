"""Outcomes to be written by the writers, and what a folder or ZIP then contains."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from augmentai.dataset.manifest import MANIFEST
from augmentai.types import Fallback, Outcome, Source, Variation
from tests.support.image_files import colours, jpeg

ROOT = Path(__file__).resolve().parents[2]


def outcome(name: str = "cats/a__v1.jpg", data: bytes | None = None, **details: Any) -> Outcome:
    """A variation that was made."""
    source = Source.from_bytes("cats/a.jpg", b"x", "cats")
    variation = Variation(name, jpeg() if data is None else data, colours(), "gan", "m", "p", 0.4, 0.1, details)
    return Outcome(source, 1, 7, variation, fallbacks=(Fallback("stability", "no key"),), notices=("n",))


def failure(reason: str = "broken") -> Outcome:
    """A source that could not be read, whose name is not valid UTF-8."""
    return Outcome(Source("bad\udcff.jpg", None, "", 0, bytes), 0, 0, reason=reason)


def contents(path: Path) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Every file of a folder or ZIP but the manifest, and the lines of the manifest."""
    if path.is_dir():
        files = {p.relative_to(path).as_posix(): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}
    else:
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert len(archive.namelist()) == len(set(archive.namelist()))
            files = {name: archive.read(name) for name in archive.namelist()}
    manifest = files.pop(MANIFEST).decode()
    assert manifest == "" or manifest.endswith("\n")
    return files, [json.loads(one) for one in manifest.splitlines()]


def nothing_else(path: Path) -> bool:
    """Whether a file or folder is the only one in its folder."""
    return [one.name for one in path.parent.iterdir()] == [path.name]


def run_script(script: str, *words: str | Path) -> str:
    """Run Python code in a process of its own, which may be killed; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


# Writes until RLIMIT_FSIZE, which stands for the size of the disk. Arguments: the output and the limit in bytes.
FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.support.written_outputs import outcome
from augmentai.dataset.writers.base import OutputError, writer_for
limit = int(sys.argv[2])
try:
    with writer_for(Path(sys.argv[1])) as writer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        for i in range(100):
            writer.add(outcome(f"{i:03}__v1.jpg", bytes([i]) * 10_000))
except OutputError as error:
    print(error)
"""
