"""The masks below the settings: what the operation `background` would cut out of a few of the uploaded images."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from augmentai.inspection.cutouts import Cutouts, background_of
from augmentai.operations import OperationError
from augmentai.recipe import Recipe, RecipeError
from augmentai.recipe.fields import recipe_from_form
from augmentai.settings import Settings
from augmentai.web import texts
from augmentai.web.access.public import without_secrets
from augmentai.web.access.visitors import Visitors, address_of
from augmentai.web.components.masks_strip import strip
from augmentai.web.handlers.visitor import session_of
from augmentai.web.jobs.cutouts import cut_out
from augmentai.web.jobs.upload_places import Upload
from augmentai.web.jobs.uploads import INPUT_FOLDERS, link_uploads
from augmentai.web.parsing.lanes import BusyError
from augmentai.web.parsing.pool import ParsingError, ParsingPool
from augmentai.web.views import Updates

_MOST_SESSIONS = 10_000  # of which the latest question is remembered
_FINDING = "Finding what will be cut out …"


class MaskHandlers:
    """Shows masks before a job."""

    def __init__(self, settings: Settings, visitors: Visitors, parsing: ParsingPool) -> None:
        self._settings, self._visitors, self._parsing = settings, visitors, parsing
        self._latest: OrderedDict[str, object] = OrderedDict()  # by session; an answer that comes late is dropped

    def begin(self, uploads: Sequence[Upload], operations: Any, layout: str | None) -> Updates:
        """At once: that masks are being found, or that there are none to show."""
        wanted = bool(uploads) and _cutting(operations, layout) is not None
        return {"masks": gr.Column(visible=wanted), "masks_strip": texts.line(_FINDING) if wanted else ""}

    def show(self, uploads: Sequence[Upload], operations: Any, layout: str | None, request: gr.Request) -> Updates:
        """The masks of a few images; nothing unless images are uploaded and the operations cut something out.

        No updates if the visitor has asked again meanwhile.
        """
        asked, session = object(), session_of(request)
        self._latest[session] = asked
        self._latest.move_to_end(session)
        if len(self._latest) > _MOST_SESSIONS:
            self._latest.popitem(last=False)
        updates = self._shown(uploads, operations, layout, request)
        return updates if self._latest.get(session) is asked else {}

    def _shown(self, uploads: Sequence[Upload], operations: Any, layout: str | None, request: gr.Request) -> Updates:
        recipe = _cutting(operations, layout)
        if recipe is None or not uploads:
            return {"masks": gr.Column(visible=False), "masks_strip": ""}
        try:
            found = self._found(uploads, recipe, request)
        except (OperationError, RecipeError, BusyError, ParsingError, OSError) as error:
            return {"masks": gr.Column(visible=True), "masks_strip": texts.warning(f"Masks cannot be shown: {error}")}
        return {"masks": gr.Column(visible=bool(found.images)), "masks_strip": strip(found)}

    def _found(self, uploads: Sequence[Upload], recipe: Recipe, request: gr.Request) -> Cutouts:
        visitor, settings = address_of(request, self._visitors.proxies), without_secrets(self._settings)
        home = Path(get_upload_folder())  # on the disk of the uploads, which are linked
        home.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="masks-", dir=home) as folder:
            files = link_uploads(uploads, Path(folder) / INPUT_FOLDERS[0])
            return self._parsing.run(visitor, cut_out, files, settings, recipe)


def _cutting(operations: Any, layout: str | None) -> Recipe | None:
    """The recipe, if it can be used and cuts something out; what is wrong with it is said elsewhere on the page."""
    try:
        recipe = recipe_from_form({"operations": operations, "layout": layout})
        background_of(recipe)
    except RecipeError:
        return None
    return recipe
