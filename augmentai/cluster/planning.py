"""Making a plan: the set is read once, everything that depends on all of it is decided, and both are written down."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from augmentai.cluster.class_examples import standards, write_examples
from augmentai.cluster.errors import ClusterError, check_installed
from augmentai.cluster.listing import Listing
from augmentai.cluster.measured_set import MeasuredSet
from augmentai.cluster.plan_folder import (
    DONORS,
    EXAMPLES,
    FACTS,
    HOLDOUT,
    LENDERS,
    OBJECTS,
    PLAN,
    SHARDS,
    PlanFolder,
    Shard,
    ShardList,
    check_unused,
)
from augmentai.cluster.plan_rows import PlannedImage, digest_of, in_groups, planned_image, write_rows
from augmentai.cluster.planned_donors import lending_rows, write_objects
from augmentai.cluster.planned_run import PlannedRun, RunInMemory
from augmentai.cluster.planned_set import is_streamed, place_of
from augmentai.cluster.streamed_run import StreamedRun
from augmentai.cluster.unread import UnreadFiles
from augmentai.dataset.atomic_files import encode_text
from augmentai.dataset.manifest import RECIPE_FILE
from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.dataset.readers.store_listing import NOTHING_THERE
from augmentai.dataset.readers.streamed_set import stream_set
from augmentai.dataset.recipe_file import recipe_differences
from augmentai.dataset.run_record import differences
from augmentai.engines import available
from augmentai.operations.apply import build_operations
from augmentai.operations.borrowing import borrows_from_others
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.plan import RunPlan
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.storage import Place, Store, open_store
from augmentai.types import Failure

SHARD_SIZE = 1000
_ROWS_PER_GROUP = 1000  # of images that are in no shard
_DONORS_PER_GROUP = 250  # they are read one here, one there
_MOST_NAMED = 3
_AGAIN = "Run the same command again: no image that was read is read again"


@dataclass(frozen=True)
class Planned:
    """A plan that was written, or was there already.

    Attributes:
        folder: where it is.
        plan: what the run will do: its estimate, its failures; the sources of a large set are in the folder alone.
        notices: for the user.
        resumed: whether it was complete before.
    """

    folder: PlanFolder
    plan: RunPlan
    notices: Sequence[str]
    resumed: bool

    @property
    def failures(self) -> Sequence[Failure]:
        """Files that cannot be used."""
        return self.plan.gathered.failures


def make_plan(
    inputs: Sequence[Place], url: str, recipe: Recipe, settings: Settings, shard_size: int = SHARD_SIZE
) -> Planned:
    """Plan a run and write the plan.

    An interrupted plan resumes: images that were read are not read again. A complete one is left as it is.

    Args:
        inputs: images, folders, archives, each a path or a URL.
        url: the plan's folder: a path, or a URL of a store.
        recipe: what to make; with seed 0, that of the plan there, or a random one.
        settings: limits and engines.
        shard_size: images per shard.

    Raises:
        ClusterError: another run is planned there, or the extra `cluster` is not installed.
        RecipeError: the set does not allow the recipe.
        StorageError: the folder cannot be written.
    """
    check_installed()
    if shard_size < 1:
        raise ClusterError(f"the shard size is {shard_size}; expected 1 or more images")
    folder = PlanFolder(open_store(url))
    before = folder if folder.store.exists(SHARDS) else None
    recipe = _recipe_of(before, recipe, shard_size)
    if before is None:
        check_unused(folder.store)
    listing = Listing(folder.store, unread=UnreadFiles())
    inputs = [place.absolute() if isinstance(place, Path) else place for place in inputs]
    with ExitStack() as stack:
        run = _read(folder.store, inputs, recipe, settings, listing, stack)
        if before is not None:
            if found := differences(before.record, run.record):
                raise _other_plan(folder.store, found)
            return Planned(before, run.plan, run.notices, resumed=True)
        if not run.has_images:
            failures = run.plan.gathered.failures[:_MOST_NAMED]
            why = "; ".join(f"{failure.file}: {failure.reason}" for failure in failures)
            raise ClusterError(f"there is no image to plan for{f' ({why})' if why else ''}")
        _write(folder.store, run, shard_size, inputs, listing.unread)
        return Planned(folder, run.plan, run.notices, resumed=False)


def _read(
    store: Store, inputs: Sequence[Place], recipe: Recipe, settings: Settings, listing: Listing, stack: ExitStack
) -> PlannedRun:
    """The run over a set: streamed if it consists of class folders, else with all of it in memory."""
    out = place_of(store)
    engines, most = available(settings), limits(settings)
    if is_streamed(recipe):
        found = stream_set(list(inputs), most, out, recipe.layout, listing)
        if found is not None:
            listing.flush()
            stack.callback(found.table.close)
            _check_received(found.gathered, inputs, listing.unread)
            return StreamedRun(found, recipe, engines, settings.max_pixels, inputs, out, listing.unread)
    gathered = gather(inputs, most, skip=out, layout=recipe.layout, known=listing)
    listing.flush()
    _check_received(gathered, inputs, listing.unread)
    if any(isinstance(place, Store) for place in inputs):  # what is on disk was read a moment ago
        gathered = listing.unread.watched_set(gathered)
    return RunInMemory(Job(gathered, recipe, settings, engines), inputs, out)


def _recipe_of(before: PlanFolder | None, asked: Recipe, shard_size: int) -> Recipe:
    """The recipe with a seed: that of the plan that is there."""
    if before is None:
        return asked.with_seed()
    found = recipe_differences(before.record.recipe, asked)
    if before.list.shard_size != shard_size:
        found.append(f"the shard size was {before.list.shard_size}, now {shard_size}")
    if found:
        raise _other_plan(before.store, found)
    return before.record.recipe


def _other_plan(store: Store, found: Sequence[str]) -> ClusterError:
    return ClusterError(
        f"{store.url} holds the plan of a run that differs ({'; '.join(found)}). "
        "Use the same settings, or choose another folder"
    )


def _check_received(gathered: Gathered, inputs: Sequence[Place], unread: UnreadFiles) -> None:
    """A store that does not answer would leave images out of the plan for good."""
    urls = {place.url for place in inputs if isinstance(place, Store)}
    for failure in gathered.failures:
        if failure.file in urls and failure.reason != NOTHING_THERE:
            raise ClusterError(failure.reason)
    _check_read(unread)


def _check_read(unread: UnreadFiles) -> None:
    if unread.words:
        raise ClusterError(f"{unread.words}. {_AGAIN}")


def _write(store: Store, run: PlannedRun, shard_size: int, inputs: Sequence[Place], unread: UnreadFiles) -> None:
    """Write every file of the plan, the list of shards last."""
    found = run.measured()
    _check_read(unread)
    recipe, in_rows = run.plan.recipe, run.in_rows
    shards: list[Shard] = []
    files: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="augmentai-plan-") as name:

        def put(file: str, groups: Iterable[Sequence[PlannedImage]]) -> None:
            send(file, groups, write_rows)

        def send(file: str, content: Any, write: Callable[[Path, Any], None]) -> None:
            path = Path(name, file)
            write(path, content)
            with path.open("rb") as written:
                files[file] = hashlib.file_digest(written, "sha256").hexdigest()
            store.put_file(file, path)
            path.unlink()

        put(PLAN, _noted(run.images(), shard_size, shards))
        put(LENDERS, in_groups(map(planned_image, found.lenders), _ROWS_PER_GROUP))
        put(HOLDOUT, in_groups(_of_holdout(found), _ROWS_PER_GROUP))
        if in_rows and any(map(borrows_from_others, build_operations(recipe.operations))):
            put(DONORS, in_groups(lending_rows(run.by_hash(), run.packer), _DONORS_PER_GROUP))
            if run.packer is not None:
                send(OBJECTS, run.by_hash(), write_objects)
        if found.classes:
            send(EXAMPLES, found.classes, write_examples)
    _check_read(unread)  # of images for validation and tests, which were hashed on the way
    texts = {RECIPE_FILE: encode_text(run.record.to_yaml()), FACTS: _facts(run, found, inputs)}
    for file, data in texts.items():
        store.put(file, data)
        files[file] = hashlib.sha256(data).hexdigest()
    total = sum(shard.variations for shard in shards)
    listed = ShardList(shard_size, tuple(shards), asdict(recipe), files, in_rows, total)
    store.put(SHARDS, listed.to_json())


def _noted(rows: Iterable[PlannedImage], shard_size: int, shards: list[Shard]) -> Iterator[list[PlannedImage]]:
    """The rows in shards, of each of which a note is made."""
    for group in in_groups(rows, shard_size):
        shards.append(Shard(len(group), sum(row.variations for row in group), digest_of(group)))
        yield group


def _of_holdout(found: MeasuredSet) -> Iterator[PlannedImage]:
    for source, value in found.holdout:
        yield planned_image(source, holdout_hash=value)


def _facts(run: PlannedRun, found: MeasuredSet, inputs: Sequence[Place]) -> bytes:
    layout = run.plan.gathered.layout
    content: dict[str, Any] = {
        "inputs": [str(place) if isinstance(place, Path) else place.url for place in inputs],
        "geometry": asdict(replace(run.plan.geometry, notice="")),
        "max_pixels": run.plan.max_pixels,
        "engine_state": dict(found.engine_state),
        "semantic": found.semantic,
        "locates_objects": found.locates_objects,
        "classes": standards(found.classes),
        "conversions": {str(key): asdict(value) for key, value in layout.conversions.items()},
        "made_split": dict(run.split),
        "labels": None if run.packer is None else {"format": layout.name, "shared": run.packer.shared},
    }
    return json.dumps(content, indent=1).encode()
