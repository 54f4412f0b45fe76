"""What is reported about the inputs: files that failed, and notices about what was skipped."""

from __future__ import annotations

from bisect import insort
from collections import Counter

from augmentai.dataset.bounds import DEEPEST_PATH
from augmentai.dataset.file_names import LONGEST_PATH_BYTES, printable, safe_path
from augmentai.images.file_types import UNREADABLE_FILES
from augmentai.plurals import counted
from augmentai.types import Failure

_NAMES_IN_A_NOTICE = 5


class NameSample:
    """Counts names, and remembers only the first few in alphabetical order.

    Example:
        >>> sample = NameSample()
        >>> for name in ("b.txt", "a.txt", "f.txt", "e.txt", "d.txt", "c.txt"):
        ...     sample.add(name)
        >>> sample.count, str(sample)
        (6, 'a.txt, b.txt, c.txt, d.txt, e.txt and 1 more')
    """

    def __init__(self) -> None:
        self.count = 0
        self._names: list[str] = []

    def add(self, name: str) -> None:
        """Count a name."""
        self.count += 1
        insort(self._names, printable(name))
        del self._names[_NAMES_IN_A_NOTICE:]

    def __str__(self) -> str:
        rest = self.count - len(self._names)
        return ", ".join(self._names) + (f" and {rest} more" if rest else "")


class ReadReport:
    """Collects failures and notices while inputs are read.

    Attributes:
        failures: files that were named, or found as images, and cannot be used.
        other_files: files that are neither images nor label files of the dataset.
        closed_archives: archives that could be read and were not opened: beside images, or too deep in another archive.
        unread_archives: archives of a kind that is not read.
        guessed_names: archives whose names are in an encoding that had to be guessed.
        hidden: files and folders that are hidden or that tools leave behind.
        linked_folders: folders that are symbolic links.
        run_folders: output folders of earlier runs.
        repeated: how many files were given more than once.
    """

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self.other_files = NameSample()
        self.closed_archives = NameSample()
        self.unread_archives = NameSample()
        self.guessed_names = NameSample()
        self._unreadable: dict[str, NameSample] = {}
        self.hidden = NameSample()
        self.linked_folders = NameSample()
        self.run_folders = NameSample()
        self.repeated = 0

    def fail(self, name: str, reason: str) -> None:
        """Report that a file cannot be used."""
        self.failures.append(Failure(printable(name), reason))

    def add_unreadable(self, kind: str, name: str) -> None:
        """Report a file that may hold images and is not one. kind: one of `UNREADABLE_FILES`."""
        self._unreadable.setdefault(kind, NameSample()).add(name)

    def unreadable_counts(self) -> Counter[str]:
        """How many files of each kind in `UNREADABLE_FILES` were found."""
        return Counter({kind: names.count for kind, names in self._unreadable.items()})

    def checked_path(self, name: str, within: str = "") -> str | None:
        """Make the path of an image safe, or report why it cannot be used.

        Args:
            name: the path as the folder, ZIP or caller states it.
            within: " in NAME.zip" for messages about a file in a ZIP.

        Returns:
            A relative path with forward slashes; None if a failure was reported.
        """
        if self.is_too_deep(name, within):
            return None
        safe = safe_path(name)
        if safe is None:
            self.fail(name, f"its path{within} points outside the folder; skipped")
            return None
        if len(safe.encode()) > LONGEST_PATH_BYTES:
            self.fail(safe[:200] + "...", f"its path{within} is longer than {LONGEST_PATH_BYTES} bytes; shorten it")
            return None
        return safe

    def is_too_deep(self, name: str, within: str = "") -> bool:
        """Whether a path has more folders than any dataset; if so, that is reported. Arguments as in `checked_path`."""
        if name.count("/") + name.count("\\") <= DEEPEST_PATH:
            return False
        is_long = len(name) > LONGEST_PATH_BYTES
        what = f"is longer than {LONGEST_PATH_BYTES} bytes" if is_long else f"has more than {DEEPEST_PATH} folders"
        self.fail(name[:200] + "...", f"its path{within} {what}; shorten it")
        return True

    def notices(self) -> list[str]:
        """One sentence per kind of file that was skipped."""
        found = []
        if count := self.other_files.count:
            found.append(f"Skipped {counted(count, 'non-image file')} ({self.other_files})")
        if self.repeated:
            found.append(f"Skipped {counted(self.repeated, 'duplicate file')}: given more than once")
        if self.hidden.count:
            found.append(f"Skipped hidden files, and files and folders that tools leave behind: {self.hidden}")
        for kind, names in sorted(self._unreadable.items()):
            found.append(f"Skipped {counted(names.count, f'{kind} file')} ({names}): {UNREADABLE_FILES[kind]}")
        if self.closed_archives.count:
            where = "Archives beside images, or in other archives"
            found.append(f"{where}, are not opened; name them separately: {self.closed_archives}")
        if self.unread_archives.count:
            found.append(f"Only ZIP and TAR archives are read; unpack these: {self.unread_archives}")
        if self.guessed_names.count:
            found.append(
                f"Names in an archive are not UTF-8; if they look wrong, create it again: {self.guessed_names}"
            )
        if self.linked_folders.count:
            found.append(f"Linked folders are not searched; name them separately: {self.linked_folders}")
        if self.run_folders.count:
            found.append(f"Folders of earlier runs are not searched; name them separately: {self.run_folders}")
        return found
