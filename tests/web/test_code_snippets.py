"""The calls of the code tab, run as they stand, with settings that shells and JSON trip over."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from augmentai.recipe import Thresholds
from augmentai.recipe.fields import FIELDS
from augmentai.settings import EXAMPLES, Settings
from augmentai.web.access.public import USER_NAME
from augmentai.web.code_snippets import command_line, curl_call, python_call
from tests.support.app_server import serving
from tests.support.command_line import augmentai
from tests.support.prefix_proxy import Manner, proxied

PREFIX = "/projects/augmentai/applications/AugmentAI"
AWKWARD: dict[str, Any] = {
    "prompt": 'it\'s a "{label}" at 50 % $HOME `id` \\ \\n!\n-second line, 猫 & é\tü',
    "negative_prompt": "--help 'FILES' \"FILES\"",
    "variations": 2,
    "strength": 0.25,
    "engine": "gan",
    "seed": 7,
    "output_format": "png",
    "geometry": "light",
    "mirror": False,
    "filters": False,
    "balance": False,
    "per_class": 0,
    "splits": "leave-out",
    "operations": ["rotate(degrees=15, probability=0.5)", "crop"],
}
RECORDED = AWKWARD | {"operations": [{"rotate": {"probability": 0.5, "degrees": 15.0}}, "crop"]}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLES / "chelsea.png", tmp_path / "photo.jpg")
    with zipfile.ZipFile(tmp_path / "dataset.zip", "w") as archive:
        archive.write(EXAMPLES / "chelsea.png", "cats/chelsea.png")
    return tmp_path


def asked_for(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return archive.read("recipe.yaml").decode()


def assert_as_asked(path: Path) -> None:
    import yaml

    recipe = yaml.safe_load(asked_for(path))["recipe"]
    assert {name: recipe[name] for name in RECORDED} == RECORDED


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-euc", script], cwd=folder, capture_output=True, text=True, timeout=120, check=True)


def assert_curl_works(script: str, here: Path) -> None:
    done = shell(script, here)
    assert (here / "augmented.zip").is_file(), done.stderr + (here / "answer.txt").read_text()
    assert_as_asked(here / "augmented.zip")
    last = (here / "answer.txt").read_text().strip().splitlines()[-1].removeprefix("data: ")
    assert json.loads(last)[2]["variations"] == 2


@pytest.fixture
def behind_a_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Behind a proxy that strips its prefix, with a password."""
    settings = Settings(root_path=PREFIX, password="a word & more")
    with (
        serving(settings, tmp_path_factory.mktemp("gradio")) as upstream,
        proxied(upstream, Manner(PREFIX)) as address,
    ):
        yield address + "/"


def test_curl(server_url: str, here: Path) -> None:
    assert_curl_works(curl_call(AWKWARD, server_url), here)


def test_both_through_the_proxy_with_a_password(behind_a_proxy: str, here: Path) -> None:
    script = curl_call(AWKWARD, behind_a_proxy, USER_NAME)
    assert_curl_works(script.replace("-d password=PASSWORD", "--data-urlencode 'password=a word & more'"), here)
    call = python_call(AWKWARD, behind_a_proxy, USER_NAME).replace('"PASSWORD"', '"a word & more"')
    assert_python_works(call, here)


def test_python(server_url: str, here: Path) -> None:
    assert_python_works(python_call(AWKWARD, server_url), here)


def assert_python_works(call: str, here: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", call],
        cwd=here, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "4 variations from 2 files" in done.stdout, done.stderr
    assert_as_asked(Path(done.stdout.split("files ", 1)[1].strip()))


def test_command_line(here: Path) -> None:
    (here / "photos").mkdir()
    (here / "photo.jpg").rename(here / "photos" / "photo.jpg")
    line = command_line(AWKWARD).replace("-o augmented", "-o augmented.zip")
    echoed = shell(f"printf '%s\\0' {line}", here).stdout.split("\0")[:-1]
    assert echoed == shlex.split(line), "the shell reads it as it is meant"
    done = augmentai(*echoed[1:], cwd=here)
    assert done.returncode == 0, done.stderr
    assert_as_asked(here / "augmented.zip")


def test_defaults_are_omitted_from_the_command_line() -> None:
    usual = {field.name: field.default for field in FIELDS}
    assert command_line(usual) == "augmentai photos/ -o augmented --variations 1"
    assert command_line(usual | {"balance": True, "mirror": False}).endswith("--no-flip --balance")
    thresholds = Thresholds(near_copy=2, drift=0.5)
    assert command_line({"thresholds": thresholds}).endswith("--threshold near_copy=2 --threshold drift=0.5")
