"""The run that is at a URL already: its record, its files and their sizes, the lines of its manifest.

Objects in a store cannot be appended to. So the lines of a run in progress are in numbered parts beside the manifest,
and are joined to it when the run ends, or when the next one resumes it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.manifest import MANIFEST, MANIFEST_PART, OWN_NAMES, RECIPE_FILE, made_nothing
from augmentai.dataset.run_record import NotARunError, RunRecord, read_record
from augmentai.dataset.writers.earlier_run import HOLDS_FILES, differences_asked
from augmentai.recipe import Recipe, RecipeError
from augmentai.storage import MissingFileError, StorageError, Store
from augmentai.storage.hub import FILES_OF_A_NEW_REPOSITORY, is_repository


def part_name(number: int) -> str:
    """The name of one part of the manifest.

    Example:
        >>> part_name(3)
        '.augmentai.manifest.00003.jsonl'
    """
    return f"{MANIFEST_PART}{number:05d}.jsonl"


class StoredRun:
    """What is at a URL before a run writes there, listed once.

    Args:
        store: the output.

    Attributes:
        record: what the run there was asked to do; None if there is none.

    Raises:
        OutputError: the store cannot be read, or its run cannot be used here.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.record = read_stored_run(store)

    @cached_property
    def _sizes(self) -> sqlite3.Connection:
        """The files by name, on disk: there may be millions."""
        database = sqlite3.connect("", check_same_thread=False)
        database.execute("CREATE TABLE files (name TEXT PRIMARY KEY, bytes INT) WITHOUT ROWID")
        try:
            listed = self.store.list()
            database.executemany("INSERT INTO files VALUES (?, ?)", ((file.path, file.size_bytes) for file in listed))
        except StorageError as error:
            raise OutputError(str(error)) from error
        return database

    def size_bytes(self, name: str) -> int | None:
        """The size of a file; None if it is not there."""
        found = self._sizes.execute("SELECT bytes FROM files WHERE name = ?", (name,)).fetchone()
        return int(found[0]) if found else None

    def parts(self) -> list[str]:
        """The parts of the manifest."""
        names = self._sizes.execute("SELECT name FROM files WHERE name LIKE ? ORDER BY name", (f"{MANIFEST_PART}%",))
        return [name for (name,) in names]

    def lines(self) -> Iterator[bytes]:
        """The lines of the manifest and its parts. Raises OutputError."""
        try:
            for name in (MANIFEST, *self.parts()):
                if self.size_bytes(name):
                    with self.store.open(name) as lines:
                        yield from lines
        except StorageError as error:
            raise OutputError(str(error)) from error

    def are_complete(self, names: Sequence[str], sizes: object) -> bool:
        """Whether files are all there with these sizes: a store has an object whole or not at all."""
        expected = sizes if isinstance(sizes, list) and len(sizes) == len(names) else [None] * len(names)
        found = [self.size_bytes(name) for name in names]
        return all(size is not None and wanted in {None, size} for size, wanted in zip(found, expected, strict=True))

    def own_files(self) -> list[str]:
        """What the run there says of itself."""
        return [*(name for name in sorted(OWN_NAMES) if self.size_bytes(name) is not None), *self.parts()]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there that could be overwritten."""
        allowed = FILES_OF_A_NEW_REPOSITORY if is_repository(self.store.url) else frozenset()
        (count,) = self._sizes.execute("SELECT COUNT(*) FROM files").fetchone()
        return int(count) == sum(self.size_bytes(name) is not None for name in allowed)

    @property
    def is_replaceable(self) -> bool:
        """Whether a run is there that made nothing, and nothing else: a corrected run may replace it."""
        own = self.own_files()
        (count,) = self._sizes.execute("SELECT COUNT(*) FROM files").fetchone()
        allowed = FILES_OF_A_NEW_REPOSITORY if is_repository(self.store.url) else frozenset()
        others = int(count) - len(own) - sum(self.size_bytes(name) is not None for name in allowed)
        return RECIPE_FILE in own and not others and all(made_nothing(line) for line in self.lines())


def read_stored_run(store: Store) -> RunRecord | None:
    """What the run at a URL was asked to do; None if there is none. Raises OutputError as `read_run` does."""
    url = store.url_of(RECIPE_FILE)
    try:
        return read_record(store.read(RECIPE_FILE).decode("utf-8"), url)
    except MissingFileError:
        return None
    except StorageError as error:
        raise OutputError(str(error)) from error
    except (NotARunError, UnicodeDecodeError) as error:
        raise OutputError(f"{store.url} {HOLDS_FILES} ({error})") from error
    except RecipeError as error:
        raise OutputError(f"the run in {store.url} cannot be resumed: {error}") from error


def resolve_stored_recipe(store: Store, recipe: Recipe, same_prompts: Callable[[RunRecord, Recipe], bool]) -> Recipe:
    """The recipe of a run to a URL before anything is read; see `resolve_recipe`.

    Args:
        store: the output.
        recipe: what is asked for.
        same_prompts: whether no engine makes anything else of its prompts than of those of the run before.

    Raises:
        OutputError: a run with different settings is there, or one whose recipe cannot be used here.
    """
    run = StoredRun(store)
    if run.record is None:
        return recipe.with_seed()
    found = differences_asked(run.record, recipe, same_prompts)
    if not found:
        return run.record.recipe
    if not run.is_replaceable:
        raise different_stored_run(store, found)
    return recipe.with_seed()


def different_stored_run(store: Store, found: list[str]) -> OutputError:
    """The refusal of a run to a URL where there is one with other settings."""
    return OutputError(
        f"{store.url} contains a run with different settings ({'; '.join(found)}). "
        "Use the same settings to resume, or choose a new or empty folder"
    )
