"""The files of a dataset as they are found in folders and ZIPs, by name, before any of them is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from threading import Event
from typing import BinaryIO

from augmentai.dataset.archive import Member
from augmentai.dataset.file_names import SafeFolders, safe_path
from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.manifest import PAID_ANSWERS, RUN_LEDGER
from augmentai.dataset.readers.read_report import ReadReport
from augmentai.dataset.readers.table import Table, is_table
from augmentai.dataset.writers.zip_sidecar import is_sidecar
from augmentai.images.file_types import TYPE_OF_SUFFIX, UNREADABLE_FILES
from augmentai.plurals import counted
from augmentai.types import Failure

# What systems and tools keep next to the files of a user, in lower case; also all whose names begin with a dot.
_TOOL_FOLDERS = frozenset(
    {"__macosx", "@eadir", "@tmp", "#recycle", "@recycle", "#snapshot", "$recycle.bin", "system volume information"}
    | {"@__thumb", "@sharebin", "@transcode", "_vti_cnf", "_vti_pvt", "lost+found", "__pycache__", "node_modules"}
)
_TOOL_FILES = frozenset(
    {"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "picasa.ini", "zbthumbnail.info"}
)
_TOOL_ENDINGS = (":zone.identifier", "~", ".bak", ".orig", ".swp", "_original")  # the last: exiftool's copies
# What every system and version control leaves; skipping anything else is reported, since a user may miss it.
_UNREPORTED = frozenset({PAID_ANSWERS, RUN_LEDGER, "__macosx", ".git", ".ds_store"}) | _TOOL_FILES


class Listing:
    """Lists images and label files, each once.

    Args:
        report: where failures and skipped files are reported.
        stop: once it is set, nothing more is read.
        reads_tables: Parquet files are searched for images; else they are label files.

    Attributes:
        tree: the images and label files found so far.
        extracted_bytes: what all ZIPs so far extract to.
        archive_files: how many files all archives so far have.
        archive_folders: the folders in them.
        tables: Parquet files, which may hold images.
    """

    def __init__(self, report: ReadReport, stop: Event, reads_tables: bool = False) -> None:
        self.report, self.stop, self._reads_tables = report, stop, reads_tables
        self.tree = Tree()
        self.extracted_bytes = self.archive_files = 0
        self.archive_folders: set[str] = set()
        self.tables: list[Table] = []
        self._folders = SafeFolders()
        self._images = 0  # also those that cannot be used
        self._seen: set[str] = set()  # absolute paths
        self._skipped: set[str] = set()
        self._labels_alone: list[tuple[str, str, list[str]]] = []  # inputs with label files and without images

    def is_repeated(self, path: Path) -> bool:
        """Whether this path was asked about before."""
        repeated = str(path) in self._seen
        self._seen.add(str(path))
        return repeated

    def skip(self, name: str, where: str) -> None:
        """Report a file or folder of a tool. where: distinguishes those of one name."""
        if is_worth_reporting(name) and f"{where}/{name}" not in self._skipped:
            self._skipped.add(f"{where}/{name}")
            self.report.hidden.add(name)

    def progress(self) -> int:
        """Grows with every image and every failure: so a change shows that a folder or ZIP contained some."""
        return self._images + len(self.report.failures) + len(self.tables)

    def no_image_in(self, what: str) -> str:
        """Why nothing was found in a folder or an archive. what: "folder", "ZIP" or "archive"."""
        found = self.report.unreadable_counts()
        for path in self.tree.sidecars:
            if (kind := TYPE_OF_SUFFIX.get(PurePosixPath(path.lower()).suffix)) in UNREADABLE_FILES and kind:
                found[kind] += 1
        hints = [f"{counted(count, f'{kind} file')}: {UNREADABLE_FILES[kind]}" for kind, count in sorted(found.items())]
        return f"there is no image in this {what}" + (f", but {'; '.join(hints)}" if hints else "")

    def report_without_images(self, name: str, what: str, labels_before: int) -> None:
        """Report an input without images: at once, or if it has label files, once all inputs turn out to have none.

        Args:
            name: of the input.
            what: "folder", "ZIP" or "archive".
            labels_before: how many label files there were before it was listed.
        """
        if len(self.tree.sidecars) > labels_before:
            self._labels_alone.append((name, what, list(self.tree.sidecars)[labels_before:]))
        else:
            self.report.fail(name, self.no_image_in(what))

    def finish(self) -> list[Failure]:
        """Call it when all inputs are listed: what is reported of those that have label files, if there is no image."""
        reported = len(self.report.failures)
        stems = {image.name_stem for image in self.tree.images} if self._labels_alone else set()
        for name, what, labels in self._labels_alone:
            paths = [PurePosixPath(label) for label in labels]
            if not stems or all(path.suffix == ".txt" and path.stem not in stems for path in paths):  # notes
                self.report.fail(name, self.no_image_in(what))
        self._labels_alone.clear()
        return self.report.failures[reported:]

    def add_file(self, path: Path, relative: str) -> None:
        """Add an image on this machine. relative: its path in the dataset."""
        self._images += 1
        if self.is_repeated(path):
            self.report.repeated += 1
            return
        safe = self.report.checked_path(relative)
        if safe is not None:
            self.tree.images.append(self._entry(relative, safe, "", file=path))

    def add_table(
        self, relative: str, open_file: Callable[[], BinaryIO], file: Path | None = None, member: Member | None = None
    ) -> bool:
        """Add a file if it may be a Parquet file with images; else False. See `Table`."""
        if not (self._reads_tables and is_table(relative.rpartition("/")[2])):
            return False
        self.tables.append(Table(relative, open_file, self.add_label_file(relative, file, member)))
        return True

    def add_member(self, member: Member, name: str, origin: str, within: str) -> None:
        """Add an image in a ZIP or a store. origin: the ZIP it is in, or ""; within: see `ReadReport.checked_path`."""
        self._images += 1
        safe = self.report.checked_path(name, within)
        if safe is not None:
            self.tree.images.append(self._entry(name, safe, origin, member=member))

    def add_label_file(
        self, relative: str, file: Path | None = None, member: Member | None = None, origin: str = ""
    ) -> Entry | None:
        """Add a file that may contain labels. origin: the ZIP it is in, or "". Returns it, None if it was refused."""
        if self.report.is_too_deep(relative):
            return None
        safe = safe_path(relative)
        if safe is None:
            self.report.other_files.add(relative)
            return None
        entry = self._entry(relative, safe, origin, file, member)
        self.tree.add_sidecar(entry)
        return entry

    def _entry(
        self, name: str, safe: str, origin: str, file: Path | None = None, member: Member | None = None
    ) -> Entry:
        path = self._folders.unique(name, safe)
        return Entry(path, origin, file, member, original="" if path == name else name)


def is_ignored_folder(name: str) -> bool:
    """Whether a folder of this name belongs to the system or a tool, not to the user.

    Example:
        >>> [is_ignored_folder(name) for name in (".git", ".ipynb_checkpoints", "@eaDir", "cats")]
        [True, True, True, False]
    """
    return (name.startswith(".") and name not in {".", ".."}) or name.lower() in _TOOL_FOLDERS


def is_ignored_file(name: str) -> bool:
    """Whether a file of this name belongs to the system or a tool, not to the user.

    "._a.jpg" is what macOS keeps with a.jpg, "a.jpg:Zone.Identifier" what Windows does, "~$a.csv" marks an open file,
    and "a.jpg~" is an editor's copy.

    Example:
        >>> [is_ignored_file(name) for name in (".DS_Store", "._a.jpg", ".hidden.jpg", "Thumbs.db", "a.jpg")]
        [True, True, True, True, False]
    """
    lowered = name.lower()
    return name.startswith((".", "~$")) or lowered in _TOOL_FILES or lowered.endswith(_TOOL_ENDINGS)


def is_worth_reporting(name: str) -> bool:
    """Whether it is reported that an ignored file or folder was skipped.

    Example:
        >>> [is_worth_reporting(name) for name in (".hidden.jpg", ".thumbnails", "._a.jpg", "Thumbs.db", ".git")]
        [True, True, False, False, False]
    """
    lowered = name.lower()
    unreported = lowered in _UNREPORTED or is_sidecar(name)
    return not (unreported or lowered.startswith(("._", "~$")) or lowered.endswith(":zone.identifier"))
