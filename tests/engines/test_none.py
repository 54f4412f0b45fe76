"""No engine: geometry and operations alone, marked as what they are."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai import augment
from augmentai.dataset.readers.gather import gather
from augmentai.engines import available
from augmentai.images import decode
from augmentai.pipeline.job import Job, limits
from augmentai.recipe import Recipe, RecipeError
from augmentai.settings import EXAMPLES, Settings
from augmentai.types import Source
from tests.support.command_line import augmentai, manifest_lines
from tests.support.image_files import colours, encoded, png_16_bit_colour
from tests.support.labelled_sets import write, yolo
from tests.support.plugin_package import installed, write_operations

TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def photo(name: str = "coffee.png") -> bytes:
    with Image.open(EXAMPLES / name) as opened:
        return encoded(opened.convert("RGB").resize((240, 160)))


def job_of(inputs: list[Any], **recipe: Any) -> Job:
    settings = Settings()
    asked = Recipe(**{"engine": "none", "seed": 3, "geometry": "none", **recipe})
    return Job(gather(inputs, limits(settings)), asked, settings, available(settings))


@pytest.fixture
def borrowing(tmp_path: Path) -> Iterator[None]:
    """The package with the operation `stamp`, which borrows."""
    with installed(write_operations(tmp_path / "site")):
        yield


def test_operations_alone_make_the_variation() -> None:
    (outcome,) = job_of([Source.from_bytes("a.png", photo())], operations=["flip(probability=1)"]).run()
    made = outcome.variation
    assert made is not None, outcome.reason
    with Image.open(io.BytesIO(photo())) as source:
        np.testing.assert_array_equal(np.asarray(made.image), np.asarray(source)[:, ::-1])
    assert (made.engine, made.model, made.strength, outcome.fallbacks) == ("none", "", 0.0, ())
    assert [one["name"] for one in made.details["operations"]] == ["flip"]


def test_the_file_says_that_no_ai_made_it() -> None:
    (outcome,) = job_of([Source.from_bytes("a.png", photo())], geometry="light").run()
    assert outcome.variation is not None
    assert f"{TYPE}algorithmicallyEnhanced<".encode() in outcome.variation.data
    assert b"Variation by AugmentAI, made without AI, seed " in outcome.variation.data
    assert b"AI-made" not in outcome.variation.data
    assert b"rainedAlgorithmicMedia" not in outcome.variation.data


@pytest.mark.usefixtures("borrowing")
def test_what_borrows_is_a_composite(tmp_path: Path) -> None:
    outcomes = list(job_of([write(tmp_path / "set", yolo())], operations=["stamp", "crop"], filters=False).run())
    marks = {
        "stamp" in json.dumps(o.variation.details): f"{TYPE}composite<".encode() in o.variation.data
        for o in outcomes
        if o.variation
    }
    assert marks == {True: True} or marks == {True: True, False: False}


@pytest.mark.parametrize("relit", [True, False])
def test_what_the_gan_has_relit_is_ai_made(relit: bool) -> None:
    """By an operation, though no engine painted it."""
    step = {"background": {"ground": "plain", "harmonise": relit}}
    (outcome,) = job_of([Source.from_bytes("a.png", photo())], operations=[step], filters=False).run()
    assert outcome.variation is not None
    assert outcome.variation.details["operations"]
    written = outcome.variation.data
    assert (f"{TYPE}compositeWithTrainedAlgorithmicMedia<".encode() in written) is relit
    assert (b"AI-made variation by AugmentAI, light of its objects by a network, seed " in written) is relit


def test_sixteen_bits_stay_sixteen() -> None:
    deep = np.asarray(colours((96, 64))).astype(np.uint16) * 200 + np.arange(96, dtype=np.uint16)[None, :, None]
    source = Source.from_bytes("a.png", png_16_bit_colour(deep))
    (outcome,) = job_of([source], operations=["flip(probability=1)"], filters=False).run()
    assert outcome.variation is not None, outcome.reason
    fine = decode(outcome.variation.data, "a.png", 10**6).fine
    np.testing.assert_array_equal(fine, deep[:, ::-1])


class TestFilters:
    def test_an_unchanged_copy_is_made_again_with_another_seed(self) -> None:
        """Half of the variations are not flipped; a copy of the source would be of no use."""
        sources = [Source.from_bytes(f"{n}.png", encoded(colours((96, 64), seed=n))) for n in range(12)]
        outcomes = list(job_of(sources, operations=["flip"]).run())
        assert sum(outcome.ok for outcome in outcomes) >= 9
        assert all(outcome.variation.details["operations"] for outcome in outcomes if outcome.variation)
        assert {one.filter for outcome in outcomes for one in outcome.rejections} == {"near_copy"}

    def test_two_variations_are_not_the_same(self) -> None:
        job = job_of([Source.from_bytes("a.png", photo())], operations=["flip(probability=1)"], variations=3)
        outcomes = list(job.run())
        assert [outcome.ok for outcome in outcomes] == [True, False, False]
        assert "there is only 1 different variation of this image" in outcomes[1].reason
        assert outcomes[1].rejections[-1].reason.startswith("near-duplicate of variation 1")

    def test_moderate_moves_pass(self) -> None:
        job = job_of([Source.from_bytes("a.png", photo())], geometry="light", operations=["rotate"], variations=6)
        assert all(outcome.ok for outcome in job.run())

    def test_a_strength_changes_nothing_and_is_said_to_be_unused(self) -> None:
        source = Source.from_bytes("a.png", photo())
        made = [
            next(iter(job_of([source], operations=["rotate"], strength=strength).run())).variation
            for strength in ("auto", 0.9)
        ]
        assert made[0] is not None
        assert made[1] is not None
        assert made[0].data == made[1].data
        (engine,) = [one for one in available(Settings()) if one.name == "none"]
        assert engine.unused_settings(Recipe(engine="none", strength=0.9, operations=["flip"])) == (
            "the strength is not used without an engine",
        )


class TestNothingToDo:
    @pytest.mark.parametrize("geometry", ["auto", "none"])
    def test_is_refused_before_the_run(self, geometry: str) -> None:
        with pytest.raises(RecipeError, match="nothing would change; add operations such as flip"):
            job_of([Source.from_bytes("a.png", photo())], geometry=geometry)

    @pytest.mark.parametrize(
        ("operations", "which"),
        [
            (["rain(probability=0)"], r"rain\(probability=0\) changes nothing"),
            (["rain(strength=0)"], r"rain\(strength=0..0\) changes nothing"),
            (["crop(scale=1)", "copy_paste(probability=0)"], r"copy_paste\(probability=0\) change nothing"),
        ],
    )
    def test_operations_that_change_nothing_are_none(self, operations: list[str], which: str) -> None:
        sources = [Source.from_bytes("a.png", photo())]
        with pytest.raises(RecipeError, match=which):
            job_of(sources, operations=operations)
        job = job_of(sources, operations=[*operations, "flip"])  # beside another one they are named
        assert any("nothing with these parameters" in notice for notice in job.plan.notices)
        (outcome,) = job.run()
        assert outcome.ok

    def test_in_python(self) -> None:
        with pytest.raises(RecipeError, match="engine is none, and neither operations nor geometry are given"):
            list(augment([Image.new("RGB", (32, 32))], engine="none"))
        (outcome,) = augment([colours((64, 48))], engine="none", operations=["flip(probability=1)"])
        assert outcome.ok

    def test_on_the_command_line(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_bytes(photo())
        refused = augmentai(tmp_path / "a.png", "-o", tmp_path / "out", "-e", "none")
        assert refused.returncode == 2
        assert "neither operations nor geometry are given" in refused.stderr
        assert not (tmp_path / "out").exists()
        done = augmentai(tmp_path / "a.png", "-o", tmp_path / "out", "-e", "none", "-O", "crop(scale=0.5..0.8)")
        assert done.returncode == 0, done.stderr
        (line,) = manifest_lines(tmp_path / "out")
        assert (line["engine"], line["strength"]) == ("none", 0.0)
        assert "no model" not in done.stderr
        replayed = augmentai("replay", tmp_path / "out")
        assert replayed.returncode == 0, replayed.stderr
        assert "1 of 1 files are identical" in replayed.stderr + replayed.stdout


def test_auto_never_chooses_it() -> None:
    (engine,) = [one for one in available(Settings()) if one.name == "none"]
    assert not engine.serves("auto")
    assert engine.readiness().ready
