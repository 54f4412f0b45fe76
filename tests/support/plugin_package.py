"""Packages outside the tree, installed as pip would: a module beside a dist-info folder with entry points."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from augmentai import registry

# Operations as a stranger would write them: one moves pixels and labels, one changes values alone, and one borrows an
# object from another image.
OPERATIONS = '''
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from augmentai.operations import NOBODY, BorrowingOperation, Operation, OperationSkippedError, Range, parameter
from augmentai.recipe.kinds import WholeNumber


@dataclass(frozen=True)
class Shift(Operation):
    """Shifts the image to the right; what is uncovered is black, and objects that no longer fit lose their labels."""

    name, title, blurb = "shift", "Shift", "to the right"
    share: tuple = parameter((0.1, 0.3), Range(0, 1), "Share of the width.")

    def draw(self, rng, size_wh, labels, settings):
        by_px = round(rng.uniform(*self.share) * size_wh[0])
        return {"by_px": by_px} if by_px else None

    def apply(self, image, labels, drawn):
        moved = self._shifted(image, drawn["by_px"])
        if labels is None:
            return moved, None
        shapes = [self._shape(shape, image.width, drawn["by_px"]) for shape in labels.shapes]
        masks = [self._shifted(mask, drawn["by_px"]) for mask in (labels.mask, *labels.other_masks) if mask is not None]
        first, others = (masks[0], tuple(masks[1:])) if labels.mask is not None else (None, tuple(masks))
        kept = tuple(shape for shape in shapes if shape is not None)
        return moved, replace(labels, shapes=kept, mask=first, other_masks=others)

    @staticmethod
    def _shifted(image, by_px):
        return image.transform(image.size, Image.Transform.AFFINE, (1, 0, -by_px, 0, 1, 0))

    @staticmethod
    def _shape(shape, width, by_px):
        x0, y0, x1, y1 = shape.box
        if x1 + by_px > width:
            return None
        rings = tuple(tuple((x + by_px, y) for x, y in ring) for ring in shape.polygons)
        mask = None if shape.mask is None else np.roll(shape.mask, by_px, axis=1)
        return replace(shape, box=(x0 + by_px, y0, x1 + by_px, y1), polygons=rings, mask=mask)


@dataclass(frozen=True)
class Posterize(Operation):
    """Fewer levels, in images of any mode."""

    name, title, blurb = "posterize", "Posterize", "fewer levels per channel"
    levels: int = parameter(8, WholeNumber(2, 128), "Fewest levels that are left.")

    def draw(self, rng, size_wh, labels, settings):
        return {"levels": rng.randint(self.levels, 2 * self.levels)}

    def apply(self, image, labels, drawn):
        colours = image.convert("RGB") if image.mode == "RGBA" else image.convert("L") if image.mode == "LA" else image
        values = np.asarray(colours)
        low, high = float(values.min()), float(values.max())
        step = (high - low or 1.0) / drawn["levels"]
        coarse = low + np.floor((values - low) / step) * step
        made = Image.fromarray(coarse.clip(low, high).astype(values.dtype))
        if image.mode in ("LA", "RGBA"):
            made.putalpha(image.getchannel("A"))
        return made, labels


@dataclass(frozen=True)
class Stamp(BorrowingOperation):
    """The first object of another image, with the rectangle around it, at the place that it has there."""

    name, title, blurb = "stamp", "Stamp", "an object of another image"

    def draw(self, rng, size_wh, labels, settings, donors=NOBODY):
        if labels is None:
            return None
        for donor in donors.choose(rng, count=3):
            if donor.labels is not None and donor.labels.shapes and donor.size_wh == size_wh:
                return {"donors": [donor.as_record()], "object": 0}
        raise OperationSkippedError("no other image of this size has an object")

    def apply(self, image, labels, drawn, donors=()):
        donor = donors[0]
        shape = donor.labels.shapes[drawn["object"]]
        place = tuple(round(value) for value in shape.box)
        made = image.copy()
        made.paste(donor.image_like(image).crop(place), place)
        x0, y0, x1, y1 = place
        shapes = [one for one in labels.shapes if one.box is None or not (
            x0 < one.box[2] and one.box[0] < x1 and y0 < one.box[3] and one.box[1] < y1)]
        mask = labels.mask
        if mask is not None and donor.labels.mask is not None:
            mask = mask.copy()
            mask.paste(donor.labels.mask.crop(place), place)
        return made, replace(labels, shapes=(*shapes, shape), mask=mask)
'''
OPERATION_POINTS = {
    "augmentai.operations": {
        "shift": "strangers_operations:Shift",
        "posterize": "strangers_operations:Posterize",
        "stamp": "strangers_operations:Stamp",
    }
}


# Engines as a stranger would write them: a free one, one that charges, and three that cannot work.
ENGINES = '''
import random

from PIL import Image, ImageOps

from augmentai.engines.base import Engine
from augmentai.engines.paid import PaidEngine


class Inverter(Engine):
    """Blends each image with its negative; the seed says how far."""

    name, title, blurb = "inverter", "Inverter", "free, any computer"

    def make(self, tasks, job):
        for task in tasks:
            share = random.Random(task.seed).uniform(0.6, 0.95)
            image = Image.blend(task.photo.rgb, ImageOps.invert(task.photo.rgb), share)
            yield self.made(task, image, details={"share": round(share, 3)})


class Painter(PaidEngine):
    """Turns the image upside down, for money."""

    name, title, blurb = "painter", "Painter", "hosted, paid"
    key_title = "Painter key"
    may_differ = "painters have moods"
    reads_prompt = True

    def __init__(self, settings):
        super().__init__(settings)
        self.key = "owner"

    def _keyed(self, key):
        other = Painter(self.settings)
        other.key = key
        return other

    def credits_per_image(self, recipe):
        return 2.5

    def balance(self):
        return 1234.0

    def make(self, tasks, job):
        for task in tasks:
            if (reservation := self.reserve(task, job)) is None:
                return
            reservation.settle(charged=True)
            image = ImageOps.flip(ImageOps.invert(task.photo.rgb))
            details = {"credits": reservation.credits, "key": self.key}
            yield self.made(task, image, prompt=task.recipe.prompt, details=details)


class Stumbler(Engine):
    """Fails at its first image, after a word on standard output."""

    name = "stumbler"

    def make(self, tasks, job):
        for task in tasks:
            print("stumbling")
            raise ZeroDivisionError("nothing to divide by")
            yield


class Unbuildable(Engine):
    name = "unbuildable"

    def __init__(self, settings):
        raise OSError("no licence")

    def make(self, tasks, job):
        yield from ()


class Renamed(Inverter):
    name = "another"


class NoEngine:
    def __init__(self, settings):
        pass
'''
ENGINE_POINTS = {
    "augmentai.engines": {
        "inverter": "strangers_engines:Inverter",
        "painter": "strangers_engines:Painter",
        "stumbler": "strangers_engines:Stumbler",
        "unbuildable": "strangers_engines:Unbuildable",
        "renamed": "strangers_engines:Renamed",
        "no_engine": "strangers_engines:NoEngine",
        "missing": "strangers_engines:Missing",
    }
}


def write_package(folder: Path, module: str, source: str, points: Mapping[str, Mapping[str, str]]) -> Path:
    """Lay a package out in `folder`, which is then a place to import from.

    Args:
        folder: made if it is not there.
        module: the name of its one module.
        source: the text of it.
        points: {group: {name: "module:object"}}.

    Returns:
        The folder.
    """
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / f"{module}.py").write_text(source)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.replace('_', '-')}\nVersion: 1.0\n")
    sections = [
        "\n".join((f"[{group}]", *(f"{name} = {target}" for name, target in names.items())))
        for group, names in points.items()
    ]
    (info / "entry_points.txt").write_text("\n\n".join(sections) + "\n")
    return folder


def write_engines(folder: Path) -> Path:
    """The package with the engines `inverter` and `painter`, and some that cannot work."""
    return write_package(folder, "strangers_engines", ENGINES, ENGINE_POINTS)


def write_operations(folder: Path) -> Path:
    """The package with the operations `shift`, `posterize` and `stamp`."""
    return write_package(folder, "strangers_operations", OPERATIONS, OPERATION_POINTS)


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """The package in `folder` is there for this process, and gone afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    _forget()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]
        _forget()


def _forget() -> None:
    importlib.invalidate_caches()
    registry.registered.cache_clear()
    registry._imported.cache_clear()
