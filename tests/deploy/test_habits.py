"""What contributors' tools and the continuous integration run: hooks that work offline, and one script for all."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from augmentai.settings import ROOT

HOOKS = [
    hook
    for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repo["hooks"]
    if repo["repo"] == "local"
]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


def tracked_texts() -> list[tuple[str, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git clone")
    texts = []
    for name in filter(None, listed.stdout.split("\0")):
        data = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b"\0"
        if b"\0" not in data:
            texts.append((name, data.decode()))
    return texts


def test_every_hook_works_offline() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    assert {hook["language"] for hook in HOOKS} == {"system", "pygrep"}


@pytest.mark.parametrize("hook", [hook for hook in HOOKS if hook["language"] == "system"], ids=lambda hook: hook["id"])
def test_programs_of_hooks_are_installed_for_tests(hook: dict[str, Any]) -> None:
    program = Path(hook["entry"].split()[0])
    assert program.parent == Path(".venv/bin")
    assert re.search(rf"^{program.name}(-bin)?==", (ROOT / "requirements-dev.txt").read_text(), re.M)


@pytest.mark.parametrize("hook", [hook for hook in HOOKS if hook["language"] == "pygrep"], ids=lambda hook: hook["id"])
def test_no_file_has_what_a_hook_forbids(hook: dict[str, Any]) -> None:
    forbidden, excluded = re.compile(hook["entry"], re.M), re.compile(hook.get("exclude", "^$"))
    found = [name for name, text in tracked_texts() if not excluded.search(name) and forbidden.search(text)]
    assert found == []


def test_the_workflow_runs_what_the_script_runs() -> None:
    (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    targets = re.findall(r"^make (\w+)$", (ROOT / ".ci" / "run").read_text(), re.M)
    assert targets == ["lint", "docs", "test"]
    assert all(re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M) for target in targets)
