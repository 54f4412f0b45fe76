"""Many visitors at once over gradio_client, each in a thread: for the load test and `benchmarks/load.py`."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gradio_client import Client, handle_file
from PIL import Image

_SIDE_PX = 48


@dataclass(frozen=True)
class Visit:
    """How one visitor fared. Times in seconds since the start; `ours` counts images made from their own."""

    number: int
    began: float
    ended: float
    made: int
    ours: int
    problem: str = ""


def colour_of(number: int) -> tuple[int, int, int]:
    """A colour for each of up to 64 visitors, far apart from every other's."""
    return (40 + 60 * (number % 4), 40 + 60 * (number // 4 % 4), 40 + 60 * (number // 16 % 4))


def photo_of(number: int, folder: Path, side_px: int = _SIDE_PX) -> Path:
    """An image that only this visitor has: the number is written into its pattern, which strength 0 keeps exactly."""
    rows, columns = np.mgrid[0:side_px, 0:side_px]
    base = np.array(colour_of(number)) + ((rows + columns * (number + 2)) % 7)[..., None]
    path = folder / f"visitor{number}.png"
    Image.fromarray(base.astype(np.uint8)).save(path)
    return path


def crowd(
    url: str, photos: Sequence[Path], variations: int, strength: float = 0.0, addresses: bool = False
) -> list[Visit]:
    """All visitors at once, each with a photo of their own; returns when the last is served.

    With strength 0 every image that comes back must be the visitor's own to the pixel. addresses: each visitor
    comes, as the proxy in front says, from an address of their own.
    """
    clients = [
        Client(
            url,
            verbose=False,
            download_files=str(photo.parent),
            httpx_kwargs={"timeout": 120},  # the usual 5 s are too short where visitors and server share two cores
            headers={"X-Forwarded-For": f"10.9.{number // 250}.{number % 250 + 1}"} if addresses else None,
        )
        for number, photo in enumerate(photos)
    ]
    start = time.monotonic()

    def visit(number: int) -> Visit:
        photo = photos[number]
        began = time.monotonic() - start
        try:
            answer = clients[number].predict(
                files=[handle_file(photo)], variations=variations, strength=strength, seed=1, api_name="/augment"
            )
            made, ours = _count(answer[1], photo, exact=strength == 0)
        except Exception as error:
            return Visit(number, began, time.monotonic() - start, 0, 0, f"{type(error).__name__}: {error}"[:300])
        return Visit(number, began, time.monotonic() - start, made, ours)

    with ThreadPoolExecutor(len(photos)) as pool:
        return list(pool.map(visit, range(len(photos))))


def _count(zip_path: str, photo: Path, exact: bool) -> tuple[int, int]:
    own = np.array(Image.open(photo).convert("RGB"))
    made = ours = 0
    with zipfile.ZipFile(zip_path) as archive:
        for name in archive.namelist():
            if not name.endswith(".png"):
                continue  # the manifest and the recipe
            made += 1
            pixels = np.array(Image.open(io.BytesIO(archive.read(name))).convert("RGB"))
            same = np.array_equal(pixels, own) if exact else pixels.shape == own.shape
            ours += name.startswith(photo.stem + "__") and bool(same)
    return made, ours
