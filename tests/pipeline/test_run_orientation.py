"""However a file is stored, labels and pixels of its variations agree, and so do those of the copy in the result."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels
from augmentai.images import decode
from tests.support import image_files as makers
from tests.support.image_files import encoded
from tests.support.labelled_sets import Files, augmented, gathered, write
from tests.support.painted_objects import bounds, overlap

WIDTH, HEIGHT = 120, 200
BOX = (20, 30, 90, 110)  # of the upright image
FORMATS = {
    "jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    "png": ("PNG", {}),
    "tif": ("TIFF", {}),
    "webp": ("WEBP", {"quality": 95}),
    "avif": ("AVIF", {"quality": 90, "speed": 10}),
    "heic": ("HEIF", {"quality": 95}),
    "mpo": ("MPO", {"quality": 95, "save_all": True}),
}


def upright() -> Image.Image:
    made = Image.new("RGB", (WIDTH, HEIGHT), (90, 110, 130))
    made.paste((230, 20, 20), BOX)
    return made


def stored(ending: str, orientation: int) -> bytes:
    file_format, options = FORMATS[ending]
    turned = Image.fromarray(makers.stored_turned(np.asarray(upright()), orientation))
    return encoded(turned, file_format, exif=makers.exif_with(orientation), **options)


def boxes_set(folder: Path) -> Path:
    x0, y0, x1, y1 = BOX
    place = ((x0 + x1) / 2 / WIDTH, (y0 + y1) / 2 / HEIGHT, (x1 - x0) / WIDTH, (y1 - y0) / HEIGHT)
    files: Files = {"data.yaml": b"train: images\nval: images\nnames: [thing]\n"}
    for ending in FORMATS:
        for orientation in range(1, 9):
            files[f"images/{ending}{orientation}.{ending}"] = stored(ending, orientation)
            files[f"labels/{ending}{orientation}.txt"] = f"0 {' '.join(map(str, place))}\n".encode()
    return write(folder, files)


def masks_set(folder: Path) -> Path:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 1
    files: Files = {}
    for ending in FORMATS:
        for orientation in range(1, 9):
            files[f"images/{ending}{orientation}.{ending}"] = stored(ending, orientation)
            files[f"masks/{ending}{orientation}.png"] = encoded(Image.fromarray(mask))
    return write(folder, files)


def red(data: bytes, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    pixels = np.asarray(decode(data, name, 10**6).rgb).astype(int)
    return np.asarray(pixels[..., 0] - pixels[..., 1] > 60)


def agreement(labels: Labels, seen: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    if labels.mask is not None:
        return overlap(np.asarray(labels.mask) > 0, seen)
    (shape,) = labels.shapes
    assert shape.box is not None
    one, other = np.zeros(seen.shape, bool), np.zeros(seen.shape, bool)
    for bitmap, (x0, y0, x1, y1) in ((one, shape.box), (other, bounds(seen))):
        bitmap[round(y0) : round(y1), round(x0) : round(x1)] = True
    return overlap(one, other)


@pytest.mark.parametrize(("kind", "to"), [("boxes", "same"), ("boxes", "voc"), ("masks", "same")])
def test_labels_and_pixels_agree_in_every_format_and_orientation(tmp_path: Path, kind: str, to: str) -> None:
    given = (boxes_set if kind == "boxes" else masks_set)(tmp_path / "set")
    job = augmented([given], tmp_path / "out", variations=1, geometry="light", to=to, least_visible=0.0)
    assert job.report.variations == len(FORMATS) * 8
    assert job.report.as_dict()["failed"] == 0
    found = gathered(tmp_path / "out")
    assert found.failures == ()
    sources = (*found.sources, *found.holdout)
    assert len(sources) == 2 * len(FORMATS) * 8
    wrong = {}
    for source in sources:
        assert source.labels is not None, source.path
        seen = red(source.read(), source.path)
        if (share := agreement(source.labels.load(), seen)) < 0.95:
            wrong[source.path] = round(share, 3)
        is_variation = "__v" in source.path
        with Image.open(io.BytesIO(source.read())) as opened:
            assert not is_variation or (opened.size == (WIDTH, HEIGHT) and 0x0112 not in opened.getexif())
    assert wrong == {}
