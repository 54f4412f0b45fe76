"""Runs that are shared out among workers, from Python: plan, run the shards, ask how far they are, merge them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from augmentai.api.augmentation import recipe_with
from augmentai.cluster.executors import Resources, Where
from augmentai.cluster.launch import Launched, run_plan
from augmentai.cluster.merging import merge_plan
from augmentai.cluster.parts import Merged
from augmentai.cluster.plan_folder import PlanFolder
from augmentai.cluster.planning import SHARD_SIZE, Planned, make_plan
from augmentai.cluster.progress import Status, status_of
from augmentai.recipe import Recipe
from augmentai.settings import Settings, load_settings
from augmentai.storage import Place, local_path, open_store

Paths = str | os.PathLike[str]


def plan(
    inputs: Paths | list[Paths],
    url: Paths,
    recipe: Recipe | None = None,
    settings: Settings | None = None,
    shard_size: int = SHARD_SIZE,
    **recipe_fields: Any,
) -> Planned:
    """Plan a run that workers share: read the set once, decide what depends on all of it, and write that down.

    Args:
        inputs: images, folders or archives, each a path or a URL.
        url: the plan's folder: a path or a URL such as `s3://bucket/plan`; shards are written there as well.
        recipe: what to make; `Recipe()` by default.
        settings: limits, keys and models; read from the environment by default.
        shard_size: images per shard.
        **recipe_fields: fields of `Recipe` in place of, or on top of, `recipe`.

    Returns:
        The plan; one that is there already is left as it is.

    Raises:
        ClusterError: another run is planned there, or the extra `cluster` is not installed.
        RecipeError: the set does not allow the recipe.
        StorageError: the folder cannot be written.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     (Path(folder) / "set/cats").mkdir(parents=True)
        ...     Image.effect_noise((64, 48), 90).save(f"{folder}/set/cats/a.png")
        ...     _ = plan(f"{folder}/set", f"{folder}/plan", engine="none", operations=["flip(probability=1)"], seed=7)
        ...     print(run_shards(f"{folder}/plan").status.words)
        ...     _ = merge(f"{folder}/plan", f"{folder}/larger")
        ...     sorted(path.name for path in Path(folder, "larger/cats").iterdir())
        1 of 1 shards done; 1 of 1 variations
        ['a.png', 'a__v1.png']
    """
    named = inputs if isinstance(inputs, list) else [inputs]
    asked = recipe_with(recipe, recipe_fields)
    places: list[Place] = [Path(one) if local_path(one) is not None else open_store(one) for one in named]
    return make_plan(places, os.fspath(url), asked, settings or load_settings(), shard_size)


def run_shards(url: Paths, on: Where = "local", settings: Settings | None = None, **resources: Any) -> Launched:
    """Make the shards of a plan that are not complete; run it again for what is left.

    Args:
        url: the plan's folder.
        on: "local" (processes of this machine), "slurm", "ray" or "hf-jobs".
        settings: of this process, to know whether engines charge; workers read their own from the environment.
        **resources: what each worker gets; the fields of `Resources`: `workers=4`.

    Raises:
        ClusterError: the plan was changed, something is missing, or engines that charge would run in several workers.
        TypeError: a keyword is not a field of `Resources`.
    """
    return run_plan(os.fspath(url), on, Resources(**resources), settings)


def status(url: Paths) -> Status:
    """How far a plan is, from its files alone.

    Args:
        url: the plan's folder.

    Raises:
        ClusterError: there is no complete plan.
    """
    return status_of(PlanFolder(open_store(url)))


def merge(
    url: Paths,
    out: Paths,
    kind: str = "",
    settings: Settings | None = None,
    on_progress: Callable[[Merged], None] | None = None,
) -> Merged:
    """Turn the shards of a plan into one set.

    Args:
        url: the plan's folder.
        out: a new or empty folder, a new .zip file, or `hf://datasets/USER/NAME`.
        kind: "folder", "zip", "tar", "parquet" or "imagefolder"; by default what `out` looks like.
        settings: limits and keys; read from the environment by default.
        on_progress: called now and then.

    Returns:
        What was merged.

    Raises:
        ClusterError: a shard is not complete, or the plan or its set was changed.
        OutputError: the output cannot be written, or holds something else.
    """
    last = Merged(0, 0, 0)
    for last in merge_plan(os.fspath(url), os.fspath(out), kind, settings or load_settings()):
        if on_progress is not None:
            on_progress(last)
    return last
