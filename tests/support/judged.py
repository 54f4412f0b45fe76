"""Jobs whose variations filters judge: small photographs, and ways in which a variation may be spoilt."""

from __future__ import annotations

from typing import Any

from PIL import Image, ImageFilter

from augmentai.recipe import Recipe
from augmentai.settings import EXAMPLES
from augmentai.types import Outcome, Source
from tests.support.image_files import encoded
from tests.support.jobs import job_of
from tests.support.scripted_engine import Painter, tinted


def photo_source(name: str = "chelsea.png", size_wh: tuple[int, int] = (240, 160)) -> Source:
    """One of the example photographs, small."""
    with Image.open(EXAMPLES / name) as photo:
        return Source.from_bytes(name, encoded(photo.convert("RGB").resize(size_wh)))


def run(engine: Any, recipe: Recipe, *sources: Source) -> tuple[list[Outcome], dict[str, Any]]:
    """The outcomes and the report of a job of one engine; of one photograph by default."""
    job = job_of(engine, list(sources) or [photo_source()], recipe)
    return list(job.run()), job.report.as_dict()


def spoilt(how: Painter, attempts: int) -> Painter:
    """This many attempts at each variation are spoilt; those after them are good."""
    return lambda task: how(task) if task.attempt < attempts else tinted(task, 20)


SPOILT: dict[str, Painter] = {
    "near_copy": lambda task: task.photo.rgb.point(lambda v: min(255, v + 1)),
    "flat": lambda task: Image.new("RGB", task.photo.size_wh, (90, 100, 110)),
    "black": lambda task: task.photo.rgb.point(lambda v: v // 30),
    "blurred": lambda task: tinted(task, 20).filter(ImageFilter.GaussianBlur(4)),
}
