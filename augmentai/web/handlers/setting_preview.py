"""The preview of the settings on one of the uploaded images, before a job. Free engines only: no click spends."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from augmentai.engines import with_key
from augmentai.engines.base import Engine
from augmentai.inspection.reduced_set import SIDE_PX, Picture, ReducedSet
from augmentai.inspection.setting_preview import SettingPreview, operations_alone
from augmentai.recipe import Recipe, RecipeError
from augmentai.recipe.fields import recipe_from_form
from augmentai.settings import Settings
from augmentai.web import preview_texts, texts
from augmentai.web.access.public import without_secrets
from augmentai.web.access.visitors import Visitors, address_of
from augmentai.web.components.preview_strip import fault, pictures, strip
from augmentai.web.estimates import first_ready
from augmentai.web.handlers.patience import Patience, TooSlowError
from augmentai.web.handlers.visitor import session_of
from augmentai.web.jobs.small_copies import small_copies
from augmentai.web.jobs.upload_places import Upload
from augmentai.web.jobs.uploads import INPUT_FOLDERS, link_uploads
from augmentai.web.parsing.lanes import BusyError
from augmentai.web.parsing.pool import ParsingError, ParsingPool
from augmentai.web.views import Updates

_MOST_SESSIONS = 12  # whose small copies are kept, up to 15 MB each; those of others are made again
_MOST_SECONDS = 0.3  # that one small variation may take, by the engine's own guess

_Uploads = tuple[tuple[Upload, ...], str]  # and the layout


@dataclass
class _Prepared:
    """What is known of one visitor's uploads."""

    uploads: _Uploads
    reduced: ReducedSet
    chosen: int = 0
    skipped: tuple[Picture, ...] = ()  # those before it, which cannot be read
    previews: dict[str, SettingPreview] = field(default_factory=dict)  # by engine


def _prepared(uploads: _Uploads, reduced: ReducedSet) -> _Prepared:
    """What is known of uploads; the first image that can be read is chosen."""
    first = next((number for number, one in enumerate(reduced.pictures) if one.photo is not None), 0)
    return _Prepared(uploads, reduced, first, reduced.pictures[:first])


