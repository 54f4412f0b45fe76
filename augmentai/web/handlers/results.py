"""Handlers of the results: filter them, compare one with its source, exclude some, download the rest."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import gradio as gr

from augmentai.dataset.writers.base import OutputError
from augmentai.images.photo import ImageError
from augmentai.images.preview import encode_for_web, thumbnail
from augmentai.operations import warp_from_manifest
from augmentai.settings import Settings
from augmentai.types import Source
from augmentai.web import texts
from augmentai.web.handlers.interrupted import kept_download, pack_answers
from augmentai.web.jobs.finished_job import FinishedJob
from augmentai.web.jobs.heartbeat import run_with_heartbeat
from augmentai.web.jobs.session_store import SessionStore
from augmentai.web.jobs.snapshot import ResultRow
from augmentai.web.jobs.zip_packing import Packing
from augmentai.web.views import Updates, download_view, report_view, result_page

_COMPARED_SIDE_PX = 1280
_UPDATE_SECONDS = 0.4  # between two updates of the packing progress

_log = logging.getLogger(__name__)


class ResultHandlers:
    """Handlers of the finished jobs of all visitors; each visitor reaches only their own."""

    def __init__(self, settings: Settings, sessions: SessionStore) -> None:
        self._settings, self._sessions = settings, sessions
        self._excluding = threading.Lock()

    def filter(self, source: str, label: str, session: str) -> Updates:
        """Apply other filters and show their first page."""
        finished = self._sessions.get(session)
        return result_page(finished, source or "", label or "", 1) if finished else {}

    def turn_page(self, source: str, label: str, number: float, session: str) -> Updates:
        """Show another page with the same filters."""
        finished = self._sessions.get(session)
        updates = result_page(finished, source or "", label or "", int(number or 1)) if finished else {}
        return {name: value for name, value in updates.items() if name == "grid"}

    def exclude(self, files: list[str], revision: int, session: str) -> Updates:
        """Exclude variations from the ZIP.

        Args:
            files: all that are excluded from now on.
            revision: number of the click; two quick ones may arrive in either order, and the later one counts.
            session: the visitor's.
        """
        finished = self._sessions.get(session)
        if finished is None:
            return {}
        known = {row.file for row in finished.rows}
        with self._excluding:
            if revision > finished.revision:
                finished.revision = revision
                finished.excluded = known & set(files)
        return {**download_view(finished), "report": report_view(finished)}

    def pack(self, session: str) -> Iterator[Updates]:
        """Pack a ZIP of what is included now, and show the progress on its button."""
        finished, offered = self._sessions.get(session), self._sessions.offered(session)
        if finished is not None:
            work = finished.pack()
        elif offered is not None:
            work = pack_answers(offered)
        else:
            yield {"status": texts.failed(texts.EXPIRED)}
            return
        last_update, path = 0.0, None
        try:
            with closing(run_with_heartbeat(work, Packing(), threading.Event())) as packings:
                for packing in packings:
                    path = packing.path
                    now = time.monotonic()
                    if now - last_update > _UPDATE_SECONDS:
                        label = texts.packing_label(packing.done, packing.expected)
                        yield {"pack": gr.Button(label, interactive=False)}
                        last_update = now
                    else:
                        yield {}
        except (OSError, OutputError, zipfile.BadZipFile) as error:
            _log.warning("a ZIP could not be packed (%s)", error)
            yield {"status": texts.failed(texts.NOT_PACKED)}
        if finished is not None:
            yield download_view(finished)
        elif path is not None:
            yield kept_download(path)

    def compare(self, file: str, session: str) -> Updates:
        """Larger images of a variation and of its source, warped alike, for the dialog that compares them."""
        finished = self._sessions.get(session)
        row = finished.row(file) if finished else None
        if finished is None or row is None:
            return {}
        return {"grid": gr.update(pair={"file": file, **self._pair(finished, row)})}

    def _pair(self, finished: FinishedJob, row: ResultRow) -> dict[str, str]:
        """Paths of the large images that could be made; the small ones stay in place of the others."""
        source = next((s for s in finished.plan.sources if _is_source_of(s, row)), None)
        folder = _folder_of(finished, row)
        pair = {"preview": self._large(row, folder, "variation", lambda: _read_from_zip(finished, row.file))}
        if source is not None:
            pair["sourcePreview"] = self._large(row, folder, "source", source.read)
        return {name: path for name, path in pair.items() if path}

    def _large(self, row: ResultRow, folder: Path, name: str, read: Callable[[], bytes]) -> str:
        """The path of a large image, made when it is first needed; empty if that fails."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            found = sorted(folder.glob(f"large-{name}.*"))
            if found:
                return str(found[0])
            large = thumbnail(read(), row.file, self._settings.max_pixels, _COMPARED_SIDE_PX)
            if name == "source" and row.geometry is not None:
                large = warp_from_manifest(row.geometry, row.size_wh, large.size).image(large)
            data, ending = encode_for_web(large)
            path = folder / f"large-{name}.{ending}"
            path.write_bytes(data)
        except (ImageError, OSError, KeyError, RuntimeError, ValueError, zipfile.BadZipFile):
            return ""
        return str(path)


def _folder_of(finished: FinishedJob, row: ResultRow) -> Path:
    """Where the large images of a variation are: beside the small ones, where there are some."""
    if row.preview:
        return Path(row.preview).parent
    return finished.folder / "large" / hashlib.sha256(row.file.encode()).hexdigest()[:32]


def _is_source_of(source: Source, row: ResultRow) -> bool:
    return (source.path, source.sha256) == (row.source, row.sha256)


def _read_from_zip(finished: FinishedJob, file: str) -> bytes:
    """The bytes of a variation. Raises KeyError if no ZIP has it."""
    for path in finished.zips:
        with zipfile.ZipFile(path) as archive:
            if file in archive.NameToInfo:
                return archive.read(file)
    raise KeyError(file)
