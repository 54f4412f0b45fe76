"""A run as a plan is written from it: over a set of class folders that is in a table on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import PurePosixPath
from threading import Event

from augmentai.cluster.measured_set import MeasuredSet, measured_set
from augmentai.cluster.plan_rows import PlannedImage, planned_image
from augmentai.cluster.streamed_output import included_in
from augmentai.cluster.unread import UnreadFiles
from augmentai.dataset.file_names import (
    clear_of_own_folders,
    has_odd_stem,
    natural_stem,
    stem_key,
    unique_stems,
    varied_by,
)
from augmentai.dataset.readers.image_table import ImageTable, TableSources
from augmentai.dataset.readers.streamed_set import StreamedSet, hashed
from augmentai.dataset.run_record import SetDigests, digest_of_hashes, digest_of_places
from augmentai.engines.base import Engine
from augmentai.engines.run_ledger import RunLedger
from augmentai.filters import HoldoutIndex, OtherClassFilter
from augmentai.filters.class_bank import example_sources
from augmentai.operations.auto_geometry import DatasetTraits, dataset_traits
from augmentai.pipeline.balance import Quotas, class_shares
from augmentai.pipeline.plan import RunPlan, plan_run
from augmentai.pipeline.plan_record import record_of_plan
from augmentai.pipeline.report import Report
from augmentai.pipeline.whole_set import WholeSet
from augmentai.recipe import Recipe
from augmentai.storage import Place
from augmentai.system.cpu import usable_cores
from augmentai.types import Source, SourceKey


class StreamedRun:
    """A run over a set of class folders that is in a table.

    Args:
        found: the set.
        recipe: with its seed; it makes no split, and converts nothing.
        engines: those that there are.
        max_pixels: larger images are not decoded.
        inputs: the folder that was named.
        out: the plan's folder.
        unread: takes note of images that a store does not hand out.

    Attributes:
        record_for: what `recipe.yaml` will say in another place.

    Raises:
        RecipeError: the set does not allow the recipe.
    """

    in_rows = True
    packer = None
    split: Mapping[str, str | None] = {}

    def __init__(
        self,
        found: StreamedSet,
        recipe: Recipe,
        engines: Sequence[Engine],
        max_pixels: int,
        inputs: Sequence[Place],
        out: Place,
        unread: UnreadFiles,
    ) -> None:
        self._unread = unread
        self._table, self._set, self._recipe, self._engines = found.table, found, recipe, engines
        self._max_pixels = max_pixels
        count = self._table.count(found.training)
        self.has_images = count > 0
        quotas = self._quotas(count)
        self.plan = plan_run(
            found.gathered, recipe, engines, traits=self._traits(), max_pixels=max_pixels, quotas=quotas
        )
        self.notices: Sequence[str] = Report(self.plan, {}, RunLedger()).as_dict()["notices"]
        by_hash = digest_of_hashes(value.hex() for (value,) in self._table.rows("sha256", found.training, "sha256"))
        digests = SetDigests(count, by_hash, digest_of_places(self._table.sources()))
        self.record_for = partial(record_of_plan, self.plan, digests, engines, inputs)
        self.record = self.record_for(out)

    def _traits(self) -> DatasetTraits:
        names = self._table.labels
        folders: dict[tuple[str, int], None] = {}
        for path, label in self._table.rows("path, label", f"{self._set.training} AND label IS NOT NULL"):
            folders[path.rpartition("/")[0], label] = None
        return dataset_traits(((f"{folder}/x", names[label]) for folder, label in folders), labelled=False)

    def _quotas(self, count: int) -> Quotas:
        """How many variations there will be; of each image, the table is told."""
        recipe, database, training = self._recipe, self._table.database, self._set.training
        if not (recipe.per_class or recipe.balance):
            database.execute(f"UPDATE sources SET variations = ? WHERE {training}", [recipe.variations])
            return Quotas(count * recipe.variations, recipe.variations)
        if not count:
            return Quotas(0)
        names = self._table.labels
        sizes = dict(database.execute(f"SELECT label, count(*) FROM sources WHERE {training} GROUP BY label"))
        shares = class_shares(
            {names[label]: size for label, size in sizes.items() if label is not None}, sizes.get(None, 0), recipe
        )
        database.execute("CREATE TABLE shares (label INTEGER PRIMARY KEY, each INTEGER, rest INTEGER)")
        rows = [(number, *shares.of[name]) for number, name in enumerate(names) if name in shares.of]
        database.executemany("INSERT INTO shares VALUES (?, ?, ?)", rows)
        database.execute(
            "UPDATE sources SET variations = ranked.each + (ranked.place <= ranked.rest) FROM ("
            "SELECT path, sha256, each, rest, row_number() OVER (PARTITION BY label ORDER BY sha256, path) AS place "
            f"FROM sources JOIN shares USING (label) WHERE {training}) AS ranked "
            "WHERE ranked.path = sources.path AND ranked.sha256 = sources.sha256"
        )
        total, most = database.execute("SELECT sum(variations), max(variations) FROM sources").fetchone()
        return Quotas(total, most, notices=shares.notices)

    def measured(self) -> MeasuredSet:
        whole = _WholeTable(self.plan, self._max_pixels, TableSources(self._table, self._set.training, self._watched))
        return measured_set(whole, self._engines, self._recipe, self._holdout(whole))

    def _holdout(self, whole: WholeSet) -> Iterator[tuple[Source, int]]:
        if whole.compares_with_holdout:
            held_out = map(self._watched, self._table.sources(self._set.held_out))
            with ThreadPoolExecutor(usable_cores(), "hash") as pool:
                yield from HoldoutIndex.hashes_of(held_out, self._max_pixels, pool, whole.stop)

    def _watched(self, source: Source) -> Source:
        """What is on disk was read a moment ago."""
        return source if self._table.store is None else self._unread.watched(source)

    def images(self) -> Iterator[PlannedImage]:
        stems = self._uncommon_stems()
        for source, count in self._table.sources_and("variations", f"{self._set.training} AND variations > 0"):
            yield planned_image(source, count, stems.get(source.key) or natural_stem(source.path))

    def by_hash(self) -> Iterable[Source]:
        return self._table.sources(self._set.training, "sha256, path")

    def _uncommon_stems(self) -> dict[SourceKey, str]:
        """The stems of images whose own may be taken: by another image, or by a file that is called as a variation."""
        taken = _Taken(self._table, included_in(self._set, self._recipe))
        stems = "SELECT stem FROM sources GROUP BY stem HAVING count(*) > 1 UNION SELECT stem FROM taken"
        found = self._table.rows("path, sha256", f"is_odd OR stem IN ({stems})")
        paths = {(path, sha256.hex()): path for path, sha256 in found}
        return unique_stems(paths, taken.of(map(natural_stem, paths.values())))


class _Taken:
    """Stems that cannot be used, since a file or folder is called as a variation of them.

    Args:
        table: receives them.
        included: the images that are part of the result under their own names, in SQL.
    """

    def __init__(self, table: ImageTable, included: str) -> None:
        self._database = table.database
        self._database.execute("CREATE TABLE taken (name TEXT, stem INTEGER, is_odd INTEGER)")
        images = (PurePosixPath(clear_of_own_folders(f"{folder}/x")) for folder in table.folders if folder)
        self._add({str(folder) for image in images for folder in image.parents})
        # A path in other letters than another one's is replaced in the result, and both are the same here.
        called = table.rows("path", f"({included}) AND path LIKE '%\\_\\_v%' ESCAPE '\\'")
        self._add(clear_of_own_folders(path) for (path,) in called)

    def _add(self, paths: Iterable[str]) -> None:
        names = (name for path in paths if (name := varied_by(path)))
        rows = ((name, hashed(name), has_odd_stem(name)) for name in names)
        self._database.executemany("INSERT INTO taken VALUES (?, ?, ?)", rows)

    def of(self, stems: Iterable[str]) -> set[str]:
        """Those that can matter to some stems."""
        numbers = {hashed(stem_key(stem)) for stem in stems}
        rows = self._database.execute("SELECT name, stem, is_odd FROM taken")
        return {name for name, stem, is_odd in rows if is_odd or stem in numbers}


class _WholeTable(WholeSet):
    def __init__(self, plan: RunPlan, max_pixels: int, sources: Sequence[Source]) -> None:
        super().__init__(plan, max_pixels, Event())
        self._sources = sources

    @cached_property
    def by_hash(self) -> Sequence[Source]:
        return self._sources

    @cached_property
    def locates_objects(self) -> bool:
        return False

    @cached_property
    def classes_of_images(self) -> OtherClassFilter | None:
        return self.compared_with(example_sources(self.by_hash, self.max_pixels))
