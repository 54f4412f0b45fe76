"""The drop zone: photos, folders with their sub-folders, ZIPs.

`gr.File` loses sub-folders, and fails where one is dropped on it.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio import component_meta
from gradio.data_classes import FileData, GradioModel, GradioRootModel

from augmentai.dataset.formats.detect import label_suffixes
from augmentai.images.file_types import IMAGE_SUFFIXES, RAW_SUFFIXES
from augmentai.settings import Settings
from augmentai.web.assets import asset
from augmentai.web.jobs.uploads import Entry


class DroppedFile(GradioModel):
    """rel: where it lay with the visitor, never to be trusted as a path. file: checked by Gradio to be an upload."""

    rel: str
    file: FileData


class DroppedFiles(GradioRootModel):
    root: list[DroppedFile]


# Gradio writes a stub beside the source of every new component; it would stand before this file in the type checker.
_write_stub, component_meta.create_or_modify_pyi = component_meta.create_or_modify_pyi, lambda *_: None


class DropZone(gr.HTML):
    """Value: a list of (place with the visitor, path on the server). `about` tells what the server found in them."""

    data_model = DroppedFiles

    def __init__(self, **options: Any) -> None:
        """options: of `gr.HTML`, and `limits`, `suffixes` and `about`, which the script reads.

        Gradio makes the component anew, with what it was made with, for each visitor whose zone it changes.
        """
        own = {"html_template": asset("drop.html"), "js_on_load": asset("drop.js"), "apply_default_css": False}
        super().__init__(**(own | {"about": None} | options))

    def preprocess(self, payload: DroppedFiles | None) -> list[Entry]:
        return [(one.rel, one.file.path) for one in payload.root] if payload else []

    def postprocess(self, value: list[Entry] | None) -> DroppedFiles | None:
        if value is None:
            return None
        return DroppedFiles(root=[DroppedFile(rel=rel, file=FileData(path=path)) for rel, path in value])

    def api_info(self) -> dict[str, Any]:
        return DroppedFiles.model_json_schema()

    def example_payload(self) -> Any:
        return []

    def example_value(self) -> Any:
        return []


component_meta.create_or_modify_pyi = _write_stub


def drop_zone(settings: Settings, **options: Any) -> DropZone:
    """The zone with the limits of these settings, which it tells and keeps."""
    limits = {
        "files": settings.max_files,
        "fileBytes": settings.max_file_bytes,
        "uploadBytes": int(settings.max_upload_mb * 1_000_000),
    }
    suffixes = sorted({*IMAGE_SUFFIXES, *RAW_SUFFIXES, *label_suffixes(), ".zip"})
    return DropZone(limits=limits, suffixes=suffixes, **options)
