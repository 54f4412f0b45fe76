"""Features computed before are read from a file in the user's cache directory instead of computed again."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np
from platformdirs import user_cache_dir

from augmentai.backbone.base import Backbone
from augmentai.backbone.layout import VERSION
from augmentai.settings import Settings

_FILE = "features.sqlite"
_WAIT_SECONDS = 5.0  # for another process that writes
_KEYS_AT_ONCE = 500  # in one query
_SHARE_KEPT = 0.8  # of the limit, when the file has grown beyond it
_STALE_SECONDS = 3600  # a use is noted when the last one was longer ago: most reads write nothing
_CREATE = "CREATE TABLE IF NOT EXISTS features (key BLOB PRIMARY KEY, used REAL NOT NULL, data BLOB NOT NULL)"

_log = logging.getLogger(__name__)

Result = TypeVar("Result")


def cached(backbone: Backbone, settings: Settings) -> Backbone:
    """A backbone whose `features` are computed once for each image, also between processes.

    Args:
        backbone: What computes them.
        settings: Where they are stored (`AUGMENTAI_CACHE`) and how much of them (`AUGMENTAI_CACHE_MB`; 0: nothing).

    Returns:
        The backbone with a cache; itself if there is none.

    Example:
        >>> from augmentai.backbone import load_backbone
        >>> backbone = load_backbone()
        >>> cached(backbone, Settings(cache_mb=0)) is backbone
        True
    """
    file = feature_file(settings)
    return CachedBackbone(backbone, file) if file is not None else backbone


def feature_file(settings: Settings) -> FeatureFile | None:
    """The file that features are stored in; None if none are to be stored."""
    if settings.cache_mb <= 0:
        return None
    folder = settings.cache or Path(user_cache_dir("augmentai", appauthor=False))
    return FeatureFile(folder.expanduser() / _FILE, int(settings.cache_mb * 1_000_000))


class CachedBackbone:
    """A backbone that looks features up before it computes them; cells are always computed.

    Args:
        backbone: What computes what is not there yet.
        file: Where features are looked up and stored.
    """

    def __init__(self, backbone: Backbone, file: FeatureFile) -> None:
        self._backbone, self._file = backbone, file
        self.name, self.side_px, self.width = backbone.name, backbone.side_px, backbone.width

    def features(self, images: np.ndarray) -> np.ndarray:
        """See `Backbone.features`."""
        if images.dtype != np.uint8 or images.ndim != 4:
            return self._backbone.features(images)  # which says what is wrong with them
        keys = [self._key(image) for image in images]
        known = self._file.read(keys, self.width)
        missing = [number for number, key in enumerate(keys) if key not in known]
        # One of each: a set may contain the same image many times.
        first = {keys[number]: number for number in reversed(missing)}
        computed = self._backbone.features(images[sorted(first.values())])
        new = dict(zip((keys[number] for number in sorted(first.values())), computed, strict=True))
        self._file.write(new)
        known.update(new)
        return np.stack([known[key] for key in keys]) if keys else computed

    def cells(self, images: np.ndarray) -> np.ndarray:
        """See `Backbone.cells`."""
        return self._backbone.cells(images)

    def _key(self, image: np.ndarray) -> bytes:
        digest = hashlib.sha256(f"{self.name} {VERSION} {image.shape}\n".encode())
        digest.update(image.tobytes())
        return digest.digest()


class FeatureFile:
    """Features by key in one SQLite file, whose own locks keep processes apart.

    Nothing depends on it: a file that cannot be read or written costs time, never a result. A damaged one is replaced.

    Args:
        path: The file; its folder is made.
        most_bytes: Beyond this the features that were not used for longest are dropped.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = FeatureFile(Path(folder) / "features.sqlite", 1_000_000)
        ...     file.write({b"key": np.float32([1, 2])})
        ...     file.read([b"key", b"other"], width=2)
        {b'key': array([1., 2.], dtype=float32)}
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._path, self._most_bytes = path, most_bytes

    def read(self, keys: Iterable[bytes], width: int) -> dict[bytes, np.ndarray]:
        """Those of the features that are there.

        Args:
            keys: Of any number of images.
            width: Of the features; those of another are ignored.
        """
        wanted = list(dict.fromkeys(keys))
        parts = [wanted[start : start + _KEYS_AT_ONCE] for start in range(0, len(wanted), _KEYS_AT_ONCE)]

        def look_up(database: sqlite3.Connection) -> dict[bytes, np.ndarray]:
            found: dict[bytes, np.ndarray] = {}
            for part in parts:
                marks, now = ",".join("?" * len(part)), time.time()
                rows = database.execute(f"SELECT key, used, data FROM features WHERE key IN ({marks})", part).fetchall()
                found |= {key: np.frombuffer(data, np.float32) for key, _, data in rows if len(data) == 4 * width}
                if stale := [(now, key) for key, used, _ in rows if used < now - _STALE_SECONDS]:
                    database.executemany("UPDATE features SET used = ? WHERE key = ?", stale)
                    database.commit()
            return found

        return self._attempt(look_up) or {}

    def write(self, features: Mapping[bytes, np.ndarray]) -> None:
        """Store features, and drop old ones if there are too many."""
        rows = [(key, time.time(), data.astype(np.float32).tobytes()) for key, data in features.items()]

        def store(database: sqlite3.Connection) -> None:
            database.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?)", rows)
            database.commit()
            _drop_old(database, self._most_bytes)

        if rows:
            self._attempt(store)

    def _attempt(self, action: Callable[[sqlite3.Connection], Result]) -> Result | None:
        """What an action returns; None if the database cannot be used, which is logged."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS)) as database:
                database.execute(_CREATE)
                return action(database)
        except sqlite3.OperationalError as error:  # locked for long, read-only, no space
            _log.warning("%s: features are not cached (%s)", self._path, error)
        except sqlite3.DatabaseError as error:
            _log.warning("%s: the feature cache is damaged and replaced (%s)", self._path, error)
            self._path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("%s: features are not cached (%s)", self._path, error)
        return None


def _drop_old(database: sqlite3.Connection, most_bytes: int) -> None:
    """Drop what was not used for longest, if there is more than the limit. The file's pages are used again."""

    def number(query: str) -> int:
        return int(database.execute(query).fetchone()[0])

    used = (number("PRAGMA page_count") - number("PRAGMA freelist_count")) * number("PRAGMA page_size")
    if used <= most_bytes:
        return
    count = number("SELECT COUNT(*) FROM features")
    surplus = count - int(count * _SHARE_KEPT * most_bytes / used)
    oldest = "SELECT rowid FROM features ORDER BY used LIMIT ?"
    database.execute(f"DELETE FROM features WHERE rowid IN ({oldest})", (surplus,))
    database.commit()
