"""`recipe.yaml`: what a run was asked to do, read and written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from augmentai.dataset.run_record import NotARunError, RunRecord, build_record, differences, read_record
from augmentai.recipe import Recipe, RecipeError
from augmentai.types import Source
from tests.support.image_files import png

RECIPE = Recipe(seed=5, engine="gan", variations=2, strength=0.7, prompt="x: [y]", negative_prompt="#ねこ\n")


def test_a_record_reads_back_as_it_was(tmp_path: Path) -> None:
    sources = [Source.from_bytes("cats/a.png", png(), "cats")]
    record = build_record(RECIPE, sources, {"gan": "weights 1"}, [tmp_path / "photos"], tmp_path / "out")
    assert record.inputs == ("../photos",)
    assert read_record(record.to_yaml(), "here") == record
    content = yaml.safe_load(record.to_yaml())
    assert content["recipe"]["seed"] == 5
    assert content["sources"]["count"] == 1
    assert set(content["versions"]) >= {"augmentai", "python", "torch", "pillow", "numpy"}


def test_the_digest_of_sources_depends_on_content_alone() -> None:
    one = [Source.from_bytes(f"{i}.png", png(seed=i)) for i in range(3)]
    two = [replace(source, path="moved/" + source.path) for source in reversed(one)]
    first, second = (build_record(RECIPE, given, {}) for given in (one, two))
    assert first.sources_sha256 == second.sources_sha256
    assert first.places_sha256 != second.places_sha256


def test_a_record_reveals_nothing_about_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    inputs = [Path("/home/someone/private/photos"), Path("/mnt/other/photos.zip")]
    record = build_record(RECIPE, [], {}, inputs, Path("/data/runs/out"))
    assert record.inputs == ("photos", "photos.zip")
    assert "someone" not in record.to_yaml()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no settings"),
        ("[1, 2]", "has no settings"),
        ("a: [", "is not valid YAML"),
        ("recipe: 1", "has no `recipe`"),
        ("recipe: {strength: 9}\nsources: {count: 1}", "strength is 9; expected a number from 0 to 1"),
        ("recipe: {future: 9}\nsources: {count: 1}", "unknown setting future; valid settings: prompt"),
        ("recipe: !!python/object/apply:os.system [echo]\nsources: {}", "is not valid YAML"),
    ],
)
def test_a_record_that_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said) as caught:
        read_record(text, "out/recipe.yaml")
    assert str(caught.value).startswith("out/recipe.yaml")


# As version 0.2.0 wrote it: without the fields and settings that came later.
OF_VERSION_0_2 = """# A run of AugmentAI. The same command goes on with it where it was stopped;
# `python -m augmentai replay` makes the same pictures again.
recipe: {prompt: '', strength: 0.7, variations: 2, engine: gan, seed: 5, geometry: none}
geometry: none
rounds: 2
sources: {count: 6, sha256: abc, places_sha256: def, labels_sha256: '', inputs: [../given]}
models: {gan: weights sha256 123}
versions: {augmentai: 0.2.0, pillow: 11.0.0}
"""


def test_a_record_of_an_earlier_version() -> None:
    record = read_record(OF_VERSION_0_2, "recipe.yaml")
    assert record == RunRecord(
        Recipe(strength=0.7, variations=2, engine="gan", seed=5, geometry="none"),
        source_count=6,
        sources_sha256="abc",
        places_sha256="def",
        labels_sha256="",
        inputs=("../given",),
        retry_round=2,
        geometry="none",
        models={"gan": "weights sha256 123"},
        versions={"augmentai": "0.2.0", "pillow": "11.0.0"},
    )
    assert differences(record, record) == []
    assert read_record(record.to_yaml(), "recipe.yaml") == record


@pytest.mark.parametrize(
    "text",
    [
        "names: [cat]",
        "[1]",
        "a: [",
        "recipe: {}",
        "recipe: {}\nsources: {count: many}",
        "recipe: {}\nsources: {inputs: 5}",
        "recipe: {}\nsources: {}\nmodels: [gan]",
    ],
)
def test_a_recipe_file_of_somebody_else(text: str) -> None:
    with pytest.raises(NotARunError, match=r"^out/recipe\.yaml"):
        read_record(text, "out/recipe.yaml")


@pytest.mark.parametrize(
    ("setting", "missing"), [("engine: other_engine", "other_engine"), ("layout: other_format", "other_format")]
)
def test_a_run_whose_plugin_is_not_installed(setting: str, missing: str) -> None:
    """One message that names the file and what is missing; it is a run all the same."""
    with pytest.raises(RecipeError, match=missing) as caught:
        read_record(f"recipe: {{{setting}}}\nsources: {{count: 1}}", "out/recipe.yaml")
    assert str(caught.value).startswith("out/recipe.yaml: ")
    assert not isinstance(caught.value, NotARunError)
