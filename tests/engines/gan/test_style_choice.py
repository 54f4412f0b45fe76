"""Which style a variation of the local GAN is painted in."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from augmentai import Recipe, Source, augment
from augmentai.gan import weights_file as store
from augmentai.settings import DEFAULT_WEIGHTS, Settings
from tests.support.gan_jobs import PHOTOS, distance, made, pixels, source


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


def test_a_twin_lends_no_style() -> None:
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
