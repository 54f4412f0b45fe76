"""The tree as a Hugging Face Space reads it: front matter, requirements, sizes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from augmentai.settings import EXAMPLES, ROOT, Settings

LARGEST_BYTES = 10_000_000  # of a file that is pushed without LFS
# https://huggingface.co/docs/hub/spaces-config-reference
KEYS = {
    "title",
    "emoji",
    "colorFrom",
    "colorTo",
    "sdk",
    "sdk_version",
    "python_version",
    "app_file",
    "pinned",
    "license",
    "short_description",
    "suggested_hardware",
    "models",
    "tags",
}
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
HARDWARE = {"cpu-basic", "cpu-upgrade", "t4-small", "t4-medium", "l4x1", "a10g-small", "a10g-large", "zero-a10g"}


@pytest.fixture(scope="module")
def matter() -> dict[str, Any]:
    start, text, _ = (ROOT / "README.md").read_text().split("---\n", 2)
    assert start == "", "the front matter must be the first thing in README.md"
    return yaml.safe_load(text)


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text().split()
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line) for line in lines), "one exact version a line"
    return dict(line.split("==") for line in lines)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    result = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip("not a git clone")
    return [ROOT / name for name in result.stdout.split("\0") if name and (ROOT / name).exists()]


def test_the_front_matter_has_the_fields_of_a_space(matter: dict[str, Any]) -> None:
    assert set(matter) == KEYS
    assert matter["sdk"] == "gradio"
    assert {matter["colorFrom"], matter["colorTo"]} <= COLOURS
    assert matter["suggested_hardware"] in HARDWARE
    assert len(matter["short_description"]) <= 60
    assert len(matter["emoji"].rstrip("\ufe0f")) == 1
    assert all(re.fullmatch(r"[a-z0-9-]+", tag) for tag in matter["tags"])
    assert isinstance(matter["pinned"], bool)


def test_it_names_what_is_there(matter: dict[str, Any], pins: dict[str, str]) -> None:
    assert pins["gradio"] == matter["sdk_version"]
    assert isinstance(matter["python_version"], str), "3.10 without quotes would read as 3.1"
    assert (ROOT / matter["app_file"]).is_file()
    assert "MIT" in (ROOT / "LICENSE").read_text()
    assert matter["license"] == "mit"
    assert matter["models"] == [Settings().diffusion_model]


def test_its_python_is_one_that_the_project_supports(matter: dict[str, Any]) -> None:
    least = re.search(r'requires-python = ">=3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert least
    assert int(matter["python_version"].split(".")[1]) >= int(least[1])


def test_the_tree_would_be_accepted(tracked: list[Path]) -> None:
    large = {str(path.relative_to(ROOT)): path.stat().st_size for path in tracked if path.stat().st_size > 1e6}
    assert all(size < LARGEST_BYTES for size in large.values()), large
    assert not [path for path in tracked if path.is_symlink()]
    assert not [path for path in tracked if path.name in {".env", "id_rsa"} or path.suffix in {".key", ".p12"}]
    assert sum(path.stat().st_size for path in tracked) < 1e9


def test_examples_are_small_photos() -> None:
    for photo in EXAMPLES.iterdir():
        assert photo.stat().st_size < LARGEST_BYTES
        if photo.suffix != ".txt":
            with Image.open(photo) as opened:
                opened.verify()


def test_secrets_are_named_never_written(tracked: list[Path]) -> None:
    readme = (ROOT / "README.md").read_text()
    secrets = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
    for name in secrets:
        assert str(Settings.model_fields[name].validation_alias) in readme, name
    for path in tracked:
        if path.suffix in {".py", ".md", ".yaml", ".env", ".txt", ".bash", ""} and "tests" not in path.parts:
            found = re.search(r"(?<![\w-])(sk-[A-Za-z0-9]{20,}|hf_[A-Za-z0-9]{20,})", path.read_text(errors="replace"))
            assert not found, path
