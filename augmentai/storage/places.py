"""What a user named, as a path of this machine or as a store."""

from __future__ import annotations

import os
from pathlib import Path

from augmentai.storage.store import Place, Store, open_store
from augmentai.storage.urls import is_url, local_path


def from_home(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """A path with a leading ~ as the user's home folder, as a shell would pass it on; any other as it is."""
    return Path(path).expanduser() if os.fspath(path)[:1] == "~" else path


def to_place(place: str | os.PathLike[str] | Store) -> Place:
    """A path, with a leading ~ as the user's home folder, or the store of a URL. Raises StorageError.

    Example:
        >>> to_place("memory://sets/cats").url
        'memory://sets/cats'
    """
    if isinstance(place, Store):
        return place
    if not is_url(place):
        return Path(from_home(place))
    return local_path(place) or open_store(place)
