"""The settings of the page, saved as a file and loaded again."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import yaml

from augmentai.dataset.recipe_file import load_recipe
from augmentai.web.form import as_form
from augmentai.web.recipe_files import as_settings, saved


def test_saved_settings_with_operations_are_loaded(tmp_path: Path) -> None:
    link = saved({"operations": ["flip", "crop(scale=0.5..1)"], "seed": 7})
    (data,) = re.findall(r'base64,([^"]+)', link)
    file = tmp_path / "recipe.yaml"
    file.write_bytes(base64.b64decode(data))
    assert yaml.safe_load(file.read_text())["recipe"]["operations"] == ["flip", {"crop": {"scale": [0.5, 1.0]}}]
    fields, said = as_settings(load_recipe(file), {"operations", "seed"})
    assert as_form(fields)["operations"] == ["flip", "crop(scale=0.5..1)"]
    assert "Settings loaded" in said


def test_settings_that_cannot_be_used_are_not_saved() -> None:
    assert saved({"operations": ["crop(scale=7)"]}) == ""
