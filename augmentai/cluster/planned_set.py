"""The set of a plan, listed again: by its names, labels and known hashes, without reading its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from augmentai.cluster.errors import ClusterError
from augmentai.cluster.listing import Listing
from augmentai.cluster.plan_folder import PlanFolder
from augmentai.cluster.unread import UnreadFiles
from augmentai.dataset.formats.base import Conversion
from augmentai.dataset.formats.folders import FolderLayout
from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.dataset.readers.streamed_set import StreamedSet, stream_set
from augmentai.dataset.run_record import RunRecord, build_record, differences
from augmentai.pipeline.job import limits
from augmentai.pipeline.split.make_split import with_split
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.storage import Place, Store, is_url, open_store


def planned_set(folder: PlanFolder, settings: Settings, unread: UnreadFiles) -> Gathered:
    """The set that a plan was made for.

    Args:
        folder: the plan.
        settings: limits on reading.
        unread: takes note of images that cannot be read later.

    Raises:
        ClusterError: it is another set now; the message says what differs.
    """
    facts, recipe = folder.facts, folder.record.recipe
    known = Listing(folder.store, any_version=True)
    found = gather(
        planned_inputs(folder), limits(settings), skip=place_of(folder.store), layout=recipe.layout, known=known
    )
    if split := facts["made_split"]:
        sources = [replace(one, split=split.get(f"{one.sha256}/{one.path}")) for one in found.sources]
        found = with_split(found, recipe, sources)
    conversions = facts["conversions"].items()
    found.layout.conversions.update({key == "True": _conversion(value) for key, value in conversions})
    before = folder.record
    now = build_record(before.recipe, found.sources, before.models, (), Path(), found.holdout, found.labels_sha256)
    check_planned(before, now)
    return unread.watched_set(found)


def streamed_set(folder: PlanFolder, settings: Settings) -> StreamedSet | None:
    """The set that a plan was made for in a table on disk; None if it has to be in memory.

    Args:
        folder: the plan.
        settings: limits on reading.
    """
    recipe = folder.record.recipe
    if not is_streamed(recipe):
        return None
    known = Listing(folder.store, any_version=True)
    return stream_set(planned_inputs(folder), limits(settings), place_of(folder.store), recipe.layout, known)


def is_streamed(recipe: Recipe) -> bool:
    """Whether a set of class folders needs not be in memory for a recipe."""
    return not recipe.make_split and FolderLayout().is_in(recipe.to)


def place_of(store: Store) -> Place:
    """Where a plan's folder is."""
    return Path(store.root) if store.is_local else store


def planned_inputs(folder: PlanFolder) -> list[Place]:
    """The files, folders and URLs that a plan was made for."""
    return [open_store(name) if is_url(name) else Path(name) for name in folder.facts["inputs"]]


def check_planned(before: RunRecord, now: RunRecord) -> None:
    """Compare a set with the one that was planned.

    Args:
        before: the plan's record.
        now: that of the set as it is.

    Raises:
        ClusterError: it is another set; the message says what differs.
    """
    now = replace(now, geometry=before.geometry, models=before.models, versions=before.versions)
    if changed := differences(before, now):
        raise ClusterError(
            f"the set is not the one that was planned ({'; '.join(changed)}); plan again in a new folder"
        )


def _conversion(value: Mapping[str, Any]) -> Conversion:
    return Conversion(tuple(value["class_names"]), value["by_folder"], value["shared_folders"])