class SettingPreviewHandlers:
    """Shows what the settings make of one image. Each visitor reaches their own images only."""

    def __init__(
        self,
        settings: Settings,
        engines: Sequence[Engine],
        visitors: Visitors,
        parsing: ParsingPool,
        patience: Patience | None = None,
    ) -> None:
        self._settings, self._engines, self._visitors, self._parsing = settings, engines, visitors, parsing
        self._patience = patience or Patience()
        self._prepared: OrderedDict[str, _Prepared] = OrderedDict()  # by session, the latest last
        self._folded: set[str] = set()
        self._lock = threading.Lock()

    def begin(self, uploads: Sequence[Upload], request: gr.Request) -> Updates:
        """Other images were uploaded: say that a preview is being made, or hide it."""
        self._folded.discard(session_of(request))
        if not uploads:
            self.close(request)
            return {"preview": gr.Accordion(visible=False), "preview_pictures": "", "preview_strip": ""}
        return {
            "preview": gr.Accordion(visible=True, open=True),
            "preview_pictures": "",
            "preview_strip": texts.line(preview_texts.READING),
        }

    def read(self, uploads: Sequence[Upload], layout: str | None, request: gr.Request) -> Updates:
        """Make small copies of a few images, unless there are some already."""
        session, asked = session_of(request), (tuple(uploads), layout or "auto")
        if not uploads or session in self._folded or self._known(session, asked) is not None:
            return {}
        try:
            prepared = _prepared(asked, self._reduced(*asked, request))
        except (BusyError, ParsingError, OSError) as error:
            return {"preview_pictures": "", "preview_strip": texts.warning(preview_texts.not_made(error))}
        with self._lock:
            self._prepared[session] = prepared
            while len(self._prepared) > _MOST_SESSIONS:
                self._prepared.popitem(last=False)
        found = prepared.reduced.pictures
        return {
            "preview": gr.Accordion(visible=bool(found)),
            "preview_pictures": pictures(found, prepared.chosen),
            "preview_labels": gr.Checkbox(visible=any(one.labels is not None for one in found)),
        }

    def choose(self, number: Any, request: gr.Request) -> None:
        """Another image for the preview. number: its place among those that are shown."""
        prepared = self._prepared.get(session_of(request))
        if prepared is not None and isinstance(number, int) and 0 <= number < len(prepared.reduced.pictures):
            prepared.chosen, prepared.skipped = number, ()

    def fold(self, request: gr.Request) -> None:
        """Nothing is made while nobody looks."""
        self._folded.add(session_of(request))

    def unfold(self, request: gr.Request) -> None:
        """The visitor looks again."""
        self._folded.discard(session_of(request))

    def close(self, request: gr.Request) -> None:
        """Forget a visitor's images: the tab was closed."""
        with self._lock:
            self._prepared.pop(session_of(request), None)
        self._folded.discard(session_of(request))

    def show(
        self, what: str, key: str, form: Mapping[str, Any], request: gr.Request, class_names: Sequence[str] = ()
    ) -> Updates:
        """The preview of the chosen image.

        Args:
            what: "variations", "strengths" or "operations".
            key: of a hosted engine.
            form: the settings.
            request: the visitor's.
            class_names: of the set, in the order of their colours.
        """
        session = session_of(request)
        prepared = self._prepared.get(session)
        if prepared is None or session in self._folded or not prepared.reduced.pictures:
            return {}
        picture = prepared.reduced.pictures[prepared.chosen]
        if picture.photo is None:
            return {"preview_strip": fault(picture)}
        try:
            recipe = recipe_from_form(form)
            shown = self._shown(prepared, picture, what, key, recipe, class_names)
        except RecipeError as error:
            shown = strip(picture, texts.warning(str(error)), [], "", class_names)
        return {"preview_strip": "".join(map(fault, prepared.skipped)) + shown}

    def _shown(
        self, prepared: _Prepared, picture: Picture, what: str, key: str, recipe: Recipe, class_names: Sequence[str]
    ) -> str:
        if what == "operations":
            try:
                shown = self._patience.run(what, lambda: operations_alone(picture, recipe))
            except TooSlowError:
                return strip(picture, preview_texts.SLOW_OPERATIONS, [], "", class_names)
            return strip(picture, preview_texts.operations(recipe), shown, "", class_names)
        active, _ = first_ready(with_key(self._engines, key or ""), recipe.engine)
        if active is None or not _is_quick(active):
            return strip(picture, preview_texts.no_preview(active, recipe, picture.source), [], "", class_names)
        painted = partial(self._painted, prepared, picture, what, active, recipe, class_names)
        try:
            return self._patience.run(active.name, painted)
        except TooSlowError:  # whatever it guessed before
            return strip(picture, preview_texts.no_preview(active, recipe, picture.source), [], "", class_names)

    def _painted(
        self,
        prepared: _Prepared,
        picture: Picture,
        what: str,
        active: Engine,
        recipe: Recipe,
        class_names: Sequence[str],
    ) -> str:
        """What an engine makes of a picture."""
        preview = self._preview(prepared, active)
        strength = preview.strength(picture, recipe)
        if what == "strengths":
            if not active.paints:
                return strip(picture, preview_texts.no_strength(active), [], "", class_names)
            lead = preview_texts.strengths(recipe, strength)
            return strip(picture, lead, preview.strengths(picture, recipe), f"Strength {strength:g}", class_names)
        lead = preview_texts.variations(active, recipe, strength, prepared.reduced.is_whole)
        return strip(picture, lead, preview.variations(picture, recipe), "", class_names)

    def _preview(self, prepared: _Prepared, engine: Engine) -> SettingPreview:
        """With an engine of its own, so that what it remembers of small copies reaches no job."""
        if engine.name not in prepared.previews:
            prepared.previews[engine.name] = SettingPreview(prepared.reduced, type(engine)(engine.settings))
        return prepared.previews[engine.name]

    def _known(self, session: str, asked: _Uploads) -> _Prepared | None:
        with self._lock:
            prepared = self._prepared.get(session)
            if prepared is None or prepared.uploads != asked:
                return None
            self._prepared.move_to_end(session)
            return prepared

    def _reduced(self, uploads: Sequence[Upload], layout: str, request: gr.Request) -> ReducedSet:
        visitor, settings = address_of(request, self._visitors.proxies), without_secrets(self._settings)
        home = Path(get_upload_folder())  # on the disk of the uploads, which are linked
        home.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="preview-", dir=home) as folder:
            files = link_uploads(uploads, Path(folder) / INPUT_FOLDERS[0])
            return self._parsing.run(visitor, small_copies, files, settings, layout)


def _is_quick(engine: Engine) -> bool:
    """Whether it paints without being paid, and soon."""
    return not engine.paid and engine.seconds_per_image(SIDE_PX * SIDE_PX) <= _MOST_SECONDS
