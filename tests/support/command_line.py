"""The command line as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from augmentai.settings import ROOT


def augmentai(
    *words: str | Path, cwd: Path | None = None, package: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `augmentai` with these words, without the settings of this process, in a wide terminal.

    package: a folder that packages are imported from as well, as `plugin_package` writes them.
    """
    paths = os.pathsep.join(map(str, (ROOT, package) if package else (ROOT,)))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("STABILITY", "AUGMENTAI"))}
    return subprocess.run(
        [sys.executable, "-m", "augmentai", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env=environment | {"PYTHONPATH": paths, "COLUMNS": "200"},
    )


def manifest_lines(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's manifest."""
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
