"""`measure`: is a model better with a recipe's variations than with as many flips and crops, on this very set?"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from augmentai.backbone import cached, load_backbone
from augmentai.lift.classification import QuickLook
from augmentai.lift.labelled_set import read_set
from augmentai.lift.plan import BORROWED_PER_FOLD, OWN_VIEWS
from augmentai.lift.progress import OnProgress, Progress, ShouldStop
from augmentai.lift.report import LiftError, LiftReport
from augmentai.lift.variations import Maker, maker_of
from augmentai.lift.verdicts import verdicts
from augmentai.recipe import Recipe
from augmentai.settings import Settings, load_settings

DEFAULT_VARIATIONS = 8
DEFAULT_SEED = 1


def measure(
    inputs: Any,
    recipes: Mapping[str, Recipe] | Sequence[Recipe] | Recipe | None = None,
    test: Any = None,
    deep: bool = False,
    seed: int = DEFAULT_SEED,
    settings: Settings | None = None,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
    paid: bool = False,
    on_price: Callable[[str], None] | None = None,
) -> LiftReport:
    """Measure what recipes are worth on a set, each against as many flips and crops. Writes nothing.

    A frozen pretrained network looks at the images; a linear classifier is trained on what it sees, once on 16 flipped
    and cropped views of each training image and once on 8 of them and 8 of its variations, and both are tested on
    images that neither they nor any engine has seen. `docs/lift.md` describes the protocol.

    Args:
        inputs: the set; what `augmentai.augment` takes.
        recipes: by name; by default 8 variations by the best engine that is free.
        test: images to test on: a folder or anything that `inputs` may be. By default the set's test images, else its
            validation images, else each image in turn by five folds.
        deep: train all layers of the network over several seeds, which takes far longer and is the better judgement.
        seed: of everything that is drawn; 0 draws it as well.
        settings: limits, keys and models; read from the environment by default.
        on_progress: called with what is being done and the share of the work that is done, 0 to 1.
        should_stop: asked often; once it returns True, the measurement ends with LiftStoppedError.
        paid: recipes may spend credits, within the limits of the settings.
        on_price: called with what each recipe costs at most, before anything is spent; not for free ones.

    Returns:
        A verdict, a difference and its interval for each recipe, in the order asked.

    Raises:
        LiftError: nothing can be measured; the message says why.
        TypeError, RecipeError, SettingsError: see `augmentai.augment`.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> light = [(rng.integers(150, 255, (48, 48, 3), dtype=np.uint8), "light") for _ in range(4)]
        >>> dark = [(rng.integers(0, 100, (48, 48, 3), dtype=np.uint8), "dark") for _ in range(4)]
        >>> report = measure([*light, *dark], {"none": Recipe(engine="gan", strength=0, filters=False)})
        >>> report.split, report.pictures, report.recipes[0].verdict
        ('folds', 8, 'cannot tell')
    """
    if deep:
        raise LiftError("deep measurements are not available; leave deep out for the quick look")
    started = time.monotonic()
    settings = settings or load_settings()
    named, seed = _named(recipes), Recipe(seed=seed).with_seed().seed
    data = read_set(inputs, test, settings, _layout(named))
    makers = makers_of(named, settings, seed, paid, folds=data.split == "folds")
    backbone = cached(load_backbone(), settings)
    with tempfile.TemporaryDirectory(prefix="augmentai-lift-") as folder:
        quick = QuickLook(data, makers, backbone, settings, seed, Path(folder))
        for words in quick.prices():
            (on_price or _ignore)(words)
        progress = Progress(quick.expected(), on_progress or _no_progress, should_stop or _never)
        look = quick.run(progress)
    return LiftReport(
        set=data.name,
        task="classification",
        method="probe",
        split=data.split,
        classes=len(look.classes),
        pictures=len(look.labels),
        training=look.training,
        repeats=look.repeats,
        seed=seed,
        backbone=backbone.name,
        seconds=round(time.monotonic() - started, 1),
        recipes=verdicts(look, makers, seed),
        notes=look.notes,
    )


def makers_of(recipes: Mapping[str, Recipe], settings: Settings, seed: int, paid: bool, folds: bool) -> list[Maker]:
    """How each recipe is measured; see `maker_of`. What borrows is made anew for each fold, so there is less of it."""
    makers = [maker_of(name, recipe, settings, seed, paid, OWN_VIEWS) for name, recipe in recipes.items()]
    return [maker.at_most(BORROWED_PER_FOLD) if folds and maker.borrows else maker for maker in makers]


def _named(recipes: Mapping[str, Recipe] | Sequence[Recipe] | Recipe | None) -> dict[str, Recipe]:
    if recipes is None:
        return {"default": Recipe(variations=DEFAULT_VARIATIONS)}
    if isinstance(recipes, Recipe):
        return {"recipe": recipes}
    named = dict(recipes) if isinstance(recipes, Mapping) else {f"recipe {n}": one for n, one in enumerate(recipes, 1)}
    for name, recipe in named.items():
        if not isinstance(recipe, Recipe):
            raise TypeError(f"recipe {name} is {type(recipe).__name__}; expected a Recipe")
    if not named:
        raise LiftError("there is no recipe to measure; name one or more")
    return named


def _layout(recipes: Mapping[str, Recipe]) -> str:
    layouts = {recipe.layout for recipe in recipes.values()}
    if len(layouts) > 1:
        raise LiftError(f"the recipes read the set in several ways (layout {', '.join(sorted(layouts))}); use one")
    return layouts.pop()


def _ignore(words: str) -> None:
    """For callers that show none."""


def _no_progress(words: str, share: float) -> None:
    """For callers that show none."""


def _never() -> bool:
    return False
