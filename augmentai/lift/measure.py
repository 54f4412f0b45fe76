"""`measure`: is a model better with a recipe's variations than with as many flips and crops, on this very set?"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from augmentai.backbone import cached, load_backbone
from augmentai.lift.classification import Measurement
from augmentai.lift.labelled_set import read_set
from augmentai.lift.learners import FineTuning, Learner, LinearProbe
from augmentai.lift.measure_cells import measure_cells
from augmentai.lift.plan import BORROWED_PER_FOLD, OWN_VIEWS
from augmentai.lift.progress import OnProgress, Progress, ShouldStop
from augmentai.lift.report import LiftError, LiftReport
from augmentai.lift.variations import Maker, maker_of
from augmentai.lift.verdicts import verdicts
from augmentai.plurals import counted
from augmentai.recipe import Recipe
from augmentai.settings import Settings, load_settings
from augmentai.system.extras import missing

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
    on_cost: Callable[[str], None] | None = None,
) -> LiftReport:
    """Measure what recipes are worth on a set, each against as many flips and crops. Writes nothing.

    A frozen pretrained network looks at the images; a linear classifier is trained on what it sees (with `deep`, all
    of the network), once on 16 flipped and cropped views of each training image and once on 8 of them and 8 of its
    variations, and both are tested on images that neither they nor any engine has seen. `docs/lift.md` describes the
    protocol.

    Args:
        inputs: the set; what `augmentai.augment` takes.
        recipes: by name; by default 8 variations by the best engine that is free.
        test: images to test on: a folder or anything that `inputs` may be. By default the set's test images, else its
            validation images, else each image in turn by five folds.
        deep: train all layers of the network, five times for each arm, which is the better judgement and takes minutes
            on a GPU and an hour or more without one.
        seed: of everything that is drawn; 0 draws it as well.
        settings: limits, keys and models; read from the environment by default.
        on_progress: called with what is being done and the share of the work that is done, 0 to 1.
        should_stop: asked often; once it returns True, the measurement ends with LiftStoppedError.
        paid: recipes may spend credits, within the limits of the settings.
        on_cost: called before the work begins with what it costs, in words: the most that recipes which are not free
            may spend, and how long a deep measurement takes.

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
    started = time.monotonic()
    if reason := missing("lift"):
        raise LiftError(reason)
    settings = settings or load_settings()
    named, seed = _named(recipes), Recipe(seed=seed).with_seed().seed
    data = read_set(inputs, test, settings, _layout(named))
    makers = makers_of(named, settings, seed, paid, folds=data.split == "folds")
    if data.task != "classification":
        if deep:
            raise LiftError(f"{data.name}: of sets with boxes or masks there is the quick look alone; leave deep out")
        return measure_cells(data, makers, settings, seed, on_progress, should_stop, on_cost)
    with tempfile.TemporaryDirectory(prefix="augmentai-lift-") as folder:
        learner = _learner(deep, settings, Path(folder))
        measurement = Measurement(data, makers, learner, settings, seed, Path(folder))
        for words in measurement.prices():
            (on_cost or _ignore)(words)
        expected, seconds = measurement.expected(), {}
        if isinstance(learner, FineTuning):
            seconds[learner.work] = learner.seconds_per_step()
            (on_cost or _ignore)(_time(expected[learner.work], seconds[learner.work], learner.device))
        progress = Progress(expected, on_progress or _no_progress, should_stop or _never, seconds)
        look = measurement.run(progress)
    return LiftReport(
        set=data.name,
        task="classification",
        method=learner.method,
        split=data.split,
        classes=len(look.classes),
        pictures=len(look.labels),
        training=look.training,
        repeats=look.repeats,
        seed=seed,
        backbone=learner.backbone,
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


def _learner(deep: bool, settings: Settings, folder: Path) -> Learner:
    if not deep:
        return LinearProbe(cached(load_backbone(), settings), folder)
    import torch

    return FineTuning(folder, "cuda" if torch.cuda.is_available() else "cpu")


def _time(steps: int, seconds: float, device: str) -> str:
    """How long the trainings will take, in words."""
    where = "the GPU" if device == "cuda" else "the CPU"
    return f"training all layers: {steps:,} steps of {seconds:.1f} s on {where}, about {_minutes(steps * seconds)}"


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return counted(minutes, "minute") if minutes < 120 else f"{minutes / 60:.1f} hours"


def _ignore(words: str) -> None:
    """For callers that show none."""


def _no_progress(words: str, share: float) -> None:
    """For callers that show none."""


def _never() -> bool:
    return False
