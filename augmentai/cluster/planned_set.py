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
from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.dataset.run_record import build_record, differences
from augmentai.pipeline.job import limits
from augmentai.pipeline.split.make_split import with_split
from augmentai.settings import Settings
from augmentai.storage import Place, is_url, open_store


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
    skip = Path(folder.store.root) if folder.store.is_local else folder.store
    found = gather(planned_inputs(folder), limits(settings), skip=skip, layout=recipe.layout, known=known)
    if split := facts["made_split"]:
        sources = [replace(one, split=split.get(f"{one.sha256}/{one.path}")) for one in found.sources]
        found = with_split(found, recipe, sources)
    conversions = facts["conversions"].items()
    found.layout.conversions.update({key == "True": _conversion(value) for key, value in conversions})
    _check(folder, found)
    return unread.watched_set(found)


def planned_inputs(folder: PlanFolder) -> list[Place]:
    """The files, folders and URLs that a plan was made for."""
    return [open_store(name) if is_url(name) else Path(name) for name in folder.facts["inputs"]]


def _check(folder: PlanFolder, found: Gathered) -> None:
    before = folder.record
    now = build_record(before.recipe, found.sources, before.models, (), Path(), found.holdout, found.labels_sha256)
    now = replace(now, geometry=before.geometry, versions=before.versions)
    if changed := differences(before, now):
        raise ClusterError(
            f"the set is not the one that was planned ({'; '.join(changed)}); plan again in a new folder"
        )


def _conversion(value: Mapping[str, Any]) -> Conversion:
    return Conversion(tuple(value["class_names"]), value["by_folder"], value["shared_folders"])
