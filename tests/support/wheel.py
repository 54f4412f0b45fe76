"""AugmentAI as a wheel, and environments that hold it and what it requires, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from augmentai.settings import ROOT


def build_wheel(folder: Path, project: Path = ROOT) -> Path:
    """A project's wheel, built without a network: its build backend is in requirements-dev.txt."""
    _pip(
        "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(project)
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Environment:
    """A virtual environment that sees no package but those put into it."""

    home: Path

    @property
    def bin(self) -> Path:
        return self.home / "bin"

    @property
    def packages(self) -> Path:
        (folder,) = self.home.glob("lib/python*/site-packages")
        return folder

    def install(self, wheel: Path) -> None:
        """A wheel, without what it requires."""
        _pip("--python", str(self.bin / "python"), "install", "--quiet", "--no-deps", "--no-index", str(wheel))

    def uninstall(self, name: str) -> None:
        _pip("--python", str(self.bin / "python"), "uninstall", "--quiet", "--yes", name)

    def check(self) -> None:
        """Is every requirement of every package met, and by a version that it accepts?"""
        _pip("--python", str(self.bin / "python"), "check")

    def run(self, *command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """A program of this environment, in a folder, without any variable that would set AugmentAI up."""
        unwanted = ("AUGMENTAI_", "GRADIO_", "STABILITY_", "HF_", "PYTHON", "VIRTUAL_ENV")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        own = {"HOME": str(folder), "HF_HUB_OFFLINE": "1", "COLUMNS": "200"} | variables
        program = [str(self.bin / command[0]), *command[1:]]
        return subprocess.run(
            program, cwd=folder, env=clean | own, capture_output=True, text=True, check=False, timeout=120
        )


def environment_with(folder: Path, requirements: Iterable[str], extra: str = "") -> Environment:
    """A new environment that holds links to the installed packages which these requirements lead to, however deep.

    Args:
        folder: where it is made.
        requirements: as in a wheel's metadata; extras count, markers are evaluated.
        extra: of the package whose requirements these are.
    """
    venv.create(folder, symlinks=True)
    environment = Environment(folder)
    for package in _closure(requirements, extra):
        for top in {file.parts[0] for file in package.files or [] if file.parts[0] not in {"..", "__pycache__"}}:
            link = environment.packages / top
            if not link.exists():
                link.symlink_to(Path(str(package.locate_file(top))))
    return environment


def _closure(requirements: Iterable[str], extra: str) -> list[metadata.Distribution]:
    found: dict[tuple[str, str], metadata.Distribution] = {}
    open_ones = [(Requirement(line), of_extra) for line in requirements for of_extra in dict.fromkeys(("", extra))]
    while open_ones:
        wanted, of_extra = open_ones.pop()
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": of_extra}):
            continue
        for part in {"", *wanted.extras}:
            key = (canonicalize_name(wanted.name), part)
            if key not in found:
                found[key] = metadata.distribution(wanted.name)
                open_ones += [(Requirement(line), part) for line in found[key].requires or []]
    return list({name: package for (name, _), package in found.items()}.values())


def _pip(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
