"""Making a plan: the set is read once, everything that depends on all of it is decided, and both are written down."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from augmentai.cluster.class_examples import standards, write_examples
from augmentai.cluster.errors import ClusterError, check_installed
from augmentai.cluster.listing import Listing
from augmentai.cluster.plan_folder import (
    DONORS,
    EXAMPLES,
    FACTS,
    HOLDOUT,
    LENDERS,
    PLAN,
    SHARDS,
    PlanFolder,
    Shard,
    ShardList,
    check_unused,
)
from augmentai.cluster.plan_rows import PlannedImage, digest_of, in_groups, planned_image, write_rows
from augmentai.cluster.unread import UnreadFiles
from augmentai.cluster.whole_set import MeasuredSet, measured_set
from augmentai.dataset.atomic_files import encode_text
from augmentai.dataset.formats.folders import FolderLayout
from augmentai.dataset.manifest import RECIPE_FILE
from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.dataset.readers.store_listing import NOTHING_THERE
from augmentai.dataset.recipe_file import recipe_differences
from augmentai.dataset.run_record import RunRecord, differences
from augmentai.engines import available
from augmentai.operations.apply import build_operations
from augmentai.operations.borrowing import borrows_from_others
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_record_for
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.storage import Place, Store, open_store
from augmentai.types import Source

SHARD_SIZE = 1000
_ROWS_PER_GROUP = 1000  # of images that are in no shard
_MOST_NAMED = 3
_AGAIN = "Run the same command again: no image that was read is read again"


@dataclass(frozen=True)
class Planned:
    """A plan that was written, or was there already.

    Attributes:
        folder: where it is.
        job: the run as it will be: its plan, notices and estimate.
        resumed: whether it was complete before.
    """

    folder: PlanFolder
    job: Job
    resumed: bool


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
    unread = UnreadFiles()
    listing = Listing(folder.store, unread=unread)
    inputs = [place.absolute() if isinstance(place, Path) else place for place in inputs]
    skip = Path(folder.store.root) if folder.store.is_local else folder.store
    gathered = gather(inputs, limits(settings), skip=skip, layout=recipe.layout, known=listing)
    listing.flush()
    _check_received(gathered, inputs, unread)
    if any(isinstance(place, Store) for place in inputs):  # what is on disk was read a moment ago
        gathered = unread.watched_set(gathered)
    job = Job(gathered, recipe, settings, available(settings))
    record = run_record_for(job, inputs, Path(folder.store.root) if folder.store.is_local else folder.store)
    if before is not None:
        if found := differences(before.record, record):
            raise _other_plan(folder.store, found)
        return Planned(before, job, resumed=True)
    if not gathered.sources:
        why = "; ".join(f"{failure.file}: {failure.reason}" for failure in gathered.failures[:_MOST_NAMED])
        raise ClusterError(f"there is no image to plan for{f' ({why})' if why else ''}")
    _write(folder.store, job, record, shard_size, inputs, unread)
    return Planned(folder, job, resumed=False)


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
            raise ClusterError(f"{failure.reason}. {_AGAIN}")
    if unread.words:
        raise ClusterError(f"{unread.words}. {_AGAIN}")


def _write(
    store: Store, job: Job, record: RunRecord, shard_size: int, inputs: Sequence[Place], unread: UnreadFiles
) -> None:
    """Write every file of the plan, the list of shards last."""
    found = measured_set(job)
    if unread.words:
        raise ClusterError(f"{unread.words}. {_AGAIN}")
    in_rows = _fit_rows(job)
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

        put(PLAN, _noted(_planned(job, found), shard_size, shards))
        put(LENDERS, in_groups(map(planned_image, found.lenders), _ROWS_PER_GROUP))
        put(HOLDOUT, in_groups(_of_holdout(found), _ROWS_PER_GROUP))
        if in_rows and any(map(borrows_from_others, build_operations(job.recipe.operations))):
            put(DONORS, in_groups(_lending(job.plan.sources), _ROWS_PER_GROUP))
        if found.classes:
            send(EXAMPLES, found.classes, write_examples)
    texts = {RECIPE_FILE: encode_text(record.to_yaml()), FACTS: _facts(job, found, inputs)}
    for file, data in texts.items():
        store.put(file, data)
        files[file] = hashlib.sha256(data).hexdigest()
    total = sum(shard.variations for shard in shards)
    listed = ShardList(shard_size, tuple(shards), asdict(job.recipe), files, in_rows, total)
    store.put(SHARDS, listed.to_json())


def _fit_rows(job: Job) -> bool:
    """Whether workers need to know no more of an image than its row says: files in class folders, without labels."""
    layout, sources = job.gathered.layout, job.gathered.sources
    plain = isinstance(layout, FolderLayout) and layout.is_in(job.recipe.to)
    return plain and all(planned_image(source).file and source.labels is None for source in sources)


def _planned(job: Job, found: MeasuredSet) -> Iterator[PlannedImage]:
    """The images that get variations."""
    names = job.output.names
    for source in job.plan.sources:
        if count := job.plan.count(source):
            yield planned_image(source, count, names.stem(source))


def _noted(rows: Iterable[PlannedImage], shard_size: int, shards: list[Shard]) -> Iterator[list[PlannedImage]]:
    """The rows in shards, of each of which a note is made."""
    for group in in_groups(rows, shard_size):
        shards.append(Shard(len(group), sum(row.variations for row in group), digest_of(group)))
        yield group


def _of_holdout(found: MeasuredSet) -> Iterator[PlannedImage]:
    if found.holdout is not None:
        for source, value in zip(found.holdout.sources, found.holdout.hashes, strict=True):
            yield planned_image(source, holdout_hash=int(value))


def _lending(sources: Sequence[Source]) -> Iterator[PlannedImage]:
    """The images that operations may borrow from, as `DonorPool` sorts them: each content of a class once."""
    seen: set[tuple[str, str | None]] = set()
    for source in sorted(sources, key=lambda source: (source.sha256, source.path)):
        if (source.sha256, source.label) not in seen:
            seen.add((source.sha256, source.label))
            yield planned_image(source)


def _facts(job: Job, found: MeasuredSet, inputs: Sequence[Place]) -> bytes:
    made_split = {"/".join(chain([source.sha256, source.path])): source.split for source in _split(job)}
    content: dict[str, Any] = {
        "inputs": [str(place) if isinstance(place, Path) else place.url for place in inputs],
        "geometry": asdict(replace(job.plan.geometry, notice="")),
        "max_pixels": job.settings.max_pixels,
        "engine_state": dict(found.engine_state),
        "semantic": found.semantic,
        "locates_objects": found.locates_objects,
        "classes": standards(found.classes),
        "conversions": {str(key): asdict(value) for key, value in job.gathered.layout.conversions.items()},
        "made_split": made_split,
    }
    return json.dumps(content, indent=1).encode()


def _split(job: Job) -> Sequence[Source]:
    """The images of a set whose split was made by this program."""
    return (*job.gathered.sources, *job.gathered.holdout) if job.recipe.make_split else ()
