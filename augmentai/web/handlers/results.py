"""Handlers of the results: filter them, compare one with its source, exclude some, download the rest."""

from __future__ import annotations

import logging
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import gradio as gr

from augmentai.dataset.writers.base import OutputError
from augmentai.images.photo import ImageError
from augmentai.images.preview import encode_for_web, thumbnail
from augmentai.operations import warp_from_manifest
from augmentai.settings import Settings
from augmentai.web import texts
from augmentai.web.handlers.interrupted import kept_download, pack_answers
from augmentai.web.jobs.finished_job import FinishedJob
from augmentai.web.jobs.full_images import folder_of, full_pair, read_from_zip, source_of
from augmentai.web.jobs.heartbeat import run_with_heartbeat
from augmentai.web.jobs.selection import EVERYTHING, View
from augmentai.web.jobs.session_store import SessionStore
from augmentai.web.jobs.snapshot import ResultRow
from augmentai.web.jobs.zip_packing import Packing
from augmentai.web.views import Updates, choice_view, download_view, report_view, result_page

_COMPARED_SIDE_PX = 1280
_UPDATE_SECONDS = 0.4  # between two updates of the packing progress

_log = logging.getLogger(__name__)


class ResultHandlers:
    """Handlers of the finished jobs of all visitors; each visitor reaches only their own."""

    def __init__(self, settings: Settings, sessions: SessionStore) -> None:
        self._settings, self._sessions = settings, sessions
        self._excluding = threading.Lock()

    def show(self, view: View, number: float, session: str) -> Updates:
        """Show a page of what a view shows."""
        finished = self._sessions.get(session)
        return result_page(finished, view, int(number or 1)) if finished else {}

    def draw(self, view: View, session: str) -> Updates:
        """Show another 12 of these at random."""
        finished = self._sessions.get(session)
        if finished is None:
            return {}
        finished.draw += 1
        shown = {"shown": gr.Dropdown(value="random"), "draw_labels": gr.Checkbox(value=True)}
        return {**self.show(replace(view, shown="random"), 1, session), **shown}

    def exclude(
        self, files: Sequence[str], revision: int, session: str, included: Sequence[str] = (), view: View = EVERYTHING
    ) -> Updates:
        """Exclude variations from the ZIP.

        Args:
            files: those that are excluded.
            revision: see `Exclusions.change`.
            session: the visitor's.
            included: those that are included again.
            view: what is shown.
        """
        finished = self._sessions.get(session)
        if finished is None:
            return {}
        known = {row.file for row in finished.rows}
        with self._excluding:
            finished.exclusions.change(known & set(files), known & set(included), revision)
        return {**self._chosen(finished), **choice_view(finished, finished.shown_rows(view))}

    def exclude_shown(self, view: View, excluded: bool, number: float, session: str) -> Updates:
        """Exclude all that a view shows, on all its pages, or include them again."""
        finished = self._sessions.get(session)
        if finished is None:
            return {}
        files = {row.file for row in finished.shown_rows(view)}
        with self._excluding:
            revision = int(time.time() * 1000)
            finished.exclusions.change(files if excluded else set(), set() if excluded else files, revision)
        return {**self._chosen(finished), **result_page(finished, view, int(number or 1))}

    def undo(self, view: View, number: float, session: str) -> Updates:
        """Undo the latest change of what is excluded."""
        finished = self._sessions.get(session)
        if finished is None:
            return {}
        with self._excluding:
            finished.exclusions.undo()
        return {**self._chosen(finished), **result_page(finished, view, int(number or 1))}

    def _chosen(self, finished: FinishedJob) -> Updates:
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

    def full(self, file: str, session: str) -> Updates:
        """A variation and its source in all their pixels, and the variation's own file to download."""
        finished = self._sessions.get(session)
        row = finished.row(file) if finished else None
        if finished is None or row is None:
            return {}
        return {"grid": gr.update(pixels={"file": file, **full_pair(finished, row, self._settings.max_pixels)})}

    def _pair(self, finished: FinishedJob, row: ResultRow) -> dict[str, str]:
        """Paths of the large images that could be made; the small ones stay in place of the others."""
        source, folder = source_of(finished, row), folder_of(finished, row)
        pair = {"preview": self._large(row, folder, "variation", lambda: read_from_zip(finished, row.file))}
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
