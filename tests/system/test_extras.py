"""What is said of an extra that is not installed."""

from __future__ import annotations

from importlib import metadata

import pytest

from augmentai.system import extras


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra `web` needs a package that nobody has."""
    monkeypatch.setitem(extras.MODULES, "web", ("no_such_package", "json"))


def test_no_message_if_everything_is_installed() -> None:
    assert [extras.missing(extra) for extra in extras.MODULES] == [""] * len(extras.MODULES)


def test_an_installed_package_names_the_requirements_of_the_extra(
    absent: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["torch>=2", "gradio<7,>=6.31; extra == 'web'", 'starlette>=0.46; extra == "web"', "a; extra == 'hub'"]
    monkeypatch.setattr(metadata, "requires", lambda name: lines)
    assert extras.missing("web") == (
        "no_such_package not installed (extra augmentai[web]); run pip install 'gradio<7,>=6.31' 'starlette>=0.46'"
    )


def test_a_checkout_names_its_requirements_file(absent: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    monkeypatch.setitem(extras.MODULES, "cutout", ("no_such_package",))
    assert extras.missing("web").endswith("; run pip install -r requirements.txt in the project's folder")
    assert extras.missing("cutout").endswith("; run pip install '.[cutout]' in the project's folder")
