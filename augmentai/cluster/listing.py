"""The hashes of all images of a plan, written down as they are found: a plan that was interrupted reads no image twice,
and its workers none that is not theirs."""

from __future__ import annotations

import json
from contextlib import suppress

from augmentai.cluster.plan_folder import LISTING
from augmentai.cluster.unread import UnreadFiles
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.readers.known_digests import ANY_VERSION, KnownDigests
from augmentai.storage import Store, store_fault

_FILES_PER_PART = 5000


class Listing(KnownDigests):
    """Hashes that are written to a plan's folder in parts.

    Args:
        store: the plan's folder.
        any_version: accept a hash whatever the time of the file: on another machine it may be another one.
        unread: takes note of images that a store does not hand out.
    """

    def __init__(self, store: Store, any_version: bool = False, unread: UnreadFiles | None = None) -> None:
        super().__init__()
        self._store, self._lines, self._parts = store, list[str](), 0
        self.unread = unread or UnreadFiles()
        for part in store.list(LISTING):
            self._parts += 1
            with suppress(ValueError):  # a damaged part says nothing: its images are read again
                for line in store.read(part.path).splitlines():
                    path, origin, size, version, sha256 = json.loads(line)
                    self.add((path, origin), size, ANY_VERSION if any_version else version, sha256)

    def found(self, entry: Entry, size_bytes: int, version: str, sha256: str) -> None:
        self._lines.append(json.dumps([*entry.key, size_bytes, version, sha256]))
        if len(self._lines) >= _FILES_PER_PART:
            self.flush()

    def missed(self, entry: Entry, error: OSError) -> None:
        if reason := store_fault(error):
            self.unread.note(entry.path, reason)

    def flush(self) -> None:
        """Write what is not written yet."""
        if self._lines:
            self._store.put(f"{LISTING}/{self._parts:06}.jsonl", "\n".join(self._lines).encode())
            self._parts += 1
            self._lines.clear()
