"""The first bytes of a label file, by which it is recognised."""

from __future__ import annotations

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry


def file_start(entry: Entry, size_bytes: int) -> bytes:
    """The start of a file's text as UTF-8. Raises LabelError, whatever is wrong with the file.

    Args:
        entry: the file.
        size_bytes: how much of it is read at most.
    """
    try:
        with entry.open_utf8() as stream:
            return stream.read(size_bytes)
    except LabelError:
        raise
    except Exception as error:  # OSError, zlib.error, BadZipFile, UnicodeDecodeError, ...
        raise LabelError(f"{entry.path} cannot be read ({error}); copy it again, or save it as UTF-8") from error
