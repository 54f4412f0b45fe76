"""A label writer of another package, whose faults cost an image or the conversion, and never the job.

Whatever it names stays within the result, and no two images get the same file.
"""

from __future__ import annotations

import json
from functools import partial
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.file_names import clear_of_own_files, safe_path
from augmentai.dataset.formats.base import LabelWriter, OutputFile, StreamedFiles
from augmentai.images.photo import ImageError
from augmentai.recipe import RecipeError
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_PIECE_BYTES = 1 << 20


class GuardedLabelWriter:
    """A `LabelWriter` that checks another one.

    Args:
        writer: of another package.
        name: of its format, with the package, for messages.
    """

    def __init__(self, writer: LabelWriter, name: str) -> None:
        self._writer, self._name = writer, name
        self.losses = writer.losses
        self._owners: dict[int, str] = {}  # {hash of a file's path: the image that it is or belongs to}

    def image_path(self, source: Source) -> str:
        """Where an image is in the result. Raises RecipeError if that is no place in it."""
        try:
            path = self._writer.image_path(source)
        except Exception as error:  # another package's code may fail in any way
            raise RecipeError(f"{self._name} cannot say where {source.path} goes ({_words(error)})") from error
        if not _is_inside(path):
            raise RecipeError(f"{self._name} puts {source.path} at {path!r}, which is not a place inside the result")
        return path

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        try:
            named = self._writer.label_files(source, file, labels, size_wh)
            files = [(path, bytes(memoryview(data))) for path, data in named]
        except (LabelError, ImageError, OSError, MemoryError):
            raise
        except Exception as error:
            raise LabelError(f"{self._name} cannot write the labels of {file} ({_words(error)})") from error
        self._claim(file, file)
        for path, _ in files:
            if path == file:
                raise LabelError(f"{self._name} gives the labels of {file} the path of the image itself")
            self._claim(path, file)
        return files

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        try:
            return json.loads(json.dumps(self._writer.record(source, labels, size_wh), allow_nan=False))
        except (LabelError, OSError, MemoryError):
            raise
        except Exception as error:
            raise LabelError(f"{self._name} cannot list a variation of {source.path} ({_words(error)})") from error

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        """Each file once it is complete. One that cannot be written is a loss: the images are finished by then."""
        try:
            for path, pieces in self._writer.dataset_files(rows):
                if not _is_inside(path):
                    raise ValueError(f"{path!r} is not a place inside the result")
                with TemporaryFile() as whole:
                    whole.writelines(pieces)
                    whole.seek(0)
                    yield path, iter(partial(whole.read, _PIECE_BYTES), b"")
        except (OutputError, OSError, MemoryError):
            raise
        except Exception as error:
            what = f"{self._name} could not write the files of the whole set ({_words(error)}), so they are missing"
            self.losses.setdefault(f"{what}; update that package and run the same again")

    def _claim(self, path: str, image: str) -> None:
        if not _is_inside(path):
            raise LabelError(f"{self._name} puts the labels of {image} at {path!r}, which is not inside the result")
        if clear_of_own_files(path) != path:
            raise LabelError(f"{self._name} puts the labels of {image} at {path!r}, which the result needs itself")
        if (owner := self._owners.setdefault(hash(path.casefold()), image)) != image:
            raise LabelError(f"{self._name} puts labels of {image} into {path}, which belongs to {owner}")


def _is_inside(path: object) -> bool:
    return isinstance(path, str) and safe_path(path) == path


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
