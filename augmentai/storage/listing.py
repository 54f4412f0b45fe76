"""All files below a folder of a store, in the order of their names: streamed, and resumable at any name.

The order is that of the whole key by code points, which is how object stores sort, so that a listing is the same in
each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_KEYS_PER_CALL = 1000  # the most that S3 returns
_VERSIONS = ("ETag", "etag", "md5Hash", "crc32c", "blob_id", "last_modified", "mtime", "created")


@dataclass(frozen=True)
class StoredFile:
    """A file in a store.

    Attributes:
        path: relative to the folder that was listed, with slashes.
        size_bytes: its size.
        version: changes with the content (a hash, or a time where the store knows no hash); "" if nothing is known.
    """

    path: str
    size_bytes: int
    version: str = ""


def list_files(fs: AbstractFileSystem, root: str, after: str = "") -> Iterator[StoredFile]:
    """All files below a folder.

    Args:
        fs: the driver.
        root: the folder, as the driver calls it.
        after: only files whose paths sort behind this one: the last that an interrupted listing returned.
    """
    if hasattr(fs, "call_s3"):
        yield from _list_bucket(fs, root, after)
    else:
        yield from _list_folder(fs, root.rstrip("/"), "", after)


def _list_bucket(fs: Any, root: str, after: str) -> Iterator[StoredFile]:
    """By pages of S3, of which each is forgotten before the next."""
    bucket, key, _ = fs.split_path(root)
    prefix = f"{key.rstrip('/')}/" if key else ""
    start = prefix + after
    while True:
        asked = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": _KEYS_PER_CALL}
        page = fs.call_s3("list_objects_v2", **asked, **({"StartAfter": start} if after or start != prefix else {}))
        for item in page.get("Contents", ()):
            start = item["Key"]
            path = start[len(prefix) :]
            if path and not path.endswith("/"):  # consoles mark an empty folder by such a key
                yield StoredFile(path, int(item["Size"]), str(item.get("ETag", "")).strip('"'))
        if not page.get("IsTruncated"):
            return


def _list_folder(fs: AbstractFileSystem, root: str, folder: str, after: str) -> Iterator[StoredFile]:
    entries = []
    where = f"{root}/{folder}".rstrip("/")
    for entry in fs.ls(where or "/", detail=True):
        name = str(entry["name"]).rstrip("/").rpartition("/")[2]
        is_folder = entry["type"] == "directory"
        entries.append((f"{folder}{name}/" if is_folder else f"{folder}{name}", is_folder, entry))
    for path, is_folder, entry in sorted(entries, key=lambda found: found[0]):
        if is_folder:
            if path > after or after.startswith(path):
                yield from _list_folder(fs, root, path, after)
        elif path > after:
            yield StoredFile(path, int(entry.get("size") or 0), _version(entry))


def _version(entry: dict[str, Any]) -> str:
    return next((str(entry[name]).strip('"') for name in _VERSIONS if entry.get(name)), "")
