"""The picture of new backgrounds, failures included, for operations.md: `python docs/background_picture.py`."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

from augmentai.images import Photo
from augmentai.inspection.cutouts import outlined
from augmentai.operations import Donor, DonorPool, apply_operations
from augmentai.operations.background import Background
from augmentai.operations.compositing.subject import find_subject
from augmentai.settings import EXAMPLES
from augmentai.types import Source

OUT = Path(__file__).parent / "images/backgrounds.jpg"
SIDE_WH = (236, 168)
GAP_PX = 6
# An example, and the one that lends its ground: two that are as they should be, and two failures.
ROWS = {
    "flower.jpg": "chelsea.png",
    "coffee.png": "flower.jpg",
    "chelsea.png": "hubble_deep_field.jpg",
    "hubble_deep_field.jpg": "china.jpg",
}


def example(name: str) -> Image.Image:
    with Image.open(EXAMPLES / name) as opened:
        return ImageOps.fit(opened.convert("RGB"), SIDE_WH, Image.Resampling.LANCZOS)


def load(source: Source) -> Donor:
    return Donor(source.path, source.sha256, None, Photo(example(source.path), "PNG", "RGB"))


def row(name: str, ground: str) -> list[Image.Image]:
    """As it was, what is cut out, before another ground, and in that ground's light."""
    image = example(name)
    donors = DonorPool([Source.from_bytes(ground, ground.encode())], load).beside(Source.from_bytes(name, b""))
    made = [
        apply_operations(image, None, [Background(harmonise=harmonise)], 1, donors=donors).image
        for harmonise in (False, True)
    ]
    return [image, outlined(image, find_subject(image).mask), *made]


if __name__ == "__main__":
    width, height = (side + GAP_PX for side in SIDE_WH)
    sheet = Image.new("RGB", (4 * width - GAP_PX, len(ROWS) * height - GAP_PX), "white")
    for down, (name, ground) in enumerate(ROWS.items()):
        for across, one in enumerate(row(name, ground)):
            sheet.paste(one, (across * width, down * height))
    sheet.save(OUT, quality=80)
