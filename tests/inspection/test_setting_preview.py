"""A preview shows what a run makes: the same strength, styles and moves, small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.engines.gan import GanEngine
from augmentai.engines.none import NoEngine
from augmentai.inspection.reduced_set import reduce_set
from augmentai.inspection.setting_preview import SettingPreview, operations_alone
from augmentai.pipeline.job import Job, limits
from augmentai.recipe import Recipe, RecipeError
from augmentai.settings import EXAMPLES, Settings

MOST_PIXELS = 10**8


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Gathered:
    """Two classes of three photographs."""
    folder = tmp_path_factory.mktemp("photos")
    for number, path in enumerate(sorted(EXAMPLES.glob("*.jpg"))[:6]):
        target = folder / ("even", "odd")[number % 2] / path.name
        target.parent.mkdir(exist_ok=True)
        image = Image.open(path)
        image.thumbnail((640, 640))
        image.save(target, quality=92)
    return gather([folder], limits(Settings()))


def test_the_first_variation_is_that_of_a_run(gathered: Gathered) -> None:
    recipe = Recipe(seed=7, variations=1, geometry="light", filters=False, operations=["exposure"])
    preview = SettingPreview(reduce_set(gathered, MOST_PIXELS), GanEngine(Settings()))
    picture = preview.reduced.pictures[0]
    (shown,) = preview.variations(picture, recipe)
    made = next(
        outcome.variation
        for outcome in Job(gathered, replace(recipe, engine="gan"), Settings(), [GanEngine(Settings())]).run()
        if outcome.source.path == picture.source.path
    )
    assert made is not None
    assert preview.strength(picture, recipe) == made.strength
    assert shown.image is not None
    one, other = (
        np.asarray(image.resize((32, 24), Image.Resampling.BOX), float) for image in (made.image, shown.image)
    )
    assert np.abs(one - other).mean() < 2


def test_strengths_have_the_one_in_use_among_them(gathered: Gathered) -> None:
    preview = SettingPreview(reduce_set(gathered, MOST_PIXELS, most=1), GanEngine(Settings()))
    shown = preview.strengths(preview.reduced.pictures[0], Recipe(strength=0.55))
    assert [one.title for one in shown] == [f"Strength {one}" for one in ("0.2", "0.4", "0.55", "0.8", "1")]
    assert len({one.image.tobytes() for one in shown if one.image}) == 5


def test_what_needs_other_images_is_left_out(gathered: Gathered) -> None:
    picture = reduce_set(gathered, MOST_PIXELS, most=1).pictures[0]
    recipe = Recipe(operations=["mosaic", "copy_paste", {"noise": {"probability": 0.0}}, "background(ground=plain)"])
    assert [one.title for one in operations_alone(picture, recipe)] == ["Sensor noise", "New background"]


def test_a_recipe_that_changes_nothing_says_so(gathered: Gathered) -> None:
    preview = SettingPreview(reduce_set(gathered, MOST_PIXELS, most=1), NoEngine(Settings()))
    with pytest.raises(RecipeError, match="nothing would change"):
        preview.variations(preview.reduced.pictures[0], Recipe(engine="none", operations=["mosaic"]))


def test_labels_move_with_the_pixels(tmp_path: Path) -> None:
    Image.effect_noise((64, 48), 60).convert("RGB").save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("0 0.25 0.5 0.25 0.5\n")
    (tmp_path / "classes.txt").write_text("cat\n")
    picture = reduce_set(gather([tmp_path], limits(Settings())), MOST_PIXELS).pictures[0]
    (flipped,) = operations_alone(picture, Recipe(operations=["flip"]))
    assert flipped.labels is not None
    assert flipped.labels.shapes[0].box == (40, 12, 56, 36)
