"""What was moved, wiped out or painted over is caught where it is labelled; another light or colour is not."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from augmentai.annotations import Labels, Shape
from augmentai.dataset.manifest import manifest_line
from augmentai.dataset.readers.gather import gather
from augmentai.engines.base import Task
from augmentai.engines.gan import GanEngine
from augmentai.filters.drift import measure_drift
from augmentai.pipeline.job import Job, limits
from augmentai.recipe import Recipe
from augmentai.settings import EXAMPLES, Settings
from augmentai.types import Outcome, Source
from tests.support.jobs import job_of
from tests.support.scripted_engine import Scripted

# What stands out in each, as shares of width and height.
THINGS = {
    "chelsea.png": (0.20, 0.07, 0.84, 0.93),
    "china.jpg": (0.45, 0.0, 0.88, 0.84),
    "coffee.png": (0.30, 0.13, 0.73, 0.82),
    "flower.jpg": (0.31, 0.14, 0.73, 0.77),
    "dandelions_clemens_engelhardt.jpg": (0.23, 0.14, 0.55, 0.69),
}
THRESHOLD = Recipe().thresholds.drift


def photo(name: str) -> Image.Image:
    with Image.open(EXAMPLES / name) as opened:
        image = opened.convert("RGB")
    return image.resize((640, round(640 * image.height / image.width)))


def box_in(image: Image.Image, name: str) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = THINGS[name]
    return round(x0 * image.width), round(y0 * image.height), round(x1 * image.width), round(y1 * image.height)


def score(before: Image.Image, after: Image.Image, box: tuple[float, ...], **shape: Any) -> float:
    return measure_drift(before, after, Labels((Shape("thing", box, **shape),))).lowest  # type: ignore[arg-type]


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def hue_turned(image: Image.Image) -> Image.Image:
    hue, saturation, value = image.convert("HSV").split()
    return Image.merge("HSV", (hue.point(lambda v: (v + 100) % 256), saturation, value)).convert("RGB")


HARMLESS = {
    "night": lambda p: p.point(lambda v: v * 0.3),
    "haze": lambda p: p.point(lambda v: 120 + v * 0.35),
    "gamma": lambda p: p.point(lambda v: 255 * (v / 255) ** 2.2),
    "hue": hue_turned,
    "grey": lambda p: p.convert("L").convert("RGB"),
    "inverted": ImageOps.invert,
    "jpeg": lambda p: jpeg(p, 20),
    "soft": lambda p: p.filter(ImageFilter.GaussianBlur(1)),
    "a little aside": lambda p: Image.fromarray(np.roll(np.asarray(p), 2, axis=1)),
    "noise": lambda p: Image.fromarray(
        (np.asarray(p) + np.random.default_rng(0).normal(0, 12, (*p.size[::-1], 3))).clip(0, 255).astype(np.uint8)
    ),
}


def _shifted(image: Image.Image, box: tuple[int, int, int, int], share: float) -> Image.Image:
    by = round((box[3] - box[1]) * share), round((box[2] - box[0]) * share)
    return Image.fromarray(np.roll(np.asarray(image), by, axis=(0, 1)))


def _pasted(image: Image.Image, box: tuple[int, int, int, int], patch: Image.Image) -> Image.Image:
    out = image.copy()
    out.paste(patch.resize((box[2] - box[0], box[3] - box[1])), box)
    return out


def _size(box: tuple[int, int, int, int]) -> int:
    return max(box[2] - box[0], box[3] - box[1])


HARMFUL = {
    "moved by a tenth": lambda p, b: _shifted(p, b, 0.1),
    "moved by a third": lambda p, b: _shifted(p, b, 0.33),
    "wiped out": lambda p, b: _pasted(p, b, Image.new("RGB", (8, 8), (110, 120, 115))),
    "smeared": lambda p, b: _pasted(p, b, p.crop(b).filter(ImageFilter.GaussianBlur(_size(b) / 10))),
    "painted over": lambda p, b: _pasted(p, b, photo("rocket.jpg").rotate(90).crop((100, 50, 500, 400))),
    "mirrored in place": lambda p, b: _pasted(p, b, ImageOps.mirror(p.crop(b))),
    "upside down": lambda p, b: _pasted(p, b, ImageOps.flip(p.crop(b))),
}


@pytest.mark.parametrize("name", THINGS)
def test_colour_and_light_are_not_drift(name: str, gan: GanEngine) -> None:
    before = photo(name)
    box = box_in(before, name)
    scores = {how: score(before, change(before), box) for how, change in HARMLESS.items()}
    buffer = io.BytesIO()
    before.save(buffer, "PNG")
    recipe = Recipe(seed=5, engine="gan", strength=1, variations=4, output_format="png")
    for outcome in job_of(gan, [Source.from_bytes(name, buffer.getvalue())], recipe).run():
        assert outcome.variation is not None
        scores[f"gan {outcome.index}"] = score(before, outcome.variation.image, box)
    assert min(scores.values()) > THRESHOLD + 0.15, scores


@pytest.mark.parametrize("name", THINGS)
def test_moved_wiped_out_or_painted_over_is_drift(name: str) -> None:
    before = photo(name)
    box = box_in(before, name)
    for light in ("night", "hue"):  # also where the light changes at the same time
        scores = {how: score(before, HARMLESS[light](spoil(before, box)), box) for how, spoil in HARMFUL.items()}
        assert max(scores.values()) < THRESHOLD, scores


def test_only_what_is_labelled_counts() -> None:
    before = photo("china.jpg")
    box = box_in(before, "china.jpg")
    after = _pasted(before, (0, 0, 200, before.height), photo("coffee.png"))
    assert score(before, after, box) > 0.9
    assert score(before, after, (0, 200, 200, before.height)) < THRESHOLD
    found = measure_drift(
        before, after, Labels((Shape("a", box), Shape("b", (0, 200, 200, before.height)), Shape("c", None)))
    )
    assert found.below(THRESHOLD) == [1]
    assert set(found.scores) == {0, 1}


def test_shapes_without_a_box_and_semantic_masks() -> None:
    before = photo("coffee.png")
    x0, y0, x1, y1 = box = box_in(before, "coffee.png")
    bitmap = np.zeros(before.size[::-1], bool)
    bitmap[y0:y1, x0:x1] = True
    outline = (((x0, y0), (x1, y0), (x1, y1), (x0, y1)),)
    wiped = HARMFUL["wiped out"](before, box)
    for shape in (Shape("cup", None, outline), Shape("cup", None, mask=bitmap)):
        assert measure_drift(before, HARMLESS["night"](before), Labels((shape,))).lowest > 0.8
        assert measure_drift(before, wiped, Labels((shape,))).lowest < THRESHOLD
    # A mask's borders follow the edges in the image: here the cup's own outline, found by its light.
    cup = Image.fromarray((np.asarray(before.convert("L").filter(ImageFilter.GaussianBlur(3))) > 110).astype(np.uint8))
    masked = Labels(mask=cup)
    assert measure_drift(before, HARMLESS["hue"](before), masked).scores[-1] > 0.7
    assert measure_drift(before, photo("china.jpg").resize(before.size), masked).lowest < THRESHOLD


def test_nothing_to_measure_is_not_drift() -> None:
    plain = Image.new("RGB", (200, 200), "white")
    for labels in (
        Labels((Shape("tiny", (3, 3, 8, 8)), Shape("out", (300, 300, 400, 400)), Shape("plain", (20, 20, 90, 90)))),
        Labels(),
        Labels(mask=Image.new("L", (200, 200))),
    ):
        assert measure_drift(plain, plain, labels).lowest == 1.0


class TestInAJob:
    """A YOLO set of one image, and an engine that repaints."""

    @pytest.fixture
    def dataset(self, tmp_path: Path) -> Path:
        image = photo("coffee.png")
        for part in ("images", "labels"):
            (tmp_path / "set" / part / "train").mkdir(parents=True)
        image.save(tmp_path / "set" / "images" / "train" / "cup.png")
        x0, y0, x1, y1 = THINGS["coffee.png"]
        numbers = f"0 {(x0 + x1) / 2} {(y0 + y1) / 2} {x1 - x0} {y1 - y0}\n"
        (tmp_path / "set" / "labels" / "train" / "cup.txt").write_text(numbers)
        (tmp_path / "set" / "data.yaml").write_text("train: images/train\nval: images/train\nnames: [cup]\n")
        return tmp_path / "set"

    def run(self, dataset: Path, spoilt_attempts: int, repainted: bool = True, **recipe: Any) -> tuple[Outcome, Any]:
        def paint(task: Task) -> Image.Image:
            night = HARMLESS["night"](task.photo.rgb)
            return HARMFUL["wiped out"](night, box_in(night, "coffee.png")) if task.attempt < spoilt_attempts else night

        settings = Settings()
        asked = Recipe(seed=2, engine="gan", **recipe)
        job = Job(gather([dataset], limits(settings)), asked, settings, [Scripted(paint, repainted=repainted)])
        (outcome,) = [outcome for outcome in job.run() if outcome.index]
        return outcome, job.report.as_dict()

    def test_it_is_retried(self, dataset: Path) -> None:
        outcome, report = self.run(dataset, 1)
        assert outcome.ok
        assert outcome.scores["drift"] > 0.8
        assert outcome.rejections[0].filter == "drift"
        assert "1 of 1 labelled objects no longer match" in outcome.rejections[0].reason
        assert report["rejected"] == {"drift": 1}

    def test_it_is_given_up_after_all_attempts(self, dataset: Path) -> None:
        outcome, report = self.run(dataset, 4)
        assert outcome.reason.startswith("rejected in each of 4 attempts: drifted")
        assert report["left_out"] == 1

    def test_it_is_marked_where_that_is_asked_for(self, dataset: Path) -> None:
        outcome, report = self.run(dataset, 4, drift="mark")
        assert outcome.ok
        assert json.loads(manifest_line(outcome))["details"]["drifted"] == [0]
        assert report["drifted"] == 1
        assert "labelled objects drifted in 1 image" in report["filtered"]

    def test_engines_that_do_not_repaint_are_not_measured(self, dataset: Path) -> None:
        outcome, _ = self.run(dataset, 4, repainted=False)
        assert outcome.ok
        assert "drift" not in outcome.scores

    def test_geometry_comes_after(self, dataset: Path) -> None:
        outcome, _ = self.run(dataset, 0, geometry="strong", mirror=False)
        assert outcome.ok
        assert outcome.scores["drift"] > 0.8
        assert outcome.variation is not None
        assert outcome.variation.labels is not None
        assert outcome.variation.labels.shapes[0].category == "cup"
