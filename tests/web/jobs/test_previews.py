"""The rows of a job: their objects are counted as they are, however many, with small images and without."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from augmentai import augment, inspect
from augmentai.types import Outcome
from augmentai.web.jobs.previews import PreviewWriter
from augmentai.web.views import cards
from tests.support.image_files import jpeg, png

_OBJECT = (
    "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


def labelled(folder: Path, side_px: int = 400, step_px: int = 20) -> Path:
    """An image full of small boxes, 400 of them, in two classes."""
    folder.mkdir()
    (folder / "a.png").write_bytes(png((side_px, side_px)))
    corners = [(x, y) for x in range(0, side_px, step_px) for y in range(0, side_px, step_px)]
    objects = "".join(
        _OBJECT.format("left" if x < side_px / 4 else "right", x + 2, y + 2, x + 16, y + 16) for x, y in corners
    )
    size = f"<size><width>{side_px}</width><height>{side_px}</height><depth>3</depth></size>"
    (folder / "a.xml").write_text(f"<annotation><filename>a.png</filename>{size}{objects}</annotation>")
    return folder


def masked(folder: Path) -> Path:
    """A large image in a class folder with a mask of 200 specks, too small to be seen in its small copy."""
    (folder / "crack").mkdir(parents=True)
    mask = Image.new("L", (800, 800))
    for number in range(200):
        mask.putpixel((40 * (number % 20) + 3, 70 * (number // 20) + 5), 255)
    (folder / "crack" / "a.jpg").write_bytes(jpeg((800, 800)))
    mask.save(folder / "crack" / "a.png")
    return folder


def test_the_areas_of_a_mask_are_not_counted_as_objects(tmp_path: Path) -> None:
    found = inspect(str(masked(tmp_path / "set")))
    (outcome,) = augment(str(tmp_path / "set"), engine="gan", variations=1, geometry="none")
    assert outcome.variation is not None
    row = PreviewWriter(10**7).write(outcome, outcome.variation, tmp_path)
    assert (dict(row.objects), row.lost) == ({"crack": 0}, {})
    assert [one["objects"] for one in found.classes] == [None]
    assert PreviewWriter(10**7).count(outcome, outcome.variation).objects == row.objects
    assert "crack" in cards([row], set())[0]["objects"]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """Of which some have lost objects."""
    folder = labelled(tmp_path_factory.mktemp("set") / "photos")
    return list(augment(str(folder), engine="gan", variations=3, seed=2, geometry="strong"))


def test_every_object_is_counted_with_and_without_small_images(outcomes: list[Outcome], tmp_path: Path) -> None:
    writer, rows = PreviewWriter(10**7), []
    for number, outcome in enumerate(outcomes):
        assert outcome.variation is not None
        folder = tmp_path / str(number)
        folder.mkdir()
        row, bare = writer.write(outcome, outcome.variation, folder), writer.count(outcome, outcome.variation)
        assert (bare.objects, bare.lost) == (row.objects, row.lost)
        assert sum(row.objects.values()) + sum(row.lost.values()) == 400
        assert bare.preview == ""
        rows.append(row)
    assert any(row.lost for row in rows), "something has left the frame"
