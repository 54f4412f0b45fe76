"""The Python API: `augment` yields variations, `run` writes a set, `Augmenter` augments one image after another."""

from __future__ import annotations

import difflib
import os
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Self

from augmentai.dataset.readers.python_inputs import to_inputs
from augmentai.recipe import Recipe
from augmentai.settings import Settings, load_settings
from augmentai.storage import Place
from augmentai.storage.places import from_home, to_place
from augmentai.types import Outcome, Source, Variation

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.dataset.lift_file import LiftFile
    from augmentai.lift.report import LiftReport
    from augmentai.pipeline.job import Job
    from augmentai.pipeline.plan import RunPlan


class AugmentError(RuntimeError):
    """No variation of an image could be made; the message says why."""


def augment(
    inputs: Any, recipe: Recipe | None = None, settings: Settings | None = None, **recipe_fields: Any
) -> Augmentation:
    """Make variations, one after the other.

    Args:
        inputs: one or several paths or URLs (files, folders, ZIPs; `s3://bucket/set`), PIL images, NumPy arrays (H, W)
            or (H, W, C), encoded image bytes, torch tensors (C, H, W), `(image, label)` pairs, `Source` objects, a
            `datasets.Dataset`, or a torch `Dataset`. Class folders and labelled datasets are recognised.
        recipe: what to make; `Recipe()` by default.
        settings: limits, keys and models; read from the environment by default.
        **recipe_fields: fields of `Recipe` in place of, or on top of, `recipe`: `variations=4, strength=0.5`.

    Returns:
        An iterator over outcomes as they finish. Its length is the number of variations to expect. An outcome unpacks
        into its image and its label, so `for image, label in augment(...)` works.

    Raises:
        TypeError: `inputs` holds something that is not an image, or a keyword is not a field of `Recipe`.
        RecipeError: a field has a value that cannot be used; or, while iterating, the set does not allow the recipe.
        SettingsError: the environment holds a setting that cannot be used.
        StorageError: the driver of a URL is not installed.

    A file that cannot be read never raises: it comes out as an outcome that is not `ok` and says why.

    Example:
        >>> import numpy as np
        >>> photo = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        >>> for image, label in augment([(photo, "cats")], engine="gan", seed=7, filters=False):
        ...     print(image.size, label)
        (64, 48) cats
    """
    return Augmentation(to_inputs(inputs), recipe_with(recipe, recipe_fields), settings or load_settings())


class Augmentation(Iterator[Outcome]):
    """Variations that are made while they are iterated over; see `augment`.

    `len()` is the number of variations there will be if nothing goes wrong. `plan` says what will be made, before
    anything is; `report` counts what was made. `stop()` ends it early, `close()` at once.
    """

    def __init__(self, inputs: list[Any], recipe: Recipe, settings: Settings) -> None:
        self._inputs, self._recipe, self._settings = inputs, recipe, settings
        self._stop = Event()

    @cached_property
    def _job(self) -> Job:
        """Made when first needed: reading a large set takes a while."""
        return _job(self._inputs, self._recipe, self._settings, self._stop)

    @cached_property
    def _outcomes(self) -> Generator[Outcome, None, None]:
        return self._job.run()

    @property
    def plan(self) -> RunPlan:
        """What will be made: sources, quotas, the price at most. Reads the inputs and makes nothing."""
        return self._job.plan

    @property
    def report(self) -> dict[str, Any]:
        """Counts, engines, seed, failures and notices so far, with the keys of the API's report."""
        return self._job.report.as_dict()

    def __len__(self) -> int:
        return self.plan.total

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Outcome:
        return next(self._outcomes)

    def pairs(self) -> Iterator[tuple[Image, str | None]]:
        """(image, label) of every variation that could be made; failures are skipped, and counted in `report`."""
        for outcome in self:
            if outcome.variation is not None:
                yield outcome.variation.image, outcome.source.label

    def stop(self) -> None:
        """Begin nothing new; what an engine has begun still comes out."""
        self._stop.set()

    def close(self) -> None:
        """End at once. Unfinished images are dropped."""
        self._outcomes.close()


