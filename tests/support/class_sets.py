"""Small sets of two classes that a network can tell apart: parts of two of the example photographs."""

from __future__ import annotations

from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.settings import EXAMPLES
from augmentai.types import Source
from tests.support.image_files import encoded

PHOTOS = {"cat": "chelsea.png", "cup": "coffee.png"}
OBJECT = (40, 20, 200, 140)


class Fixed:
    """A reader of labels that are known."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels

    def load(self) -> Labels:
        return self.labels


def part_of(category: str, number: int) -> Image.Image:
    """A part of the photograph of a class, about its middle; another for each number."""
    with Image.open(EXAMPLES / PHOTOS[category]) as photo:
        width, height = photo.size
        left, top = width // 8 + 3 * number, height // 8 + 2 * number
        box = left, top, left + width * 11 // 16, top + height * 11 // 16
        return photo.convert("RGB").resize((160, 120), box=box)


def class_folders(each: int = 7) -> list[Source]:
    """Sources of class folders, so many of each class."""
    return [
        Source.from_bytes(f"{category}/{number}.png", encoded(part_of(category, number)), category)
        for category in PHOTOS
        for number in range(each)
    ]


def scene(category: str, number: int) -> Image.Image:
    """Grey, with one object."""
    image = Image.new("RGB", (240, 160), (120, 125, 130 + number))
    image.paste(part_of(category, number), OBJECT[:2])
    return image


def labelled_scenes(each: int = 7) -> list[Source]:
    """Sources with one box each."""
    sources = []
    for category in PHOTOS:
        for number in range(each):
            labels = Fixed(Labels((Shape(category, OBJECT),)))
            one = Source.from_bytes(f"{category}{number}.png", encoded(scene(category, number)))
            sources.append(Source(one.path, None, one.sha256, one.size_bytes, one.read, labels=labels))
    return sources
