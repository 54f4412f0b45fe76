"""The command line as a process of its own."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from augmentai.settings import ROOT
from tests.support.command_server import CommandServer


def augmentai(
    *words: str | Path, cwd: Path | None = None, package: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `augmentai` with these words, without the settings of this process, in a wide terminal.

    package: a folder that packages are imported from as well, as `plugin_package` writes them.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("STABILITY", "AUGMENTAI"))}
    return run_command(*words, environment=environment, cwd=cwd, package=package)


def run_command(
    *words: str | Path,
    environment: Mapping[str, str],
    cwd: Path | None = None,
    package: Path | None = None,
    columns: int = 200,
) -> subprocess.CompletedProcess[str]:
    """Run `augmentai` with these words in an environment, in a terminal of so many columns."""
    paths = os.pathsep.join(map(str, (ROOT, package) if package else (ROOT,)))
    own = {"PYTHONPATH": paths, "COLUMNS": str(columns)}
    return _server(**own).run([str(word) for word in words], {**environment, **own}, cwd)


@cache
def _server(**environment: str) -> CommandServer:
    server = CommandServer(os.environ | environment)
    atexit.register(server.close)
    return server


def manifest_lines(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's manifest."""
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
