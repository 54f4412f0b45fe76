"""A variation of a finished job and its source in all their pixels, made when somebody asks for them."""

from __future__ import annotations

import hashlib
import zipfile
from contextlib import suppress
from pathlib import Path, PurePosixPath

from augmentai.images import decode
from augmentai.images.photo import ImageError
from augmentai.images.preview import encode_for_web, shrink
from augmentai.operations import warp_from_manifest
from augmentai.types import Source
from augmentai.web.jobs.finished_job import FinishedJob
from augmentai.web.jobs.snapshot import ResultRow

_SHOWN_BY_BROWSERS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif"}


def full_pair(finished: FinishedJob, row: ResultRow, max_pixels: int) -> dict[str, str]:
    """Paths of files: "save", the variation's own; "preview" and "sourcePreview", which a browser can show.

    The source is moved as the variation was. What cannot be made is not in it.

    Args:
        finished: the job.
        row: of the variation.
        max_pixels: larger images are not decoded.
    """
    folder, pair = folder_of(finished, row) / "full", {}
    with suppress(ImageError, OSError, KeyError, RuntimeError, ValueError, zipfile.BadZipFile):
        pair["save"] = str(_own_file(finished, row, folder))
        is_shown = Path(row.file).suffix.lower() in _SHOWN_BY_BROWSERS
        pair["preview"] = pair["save"] if is_shown else _for_browser(Path(pair["save"]), folder, max_pixels)
        if (source := source_of(finished, row)) is not None:
            pair["sourcePreview"] = _source_for_browser(source, row, folder, max_pixels)
    return pair


def folder_of(finished: FinishedJob, row: ResultRow) -> Path:
    """Where the large images of a variation are: beside the small ones, where there are some."""
    if row.preview:
        return Path(row.preview).parent
    return finished.folder / "large" / hashlib.sha256(row.file.encode()).hexdigest()[:32]


def source_of(finished: FinishedJob, row: ResultRow) -> Source | None:
    """The source of a variation."""
    return next((source for source in finished.plan.sources if source.key == row.key), None)


def read_from_zip(finished: FinishedJob, file: str) -> bytes:
    """The bytes of a variation. Raises KeyError if no ZIP has it."""
    for path in finished.zips:
        with zipfile.ZipFile(path) as archive:
            if file in archive.NameToInfo:
                return archive.read(file)
    raise KeyError(file)


def _own_file(finished: FinishedJob, row: ResultRow, folder: Path) -> Path:
    path = folder / PurePosixPath(row.file).name
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(read_from_zip(finished, row.file))
    return path


def _for_browser(file: Path, folder: Path, max_pixels: int) -> str:
    image = decode(file.read_bytes(), file.name, max_pixels).flattened()
    data, ending = encode_for_web(shrink(image, max(image.size)))
    path = folder / f"shown.{ending}"
    path.write_bytes(data)
    return str(path)


def _source_for_browser(source: Source, row: ResultRow, folder: Path, max_pixels: int) -> str:
    if found := sorted(folder.glob("the-source.*")):
        return str(found[0])
    image = decode(source.read(), source.path, max_pixels).flattened()
    if row.geometry is not None:
        image = warp_from_manifest(row.geometry, row.size_wh, image.size).image(image)
    data, ending = encode_for_web(image)
    path = folder / f"the-source.{ending}"
    path.write_bytes(data)
    return str(path)
