"""What the README promises is what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from augmentai.settings import ROOT, Settings, SettingsError, load_settings, table

README = (ROOT / "README.md").read_text()


def test_settings_are_those_of_the_code() -> None:
    assert table() in README, "run `python -m augmentai.settings` and put its table into the README"


@pytest.mark.parametrize("page", ["README.md", "weights/README.md"])
def test_links_and_pictures_exist(page: str) -> None:
    text = (ROOT / page).read_text()
    for place in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / page).parent.joinpath(place).exists(), place
    assert not re.search(r"@[A-Z]+@", text), "a place that was never filled in"


def test_model_card_is_of_these_weights() -> None:
    from augmentai.gan.weights_file import load
    from augmentai.settings import DEFAULT_WEIGHTS

    card = DEFAULT_WEIGHTS.with_name("README.md").read_text()
    assert f"{int(load(DEFAULT_WEIGHTS).metadata['steps']):,}" in card
    assert DEFAULT_WEIGHTS.with_name("train_log.jsonl").exists()


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:^|`)make (\w+)", README, re.M)):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_every_example_photo_has_its_licence() -> None:
    licences = (ROOT / "examples" / "LICENCES.txt").read_text()
    photos = [p for p in (ROOT / "examples").iterdir() if p.suffix in {".jpg", ".png"}]
    assert len(photos) >= 6
    assert all(photo.name in licences for photo in photos)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUGMENTAI_MAX_MEGAPIXELS", "-1"),
        ("STABILITY_API_BASE", "not an address"),
        ("GRADIO_SERVER_PORT", "none"),
        ("AUGMENTAI_DEVICE", "tpu"),
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
    from augmentai.web.server import launch_options

    monkeypatch.setenv("PROXY_PREFIX", "/projects/augmentai")
    options = launch_options(load_settings(), None)
    assert (options["root_path"], options["server_name"]) == ("/projects/augmentai", "0.0.0.0")
    assert launch_options(Settings(), None)["max_file_size"] > 0
    assert Path(options["css_paths"][0]).exists()
