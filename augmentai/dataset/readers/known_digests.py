"""Hashes of images that were read before: a set that is listed again need not be read again."""

from __future__ import annotations

from augmentai.dataset.file_tree import Entry, FileKey

ANY_VERSION = ""


class KnownDigests:
    """The SHA-256 of files, by where they are, their size and what changes with them.

    A source checks its hash whenever it is read, so that a wrong one costs that image and nothing else.

    Example:
        >>> digests = KnownDigests()
        >>> digests.add(("a.jpg", ""), 6, ANY_VERSION, "ab")
        >>> entry = Entry("a.jpg", "")
        >>> digests.of(entry, 6), digests.of(entry, 7)
        ('ab', None)
    """

    def __init__(self) -> None:
        self._known: dict[FileKey, tuple[int, str, str]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def add(self, key: FileKey, size_bytes: int, version: str, sha256: str) -> None:
        """Remember the hash of a file, as an earlier process found it.

        Args:
            key: `Entry.key`.
            size_bytes: of the file.
            version: the time of its last change, or what a store says; "" to accept any.
            sha256: the hash.
        """
        self._known[key] = size_bytes, version, sha256

    def of(self, entry: Entry, size_bytes: int, version: str = ANY_VERSION) -> str | None:
        """The hash of a file, None if it is unknown or the file is another one now."""
        size, known, sha256 = self._known.get(entry.key, (-1, ANY_VERSION, ""))
        return sha256 if size == size_bytes and known in {ANY_VERSION, version} else None

    def found(self, entry: Entry, size_bytes: int, version: str, sha256: str) -> None:
        """Take note of a hash that was not known. This class needs none; one that writes them down overrides it."""

    def missed(self, entry: Entry, error: OSError) -> None:
        """Take note of a file that a store did not hand out; likewise."""
