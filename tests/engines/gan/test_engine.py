"""The local GAN as an engine: what a user sees of it, with the shipped weights on real photos."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augmentai import Outcome, Recipe, Source, augment
from augmentai.gan import weights_file as store
from augmentai.settings import DEFAULT_WEIGHTS, EXAMPLES, Settings

PHOTOS = ("chelsea.png", "china.jpg", "coffee.png", "flower.jpg", "rocket.jpg")


def source(name: str, label: str | None = None, side: int = 160) -> Source:
    with Image.open(EXAMPLES / name) as photo:
        small = photo.convert("RGB")
        small.thumbnail((side, side))
        buffer = io.BytesIO()
        small.save(buffer, "PNG")
    path = f"{label}/{Path(name).stem}.png" if label else f"{Path(name).stem}.png"
    return Source.from_bytes(path, buffer.getvalue(), label)


def made(sources: list[Source], recipe: Recipe, settings: Settings | None = None) -> dict[str, Outcome]:
    outcomes = list(augment(sources, recipe, settings or Settings()))
    assert all(outcome.ok for outcome in outcomes), [outcome.reason for outcome in outcomes]
    return {outcome.variation.file: outcome for outcome in outcomes if outcome.variation}


def pixels(outcome: Outcome) -> np.ndarray:  # type: ignore[type-arg]
    assert outcome.variation is not None
    return np.asarray(outcome.variation.image.convert("RGB"), np.float32)


def distance(a: np.ndarray, b: np.ndarray) -> float:  # type: ignore[type-arg]
    return float(np.abs(a - b).mean())


@pytest.mark.parametrize("name", PHOTOS)
def test_strength_is_monotone_and_nought_is_the_source(name: str) -> None:
    photo = source(name)
    own = np.asarray(Image.open(io.BytesIO(photo.read())).convert("RGB"), np.float32)
    moved = []
    for strength in (0.0, 0.2, 0.4, 0.7, 1.0):
        (outcome,) = made([photo], Recipe(seed=5, strength=strength, output_format="png")).values()
        moved.append(distance(pixels(outcome), own))
    assert moved[0] == 0
    assert moved == sorted(moved)
    assert moved[2] > 3, "the default strength hardly changes the photo"


@pytest.mark.parametrize("name", PHOTOS)
def test_variations_of_one_photo_differ_from_each_other(name: str) -> None:
    pictures = [pixels(o) for o in made([source(name)], Recipe(variations=8, seed=5, strength=1.0)).values()]
    apart = [distance(a, b) for i, a in enumerate(pictures) for b in pictures[:i]]
    assert min(apart) > 1
    assert float(np.mean(apart)) > 8


@pytest.mark.parametrize("name", PHOTOS)
def test_edges_stay_where_they_are(name: str) -> None:
    """Labels are true only if nothing moves: brightness steps of source and variation go together."""
    photo = source(name)
    own = np.asarray(Image.open(io.BytesIO(photo.read())).convert("L"), np.float32)
    for outcome in made([photo], Recipe(variations=4, seed=5, strength=1.0)).values():
        assert outcome.variation is not None
        new = np.asarray(outcome.variation.image.convert("L"), np.float32)
        for axis in (0, 1):
            together = np.corrcoef(np.diff(own, axis=axis).ravel(), np.diff(new, axis=axis).ravel())[0, 1]
            assert together > 0.8


def test_donors_are_of_the_same_class_and_of_the_bank_in_turn() -> None:
    sources = [source(name, label="a", side=120 + i) for i, name in enumerate(PHOTOS * 2)]
    sources += [source(name, label="b", side=140 + i) for i, name in enumerate(PHOTOS * 2)]
    for outcome in made(sources, Recipe(variations=2, seed=5)).values():
        assert outcome.variation is not None
        donor = str(outcome.variation.details["donor"])
        assert donor.startswith(f"{outcome.source.label}/" if outcome.index == 1 else "bank ")
        assert f" {'b' if outcome.source.label == 'a' else 'a'}/" not in donor


def test_a_lone_photo_borrows_from_the_bank() -> None:
    (outcome,) = made([source("chelsea.png")], Recipe(seed=5)).values()
    assert outcome.variation is not None
    assert str(outcome.variation.details["donor"]).startswith("bank ")


def test_one_donor_serves_many_variations(tmp_path: Path) -> None:
    """Each variation has a light of its own: even where all borrow the same look they are not alike."""
    shipped = store.load(DEFAULT_WEIGHTS)
    store.save(tmp_path / "one.safetensors", shipped.generator, shipped.bank[:1], shipped.metadata)
    settings = Settings(gan_weights=tmp_path / "one.safetensors")
    outcomes = made([source("china.jpg")], Recipe(variations=6, seed=5, strength=1.0), settings).values()
    assert {str(o.variation.details["donor"]) for o in outcomes if o.variation} == {"bank 0"}
    pictures = [pixels(outcome) for outcome in outcomes]
    assert min(distance(a, b) for i, a in enumerate(pictures) for b in pictures[:i]) > 3


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


def test_a_twin_lends_no_look() -> None:
    """The same picture in two files: each would be the other's donor, and nothing would change."""
    first = source("chelsea.png", label="x")
    with Image.open(io.BytesIO(first.read())) as photo:
        buffer = io.BytesIO()
        photo.save(buffer, "TIFF")
    twin = Source.from_bytes("x/twin.tif", buffer.getvalue(), "x")
    own = np.asarray(Image.open(io.BytesIO(first.read())).convert("RGB"), np.float32)
    for outcome in made([first, twin], Recipe(variations=12, seed=9, strength=1.0, output_format="png")).values():
        assert distance(pixels(outcome), own) > 3


