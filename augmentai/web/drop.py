"""The drop zone: photos, folders with their sub-folders, ZIPs. `gr.File` loses sub-folders and cannot take a dropped one."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.data_classes import FileData, GradioModel, GradioRootModel

from augmentai.images.kinds import RAW_SUFFIXES, SUFFIXES
from augmentai.settings import Settings
from augmentai.web.assets import asset
from augmentai.web.uploads import LABEL_SUFFIXES, Entry


class DroppedFile(GradioModel):
    """rel: where it lay with the visitor, never to be trusted as a path. file: checked by Gradio to be an upload."""

    rel: str
    file: FileData


class DroppedFiles(GradioRootModel):
    root: list[DroppedFile]


class DropZone(gr.HTML):
    """Value: a list of (place with the visitor, path on the server). `about` tells what the server found in them."""

    data_model = DroppedFiles

    def __init__(self, settings: Settings, **options: Any) -> None:
        limits = {
            "files": settings.max_files,
            "fileBytes": settings.max_file_bytes,
            "uploadBytes": int(settings.max_upload_mb * 1_000_000),
        }
        suffixes = sorted({*SUFFIXES, *RAW_SUFFIXES, *LABEL_SUFFIXES, ".zip"})
        super().__init__(
            value=None,
            html_template=asset("drop.html"),
            js_on_load=asset("drop.js"),
            apply_default_css=False,
            limits=limits,
            suffixes=suffixes,
            about=None,
            **options,
        )

    def preprocess(self, payload: DroppedFiles | None) -> list[Entry]:  # type: ignore[override]
        return [(one.rel, one.file.path) for one in payload.root] if payload else []

    def postprocess(self, value: list[Entry] | None) -> DroppedFiles | None:  # type: ignore[override]
        if value is None:
            return None
        return DroppedFiles(root=[DroppedFile(rel=rel, file=FileData(path=path)) for rel, path in value])

    def api_info(self) -> dict[str, Any]:
        return DroppedFiles.model_json_schema()

    def example_payload(self) -> Any:
        return []

    def example_value(self) -> Any:
        return []
