"""The folder of a plan: what is in it, and whether it is still what was planned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from augmentai.cluster.errors import ClusterError
from augmentai.cluster.plan_rows import Rows
from augmentai.dataset.manifest import RECIPE_FILE
from augmentai.dataset.recipe_file import recipe_differences, recipe_from_mapping
from augmentai.dataset.run_record import RunRecord, read_record
from augmentai.recipe import RecipeError
from augmentai.storage import MissingBucketError, MissingFileError, Store
from augmentai.storage.hub import FILES_OF_A_NEW_REPOSITORY, is_repository

PLAN, SHARDS, FACTS = "plan.parquet", "shards.json", "facts.json"
LENDERS, DONORS, HOLDOUT = "lenders.parquet", "donors.parquet", "holdout.parquet"
EXAMPLES, OBJECTS = "examples.parquet", "objects.parquet"
MADE, RUNNING, FAILED, LOGS = "shards", "running", "failed", "logs"  # folders
PAID = "paid"
LISTING = "listing"  # the folder of `Listing`
FORMAT = 1

_OWN_FILES = {PLAN, FACTS, LENDERS, DONORS, HOLDOUT, EXAMPLES, OBJECTS, RECIPE_FILE}
_OWN_FOLDERS = {LISTING, MADE, RUNNING, FAILED, LOGS, PAID}


@dataclass(frozen=True)
class Shard:
    """A slice of the plan that one worker makes.

    Attributes:
        sources: how many images are augmented.
        variations: how many variations they get.
        sha256: of its rows, see `plan_rows.digest_of`.
    """

    sources: int
    variations: int
    sha256: str


@dataclass(frozen=True)
class ShardList:
    """`shards.json`: what the whole plan consists of. It is written last, and says that the plan is complete.

    Attributes:
        shard_size: images per shard.
        shards: all shards, in order.
        recipe: every setting, with the seed.
        files: the SHA-256 of each other file of the plan.
        in_rows: whether a row says all of an image that a worker needs; if not, workers list the set themselves.
        total: variations of all shards.
        version: of this layout of a plan.
    """

    shard_size: int
    shards: tuple[Shard, ...]
    recipe: Mapping[str, Any]
    files: Mapping[str, str]
    in_rows: bool
    total: int
    version: int = FORMAT

    def to_json(self) -> bytes:
        """The content of the file."""
        return json.dumps(asdict(self), indent=1).encode()

    @cached_property
    def sha256(self) -> str:
        """By which shards know their plan."""
        return hashlib.sha256(self.to_json()).hexdigest()


@dataclass(frozen=True)
class PlanFolder:
    """A complete plan.

    Args:
        store: its folder, wherever that is now.
    """

    store: Store
    _checked: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def list(self) -> ShardList:
        """What it consists of.

        Raises:
            ClusterError: there is no complete plan, or it is damaged or of another version.
            StorageError: it cannot be read.
        """
        try:
            content = json.loads(self.store.read(SHARDS))
            if content["version"] != FORMAT:
                found = f"{self.store.url} was planned by another version (layout {content['version']}, here {FORMAT})"
                raise ClusterError(f"{found}; plan it again in a new folder")
            return ShardList(**{**content, "shards": tuple(Shard(**shard) for shard in content["shards"])})
        except MissingBucketError:
            raise
        except MissingFileError as error:
            what = f"{self.store.url} has no {SHARDS}, so that there is no complete plan"
            raise ClusterError(f"{what}; run: augmentai plan SET -o {self.store.url}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise ClusterError(
                f"{self.store.url_of(SHARDS)} is damaged ({error}); plan again in a new folder"
            ) from error

    @cached_property
    def record(self) -> RunRecord:
        """What the run is asked to do.

        Raises:
            ClusterError: `recipe.yaml` was changed since, or cannot be used here.
        """
        where = self.store.url_of(RECIPE_FILE)
        try:
            data = self.store.read(RECIPE_FILE)
            record = read_record(data.decode(), where)
        except (RecipeError, UnicodeDecodeError, MissingFileError) as error:
            raise ClusterError(f"the plan cannot be used: {error}") from error
        found = recipe_differences(recipe_from_mapping(dict(self.list.recipe), where), record.recipe)
        if found or not self.is_unchanged(RECIPE_FILE, data):
            differs = "; ".join(found) or "other lines than those of the recipe"
            fix = "undo that, or plan again in a new folder"
            raise ClusterError(f"{where} was changed after the plan was made ({differs}); {fix}")
        return record

    def is_unchanged(self, name: str, data: bytes) -> bool:
        """Whether a file of the plan has the content that it was planned with."""
        return self.list.files.get(name) == hashlib.sha256(data).hexdigest()

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What was found out about the whole set.

        Raises:
            ClusterError: the file was changed.
        """
        data = self.store.read(FACTS)
        if not self.is_unchanged(FACTS, data):
            raise self._changed(FACTS)
        found: Mapping[str, Any] = json.loads(data)
        return found

    def check(self) -> None:
        """Compare every file of the plan with `shards.json`.

        Raises:
            ClusterError: one was changed; the message says which, and what differs.
        """
        listed = self.list
        _ = self.record
        for name, sha256 in listed.files.items():
            with self.store.open(name) as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    raise self._changed(name)

    def _changed(self, name: str) -> ClusterError:
        where = self.store.url_of(name)
        return ClusterError(f"{where} is not the file that was planned; restore it, or plan again in a new folder")

    def rows(self, name: str = PLAN) -> Rows:
        """The rows of one of its files; to be closed."""
        return Rows(self.store, name)


def check_unused(store: Store) -> None:
    """Raise ClusterError if a folder holds anything but an interrupted plan: nothing is overwritten.

    Args:
        store: the folder.
    """
    found, own = set(), _OWN_FILES | (FILES_OF_A_NEW_REPOSITORY if is_repository(store.url) else set())
    for file in store.list():
        folder, is_below, _ = file.path.partition("/")
        found.add(file.path)
        if folder in _OWN_FOLDERS if is_below else folder in own or folder.startswith("."):
            continue
        raise ClusterError(f"{store.url} holds other files ({file.path}); choose a new or empty folder for the plan")
    if RECIPE_FILE in found and PLAN not in found:  # which is written before it
        raise ClusterError(f"{store.url} holds the {RECIPE_FILE} of something else; choose a new or empty folder")


def remove_left_parts(folder: PlanFolder) -> None:
    """Remove what killed workers left half written.

    Args:
        folder: the plan.
    """
    for name in (MADE, RUNNING, FAILED):
        folder.store.remove_left_parts(name)


def numbered(shard: int) -> str:
    """The name of everything that belongs to a shard.

    Example:
        >>> numbered(7)
        '00007'
    """
    return f"{shard:05}"