def test_broken_donors_are_passed_over() -> None:
    good = [source(name, label="x") for name in PHOTOS]
    bad = [Source.from_bytes(f"x/bad{i}.png", b"no picture %d" % i, "x") for i in range(8)]
    outcomes = list(augment([*good, *bad], Recipe(seed=9), Settings()))
    assert sum(outcome.ok for outcome in outcomes) == len(good)
    assert not any("bad" in str(o.variation.details["donor"]) for o in outcomes if o.variation)


@pytest.mark.parametrize("size", [(16, 16), (8, 200), (333, 77), (1201, 30)])
def test_any_size_in_the_same_size_out(size: tuple[int, int]) -> None:
    buffer = io.BytesIO()
    with Image.open(EXAMPLES / "china.jpg") as photo:
        photo.resize(size).save(buffer, "PNG")
    (outcome,) = made([Source.from_bytes("a.png", buffer.getvalue())], Recipe(seed=1)).values()
    assert outcome.variation is not None
    assert outcome.variation.image.size == size


@pytest.mark.parametrize("colour", ["black", "white", "grey", "#c08030"])
def test_flat_pictures_stay_flat(colour: str) -> None:
    """Nothing is invented where there is nothing: a plain wall may change its shade, but gets no blobs."""
    buffer = io.BytesIO()
    Image.new("RGB", (200, 150), colour).save(buffer, "PNG")
    for outcome in made([Source.from_bytes("a.png", buffer.getvalue())], Recipe(variations=4, seed=1)).values():
        assert float(pixels(outcome).std(axis=(0, 1)).max()) < 4


def test_missing_or_foreign_weights_are_said(tmp_path: Path) -> None:
    missing = Settings(gan_weights=tmp_path / "none.safetensors")
    (outcome,) = augment([source("chelsea.png")], Recipe(seed=1, engine="gan"), missing)
    assert "none.safetensors is not there" in outcome.reason
    (tmp_path / "bad.safetensors").write_bytes(b"hello")
    (outcome,) = augment([source("chelsea.png")], Recipe(seed=1), Settings(gan_weights=tmp_path / "bad.safetensors"))
    assert "not a readable safetensors file" in outcome.reason
