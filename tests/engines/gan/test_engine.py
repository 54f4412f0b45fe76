"""The local GAN as an engine: what a user sees of it, with the shipped weights on real photos."""

from __future__ import annotations

from pathlib import Path

from augmentai import Recipe, augment
from augmentai.settings import Settings
from tests.support.gan_jobs import PHOTOS, made, source


def test_neither_order_nor_company_of_other_recipes_matters() -> None:
    sources = [source(name, label="x") for name in PHOTOS]
    recipe = Recipe(variations=2, seed=9)
    forth, back = made(sources, recipe), made(sources[::-1], recipe)
    more = made(sources, Recipe(variations=4, seed=9))
    assert set(forth) == set(back) < set(more)
    for file, outcome in forth.items():
        assert outcome.variation is not None
        for others in (back, more):
            twin = others[file].variation
            assert twin is not None
            assert twin.data == outcome.variation.data


def test_missing_or_foreign_weights_are_said(tmp_path: Path) -> None:
    missing = Settings(gan_weights=tmp_path / "none.safetensors")
    (outcome,) = augment([source("chelsea.png")], Recipe(seed=1, engine="gan"), missing)
    assert "none.safetensors is not there" in outcome.reason
    (tmp_path / "bad.safetensors").write_bytes(b"hello")
    (outcome,) = augment([source("chelsea.png")], Recipe(seed=1), Settings(gan_weights=tmp_path / "bad.safetensors"))
    assert "not a readable safetensors file" in outcome.reason
