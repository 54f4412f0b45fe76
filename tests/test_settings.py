"""Environment variables: what cannot be used is named, and a key is never shown."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from augmentai.settings import Settings, SettingsError, load_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUGMENTAI_MAX_MEGAPIXELS", "-1"),
        ("STABILITY_API_BASE", "not an address"),
        ("GRADIO_SERVER_PORT", "none"),
        ("AUGMENTAI_DIFFUSION_DEVICE", "tpu"),
    ],
)
def test_a_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()


def test_keys_are_stripped_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STABILITY_API_KEY", "  sk-secret-of-mine\n")
    settings = load_settings()
    assert settings.stability_api_key.get_secret_value() == "sk-secret-of-mine"
    assert "secret-of-mine" not in repr(settings) + str(settings)
    assert "secret-of-mine" not in str(settings.model_dump())
    with pytest.raises(Exception, match="frozen"):
        settings.max_files = 1  # type: ignore[misc]


def test_settings_of_a_workbench_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    from augmentai.web.jobs.deliveries import Deliveries
    from augmentai.web.server import launch_options

    monkeypatch.setenv("PROXY_PREFIX", "/projects/augmentai")
    page = SimpleNamespace(deliveries=Deliveries())
    options = launch_options(load_settings(), page)
    assert (options["root_path"], options["server_name"]) == ("/projects/augmentai", "0.0.0.0")
    assert launch_options(Settings(), page)["max_file_size"] > 0
    assert Path(options["css_paths"][0]).exists()


def test_host_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUGMENTAI_HOSTS", " Augment.example.org, *.lab.example.org,192.168.1.10 ,,fd00::5")
    assert load_settings().hosts == ("augment.example.org", "*.lab.example.org", "192.168.1.10", "fd00::5")


@pytest.mark.parametrize("value", ["*", "https://augment.example.org", "augment.example.org:8080", "a b", "x/y", "*."])
def test_what_is_not_a_host_name_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("AUGMENTAI_HOSTS", value)
    with pytest.raises(SettingsError, match="AUGMENTAI_HOSTS"):
        load_settings()
