"""What a visitor does with results: narrow them down, compare one with its source, leave one out."""

from __future__ import annotations

import logging
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gradio as gr

from augmentai.dataset.writers.base import OutputError
from augmentai.images.photo import ImageError
from augmentai.images.preview import encode_for_web, thumbnail
from augmentai.operations import warp_from_manifest
from augmentai.pipeline.merge import Packing
from augmentai.settings import Settings
from augmentai.web import texts
from augmentai.web.components.plots import report_page
from augmentai.web.jobs.heartbeat import beating
from augmentai.web.jobs.run import Row
from augmentai.web.jobs.session_store import Finished, SessionStore
from augmentai.web.views import Shown, download, page_of

_COMPARED_SIDE_PX = 1280
_PAUSE_SECONDS = 0.4  # between two words on how far the ZIP is

_log = logging.getLogger(__name__)


class ResultHandlers:
    """Handlers over the finished jobs of all visitors; each sees but their own."""

    def __init__(self, settings: Settings, shelf: SessionStore) -> None:
        self._settings, self._shelf = settings, shelf
        self._choosing = threading.Lock()

    def narrow(self, source: str, label: str, session: str) -> Shown:
        """Another filter: its first page."""
        finished = self._shelf.get(session)
        return page_of(finished, source or "", label or "", 1) if finished else {}

    def turn(self, source: str, label: str, number: float, session: str) -> Shown:
        """Another page of the same filter."""
        finished = self._shelf.get(session)
        view = page_of(finished, source or "", label or "", int(number or 1)) if finished else {}
        return {name: shown for name, shown in view.items() if name == "grid"}

    def leave_out(self, files: list[str], turn: int, session: str) -> Shown:
        """`files` are all that are left out from now on. turn: counts the clicks, since two quick ones may arrive in
        either order."""
        finished = self._shelf.get(session)
        if finished is None:
            return {}
        known = {row.file for row in finished.rows}
        with self._choosing:
            if turn > finished.turn:
                finished.turn = turn
                finished.left_out = known & set(files)
        return {**download(finished), "report": report_page(finished)}

    def pack(self, session: str) -> Iterator[Shown]:
        """The ZIP of what was left out of or added to since it was packed, made when it is asked for."""
        finished = self._shelf.get(session)
        if finished is None:
            yield {"status": texts.failed(texts.GONE)}
            return
        shown = 0.0
        try:
            with closing(beating(finished.pack(), Packing(), threading.Event())) as packings:
                for packing in packings:
                    now = time.monotonic()
                    if now - shown > _PAUSE_SECONDS:
                        yield {"pack": gr.Button(texts.packing(packing), interactive=False)}
                        shown = now
                    else:
                        yield {}
        except (OSError, OutputError, zipfile.BadZipFile) as error:
            _log.warning("a ZIP could not be packed (%s)", error)
            yield {"status": texts.failed(texts.NOT_PACKED)}
        yield download(finished)

    def compare(self, file: str, session: str) -> Shown:
        """Larger pictures of one variation and of its source, moved alike, for the window that compares them."""
        finished = self._shelf.get(session)
        row = finished.row(file) if finished else None
        if finished is None or row is None:
            return {}
        return {"grid": gr.update(pair={"file": file, **self._pair(finished, row)})}

    def _pair(self, finished: Finished, row: Row) -> dict[str, Any]:
        holder = Path(row.preview).parent
        pair: dict[str, Any] = {}
        source = next((s for s in finished.gathered.sources if (s.path, s.sha256) == (row.source, row.sha256)), None)
        for name, read in (
            ("after", lambda: _from_zip(finished, row.file)),
            ("before", source.read if source else None),
        ):
            found = sorted(holder.glob(f"large-{name}.*"))
            try:
                if not found and read is not None:
                    large = thumbnail(read(), row.file, self._settings.max_pixels, _COMPARED_SIDE_PX)
                    if name == "before" and row.geometry is not None:
                        large = warp_from_manifest(row.geometry, row.size_wh, large.size).image(large)
                    data, ending = encode_for_web(large)
                    found = [holder / f"large-{name}.{ending}"]
                    found[0].write_bytes(data)
            except (ImageError, OSError, KeyError, RuntimeError, ValueError, zipfile.BadZipFile):
                continue  # the small picture stays
            if found:
                pair[name] = str(found[0])
        return pair


def _from_zip(finished: Finished, file: str) -> bytes:
    """Raises KeyError where it is in none."""
    for path in finished.zips:
        with zipfile.ZipFile(path) as archive:
            if file in archive.NameToInfo:
                return archive.read(file)
    raise KeyError(file)
