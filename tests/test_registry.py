"""Names of engines, operations and formats: who may have one, and who may know one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from augmentai import registry
from augmentai.engines import BUILT_IN
from augmentai.settings import ROOT
from tests.support.plugin_package import installed, write_package

PACKAGE = ROOT / "augmentai"
# May name engines: the engines, the model of one and what uses it without its engine, the environment variables, and
# extras that are named after libraries.
HOMES = (
    *("engines/", "gan/", "operations/compositing/harmonise.py"),
    *("settings.py", "system/extras.py", "backbone/larger.py"),
)


def source_files() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in {".py", ".js", ".html", ".css"}:
            yield path


def test_nothing_outside_engines_names_an_engine() -> None:
    words = [name for name in BUILT_IN if name != "none"]  # a word of Python's and of other settings
    names = re.compile("|".join(rf"(?<![a-z]){name}(?![a-z])" for name in words), re.IGNORECASE)
    others = re.compile(r"huggingface(_hub|\.co)")  # a library and a host, which others use too
    classes = re.compile("|".join(target.partition(":")[2] for target in BUILT_IN.values()))
    found = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path in source_files()
        if not str(path.relative_to(PACKAGE)).startswith(HOMES)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (names.search(others.sub("", line)) or classes.search(line)) and not is_example(line)
    ]
    assert not found, "\n".join(found)


def is_example(line: str) -> bool:
    """A line of a docstring's example, or of what it prints."""
    return line.strip().startswith((">>>", "...", "|"))


def test_the_search_finds_what_it_looks_for() -> None:
    text = (PACKAGE / "engines" / "gan" / "engine.py").read_text()
    assert re.search(r"GanEngine", text)
    assert re.search(r"(?<![a-z])gan(?![a-z])", text)


@pytest.mark.parametrize("kind", ["engines", "operations", "formats"])
def test_everything_built_in_can_be_imported(kind: registry.Kind) -> None:
    for name, entry in registry.registered(kind).items():
        assert entry.package == ""
        assert registry.find(kind, name) is not None


def test_an_unknown_name_is_answered_with_those_that_are_installed() -> None:
    with pytest.raises(registry.RegistryError) as caught:
        registry.find("engines", "dalle")
    message = str(caught.value)
    assert message.startswith(
        "there is no engine 'dalle'; installed: stability, diffusion, gan, none, huggingface, comfy."
    )
    assert "install that package (it must offer the entry point augmentai.engines)" in message


@pytest.mark.parametrize("name", ["gan", "auto"])
def test_a_package_cannot_take_a_name_that_is_built_in_or_reserved(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    write_package(tmp_path, "takers", "Engine = None", {"augmentai.engines": {name: "takers:Engine"}})
    with installed(tmp_path):
        assert registry.names("engines") == tuple(BUILT_IN)
        assert registry.registered("engines")["gan"].package == ""
    assert f"the engine {name!r} of the package takers 1.0 is ignored: that name is built in" in caplog.text


@pytest.mark.parametrize("name", ["my blur", "blur(1)", "blur,flip", "a/b"])
def test_a_name_that_no_flag_could_spell_is_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    write_package(tmp_path, "odd", "Blur = None", {"augmentai.operations": {name: "odd:Blur", "Blur-2": "odd:Blur"}})
    with installed(tmp_path):
        assert name not in registry.names("operations")
        assert "Blur-2" in registry.names("operations")
    why = "a name has letters, digits and . _ - only"
    assert f"the operation {name!r} of the package odd 1.0 is ignored: {why}" in caplog.text


def test_of_two_packages_with_one_name_the_first_gets_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for package in ("second", "first"):
        write_package(tmp_path, package, "Engine = None", {"augmentai.engines": {"mine": f"{package}:Engine"}})
    with installed(tmp_path):
        assert registry.registered("engines")["mine"].package == "first 1.0"
    assert "the engine 'mine' of the package second 1.0 is ignored: the package first 1.0 has that name" in caplog.text


def test_a_package_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    write_package(tmp_path, "broken", "raise OSError('no driver')", {"augmentai.engines": {"mine": "broken:Engine"}})
    with installed(tmp_path):
        assert "mine" in registry.names("engines")
        with pytest.raises(registry.RegistryError) as caught:
            registry.find("engines", "mine")
    assert str(caught.value) == (
        "the engine 'mine' of the package broken 1.0 cannot be loaded (OSError: no driver); reinstall or remove that "
        "package"
    )