@dataclass(frozen=True)
class RunResult:
    """What `run` has written.

    Attributes:
        path: the folder or ZIP; a `Store`, whose `url` says where it is, if `out` was a URL.
        report: counts, engines, seed, failures and notices, with the keys of the API's report.
    """

    path: Place
    report: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether everything that was asked for is there."""
        return not (self.report["failed"] or self.report["stopped"])


def run(
    inputs: Any,
    out: str | os.PathLike[str],
    recipe: Recipe | None = None,
    settings: Settings | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
    lift: LiftReport | str | os.PathLike[str] | None = None,
    **recipe_fields: Any,
) -> RunResult:
    """Write a larger dataset: variations, labels, originals, manifest and recipe. Resumes an interrupted run.

    Args:
        inputs: what to augment; see `augment`.
        out: a new or empty folder, by path or URL, a new .zip file, or the folder of an interrupted run of the same
            inputs and recipe.
        recipe, settings, **recipe_fields: see `augment`.
        on_outcome: called with each outcome once it is on disk, for a progress bar.
        lift: what was measured on this set, or the JSON file of it, for the dataset card and the report.

    Returns:
        Where it was written, and the report.

    Raises:
        TypeError, RecipeError, SettingsError: see `augment`.
        LiftFileError: `lift` is not a measurement.
        OutputError: the output cannot be written, or holds something else. What was finished before stays.

    Example:
        >>> import tempfile, numpy as np
        >>> photo = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result = run([(photo, "cats")], f"{folder}/larger", engine="gan", seed=7, filters=False)
        ...     sorted(path.name for path in (result.path / "cats").iterdir())
        ['image_000001.png', 'image_000001__v1.png']
    """
    from augmentai.engines import available
    from augmentai.pipeline.resolve import resolve_run
    from augmentai.pipeline.run_to_place import run_to_place

    path = to_place(out)
    items = to_inputs(inputs)
    settings = settings or load_settings()
    engines = available(settings)
    resolved = resolve_run(path, recipe_with(recipe, recipe_fields), engines)
    job = _job(items, resolved, settings, Event(), path, engines, _lift_file(lift))
    for outcome in run_to_place(job, path, [to_place(item) for item in items if not isinstance(item, Source)]):
        if on_outcome is not None:
            on_outcome(outcome)
    return RunResult(path, job.report.as_dict())


class Augmenter:
    """Augments one image after another; models are loaded once. Use it as a transform.

    Args:
        recipe: what to make; `Recipe()` by default.
        settings: limits, keys and models; read from the environment by default.
        **recipe_fields: see `augment`.

    Raises:
        TypeError, RecipeError, SettingsError: see `augment`.

    Example:
        >>> import numpy as np
        >>> augmenter = Augmenter(variations=2, seed=7, engine="gan", filters=False)
        >>> photo = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        >>> [variation.image.size for variation in augmenter(photo, label="cats")]
        [(64, 48), (64, 48)]
    """

    def __init__(self, recipe: Recipe | None = None, settings: Settings | None = None, **recipe_fields: Any) -> None:
        from augmentai.engines import available

        self.recipe = recipe_with(recipe, recipe_fields).with_seed()
        self._own_settings = settings
        self._settings = settings or load_settings()
        self._engines = available(self._settings)

    def __getstate__(self) -> dict[str, Any]:
        """For pickling, as loaders with worker processes do: without engines, which hold models, and without settings
        from the environment, which hold keys; the other process has its own."""
        return {"recipe": self.recipe, "_own_settings": self._own_settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from augmentai.engines import available

        self.__dict__.update(state)
        self._settings = self._own_settings or load_settings()
        self._engines = available(self._settings)

    def __call__(self, image: Any, label: str | int | None = None) -> list[Variation]:
        """Variations of one image: the same ones at each call, since the seed stays.

        Args:
            image: one image, or the path of one; see `augment`. A PIL image is used as it is in memory: turn a photo
                upright first if its EXIF asks for it.
            label: its class, in words or as a number.

        Returns:
            At most `recipe.variations` of them: those that filters reject in every attempt are missing.

        Raises:
            TypeError: this is not one image.
            AugmentError: nothing could be made of it.
        """
        if isinstance(image, str | os.PathLike) and Path(image).expanduser().is_dir():
            raise TypeError(f"{image} is a folder; expected one image (augment takes folders)")
        items = to_inputs([image] if label is None else [(image, label)])
        job = _job(items, self.recipe, self._settings, Event(), engines=self._engines)
        outcomes = list(job.run())
        made = [outcome.variation for outcome in outcomes if outcome.variation is not None]
        if not made:
            raise AugmentError("; ".join(dict.fromkeys(outcome.reason for outcome in outcomes)) or "there is no image")
        return made


def _job(
    items: Iterable[Any],
    recipe: Recipe,
    settings: Settings,
    stop: Event,
    skip: Place | None = None,
    engines: Any = None,
    lift: LiftFile | None = None,
) -> Job:
    from augmentai.dataset.readers.gather import gather
    from augmentai.engines import available
    from augmentai.pipeline.job import Job, limits

    gathered = gather(items, limits(settings), skip=skip, layout=recipe.layout)
    if notices := gathered.unread_labels.notices():
        warnings.warn("; ".join(notices), stacklevel=3)
    return Job(gathered, recipe, settings, available(settings) if engines is None else engines, stop, lift=lift)


def _lift_file(lift: LiftReport | str | os.PathLike[str] | None) -> LiftFile | None:
    from augmentai.dataset.lift_file import LiftFile

    if lift is None:
        return None
    return LiftFile.read(Path(from_home(lift))) if isinstance(lift, str | os.PathLike) else LiftFile.of(lift.as_dict())


def recipe_with(recipe: Recipe | None, changed: dict[str, Any]) -> Recipe:
    """The recipe with these fields changed. Raises TypeError for a keyword that is not one of its fields."""
    if recipe is not None and not isinstance(recipe, Recipe):
        raise TypeError(f"recipe is {type(recipe).__name__}; expected a Recipe, or its fields as keywords")
    known = [field.name for field in fields(Recipe)]
    for name in changed:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]}?" if close else f"; the fields are {', '.join(known)}"
            raise TypeError(f"{name!r} is not a field of Recipe{hint}")
    return replace(recipe or Recipe(), **changed)
