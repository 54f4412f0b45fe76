"""What a job reads apart from pixels, read once in another process: if that process ends, so does the job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event

from augmentai.annotations import LabelError
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.readers.limits import Limits
from augmentai.images.file_types import IMAGE_SUFFIXES
from augmentai.web.parsing.lanes import BusyError
from augmentai.web.parsing.pool import ParsingError, ParsingPool


def check_labels(
    parsing: ParsingPool, visitor: str, files: Sequence[Path], bounds: Limits, layout: str, stop: Event
) -> None:
    """Read the labels of a job where they can do no harm, before the job reads them. Files without any are not read.

    Args:
        parsing: where they are read.
        visitor: whose job it is.
        files: files, folders and ZIPs.
        bounds: how much is read.
        layout: as for `gather`.
        stop: set it to end the reading; then nothing is raised.

    Raises:
        ParsingError: they take too much time or memory; the message names the file.
    """
    half = 1 / 2  # the job reads them once more
    checked = are_photos(file for path in files for file in (path.rglob("*.*") if path.is_dir() else (path,)))
    while not (checked or stop.is_set()):
        try:
            parsing.run(visitor, read_labels, files, bounds, layout, stop=stop, of_processor=half)
            checked = True
        except BusyError:
            stop.wait(1)
        except ParsingError:
            if not stop.is_set():
                raise


def are_photos(files: Iterable[Path]) -> bool:
    """Whether files are images by their names: neither archives nor anything that may hold labels.

    Example:
        >>> are_photos([Path("a.jpg"), Path("b.PNG")]), are_photos([Path("a.jpg"), Path("set.tar")])
        (True, False)
    """
    return all(path.suffix.lower() in IMAGE_SUFFIXES for path in files)


def read_labels(files: Sequence[Path], bounds: Limits, layout: str) -> None:
    """Read everything that a job over these files will read, except pixels. Nothing is raised for bad files."""
    gathered = gather(files, bounds, layout=layout, hashes=False)
    for source in (*gathered.sources, *gathered.holdout):
        if source.labels is not None:
            with suppress(LabelError):
                source.labels.load()
