"""Calls of the page's API through gradio_client, and what its ZIPs contain."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from gradio_client import Client, handle_file
from PIL import Image

from augmentai.dataset.manifest import OWN_FILES


def augment(client: Client, files: list[Path], **keywords: Any) -> tuple[list[dict[str, Any]], str, dict[str, Any]]:
    """One call: (gallery, path of the ZIP, report)."""
    return client.predict(files=[handle_file(file) for file in files], **keywords, api_name="/augment")


def zip_pixels(path: str) -> dict[str, np.ndarray[Any, Any]]:
    """The images in a ZIP by name."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name not in OWN_FILES]
        return {name: np.array(Image.open(io.BytesIO(archive.read(name)))) for name in names}


def manifest_of(path: str) -> list[dict[str, Any]]:
    """The manifest of a ZIP, which must be whole."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return [json.loads(line) for line in archive.read("manifest.jsonl").decode().splitlines()]
