"""The drop zone: photos, folders with their sub-folders, ZIPs.

`gr.File` loses sub-folders, and fails if a folder is dropped on it.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio import component_meta
from gradio.data_classes import FileData, GradioModel, GradioRootModel

from augmentai.dataset.formats.detect import label_suffixes
from augmentai.dataset.readers.file_kinds import ARCHIVE_SUFFIXES
from augmentai.images.file_types import (
    IMAGE_SUFFIXES,
    RAW_SUFFIXES,
    TYPE_OF_SUFFIX,
    UNREADABLE_FILES,
    UNREADABLE_IMAGES,
)
from augmentai.settings import Settings
from augmentai.web.assets import asset

_FOUND = ("summary", "similar")  # what the server tells the script


class DroppedFile(GradioModel):
    """rel: the path on the visitor's computer, not safe to use as a path. file: checked by Gradio to be an upload."""

    rel: str
    file: FileData


class DroppedFiles(GradioRootModel):
    root: list[DroppedFile]


# Gradio writes a stub beside the source of every new component, which the type checker would read in its place.
_write_stub, component_meta.create_or_modify_pyi = component_meta.create_or_modify_pyi, lambda *_: None


class DropZone(gr.HTML):
    """Value: a list of (path on the visitor's computer, path on the server). `summary`: what the server found in it.

    `similar`: what comparing its images has found.
    """

    data_model = DroppedFiles

    def __init__(self, **options: Any) -> None:
        """options: those of `gr.HTML`, and those of `drop_zone`, `summary` and `similar`, which the script reads.

        Gradio creates the component again, with the same options, for each visitor whose drop zone it updates.
        """
        own = {"html_template": asset("drop.html"), "js_on_load": asset("drop.js"), "apply_default_css": False}
        super().__init__(**(own | dict.fromkeys(_FOUND) | options))

    def __getattr__(self, name: str) -> Any:
        if name in _FOUND:  # Gradio takes every word in quotes in the script for an event, and sends its address
            raise AttributeError(name)
        return super().__getattr__(name)

    def preprocess(self, payload: DroppedFiles | None) -> list[tuple[str, str]]:
        return [(one.rel, one.file.path) for one in payload.root] if payload else []

    def postprocess(self, value: list[tuple[str, str]] | None) -> DroppedFiles | None:
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
    """A drop zone that states and enforces the limits of these settings."""
    limits = {
        "files": settings.max_files,
        "fileBytes": settings.max_file_bytes,
        "uploadBytes": int(settings.max_upload_mb * 1_000_000),
    }
    suffixes = sorted({*IMAGE_SUFFIXES, *RAW_SUFFIXES, *label_suffixes(), *ARCHIVE_SUFFIXES})
    advice = {**UNREADABLE_IMAGES, **UNREADABLE_FILES}
    unreadable = {suffix: f"{kind} is not supported; {advice[kind]}" for suffix, kind in TYPE_OF_SUFFIX.items()}
    return DropZone(
        limits=limits, suffixes=suffixes, archives=sorted(ARCHIVE_SUFFIXES), unreadable=unreadable, **options
    )
