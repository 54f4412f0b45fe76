"""The wheel, installed where nothing else is: what it holds, what it requires, and that it works in any folder."""

from __future__ import annotations

import json
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
import requests

from augmentai import __version__
from augmentai.settings import EXAMPLES, ROOT
from tests.support.app_process import app_process
from tests.support.wheel import Environment, build_wheel, environment_with

OPTIONAL = ("gradio", "diffusers", "transformers", "accelerate", "huggingface_hub")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def required(wheel: Path) -> list[str]:
    """What the wheel says it requires."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode()).get_all("Requires-Dist") or []


@pytest.fixture(scope="module")
def base(wheel: Path, required: list[str], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """As after `pip install .`: the wheel and what it requires, no extra."""
    environment = environment_with(tmp_path_factory.mktemp("base") / "venv", required)
    environment.install(wheel)
    return environment


def test_everything_it_requires_is_there_and_no_extra(base: Environment, tmp_path: Path) -> None:
    base.check()
    code = f"import importlib.util as u; print([name for name in {OPTIONAL} if u.find_spec(name)])"
    assert base.run("python", "-c", code, folder=tmp_path).stdout.strip() == "[]"


def test_the_command_makes_variations_in_an_empty_folder(base: Environment, tmp_path: Path) -> None:
    photo = EXAMPLES / "rocket.jpg"
    done = base.run("augmentai", str(photo), "-o", "out", "--variations", "2", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {"rocket__v1.jpg", "rocket__v2.jpg"} <= {path.name for path in (tmp_path / "out").iterdir()}
    lines = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    assert [(line["engine"], line["versions"]["augmentai"]) for line in lines] == [("gan", __version__)] * 2


def test_the_python_api_works_there(base: Environment, tmp_path: Path) -> None:
    code = """
import augmentai, augmentai.settings as settings
from pathlib import Path
photo = settings.EXAMPLES / "rocket.jpg"
assert Path(augmentai.__file__).parent in photo.parents, "the package's own examples"
outcomes = list(augmentai.augment([photo], augmentai.Recipe(variations=1, seed=7)))
print([outcome.ok for outcome in outcomes])
"""
    done = base.run("python", "-c", code, folder=tmp_path)
    assert done.stdout.strip() == "[True]", done.stderr


@pytest.mark.parametrize("command", [("augmentai",), ("python", "-m", "augmentai")])
def test_it_says_its_version(base: Environment, tmp_path: Path, command: tuple[str, ...]) -> None:
    assert base.run(*command, "--version", folder=tmp_path).stdout.strip() == f"augmentai {__version__}"


@pytest.mark.parametrize(
    ("command", "extra", "package"),
    [
        (("augmentai", "web"), "web", "gradio<7,>=6.31"),
        (("augmentai", "photo.png", "-o", "out", "--push-to-hub", "me/set"), "hub", "huggingface-hub<3,>=2"),
        (("augmentai", "photo.png", "-o", "out", "--engine", "diffusion"), "diffusion", "diffusers<1,>=0.37"),
    ],
)
def test_an_extra_that_is_missing_is_named(
    base: Environment, tmp_path: Path, command: tuple[str, ...], extra: str, package: str
) -> None:
    (tmp_path / "photo.png").write_bytes((EXAMPLES / "chelsea.png").read_bytes())
    done = base.run(*command, folder=tmp_path, HF_TOKEN="hf_nobodys", AUGMENTAI_DIFFUSION_DEVICE="cpu")
    said = " ".join((done.stderr + done.stdout).split())
    assert done.returncode != 0
    assert f"(extra augmentai[{extra}])" in said
    assert f"'{package}'" in said
    assert "Traceback" not in said


def test_with_the_extra_web_the_page_opens(wheel: Path, required: list[str], tmp_path: Path) -> None:
    environment = environment_with(tmp_path / "venv", required, "web")
    environment.install(wheel)
    environment.check()
    with app_process(tmp_path, root=tmp_path, program=[str(environment.bin / "augmentai"), "web"]) as page:
        assert "AugmentAI" in requests.get(page.url, timeout=30).text
        assert page.end() == 0, page.log


def test_it_holds_the_weights_the_examples_and_the_mark_of_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name: archive.getinfo(name).file_size for name in archive.namelist()}
    bundled = "augmentai/bundled/"
    photos = {f"{bundled}examples/{path.name}": path.stat().st_size for path in EXAMPLES.iterdir()}
    assert photos.items() <= inside.items()
    weights = ("gan.safetensors", "README.md", "backbone.safetensors", "backbone.onnx", "backbone.md")
    for name in (*weights, "LICENSE-backbone.txt"):
        assert inside[f"{bundled}weights/{name}"] == (ROOT / "weights" / name).stat().st_size
    assert "augmentai/py.typed" in inside
    assert [name for name in inside if name.endswith("licenses/LICENSE")]
    strangers = [name for name in inside if not name.startswith(("augmentai/", f"augmentai-{__version__}.dist-info/"))]
    assert strangers == []
