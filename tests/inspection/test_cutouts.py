"""What is shown of the operation `background` before a run: the masks of some images, and why others have none."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

import augmentai
from augmentai.annotations import Labels, Shape
from augmentai.inspection.cutouts import SIDE_PX, Cutouts, find_cutouts, warn_of_refusals
from augmentai.recipe import Recipe, RecipeError
from augmentai.types import Source
from tests.support.image_files import encoded
from tests.support.known_labels import KnownLabels

RECIPE = Recipe(operations=["background(ground=plain)"])
BOX = (30, 20, 60, 50)
RING = ((30.0, 20.0), (60.0, 20.0), (60.0, 50.0), (30.0, 50.0))


def photo(colour: Any = "red", number: int = 0) -> Image.Image:
    """A square on green; the number makes it another file."""
    image = Image.new("RGB", (96, 64), (20, 90, 40))
    ImageDraw.Draw(image).rectangle((30, 20, 59, 49), fill=colour)
    image.putpixel((0, 0), (number, 0, 0))
    return image


def source(path: str, image: Image.Image, labels: Labels | None = None) -> Source:
    folder = path.rpartition("/")[0] or None
    known = None if labels is None else KnownLabels(labels)
    plain = Source.from_bytes(path, encoded(image), folder)
    return Source(plain.path, plain.label, plain.sha256, plain.size_bytes, plain.read, labels=known)


def found(*sources: Source, most: int = 12) -> Cutouts:
    return find_cutouts(sources, RECIPE, 10**8, most)


IMAGES = {
    # the image, its labels, what is said of it
    "a subject": (photo(), None, ""),
    "an outline": (photo(), Labels((Shape("square", BOX, (RING,)),)), ""),
    "nothing in it": (Image.new("RGB", (64, 48), "gray"), None, "nothing stands out from the surroundings"),
    "nothing labelled": (photo(), Labels(), "nothing is labelled in it"),
    "labels all over": (
        photo(),
        Labels(mask=Image.new("L", (96, 64), 1)),
        "labelled objects cover 100% of it, which leaves no background to change",
    ),
}


@pytest.mark.parametrize(("image", "labels", "fault"), IMAGES.values(), ids=IMAGES)
def test_an_image_passes_or_says_why_not(image: Image.Image, labels: Labels | None, fault: str) -> None:
    (one,) = found(source("a.png", image, labels)).images
    assert one.fault == fault
    assert max(one.picture.size) <= SIDE_PX
    assert (one.covered > 0) == (not fault)


def test_the_outline_is_around_what_is_kept() -> None:
    """The square itself is as it was, the line is around it, and the rest is darker."""
    (one,) = found(source("a.png", photo(), Labels((Shape("square", BOX, (RING,)),)))).images
    shown = np.asarray(one.picture)
    assert (shown[20:50, 30:60] == (255, 0, 0)).all()
    assert tuple(shown[19, 45]) == tuple(shown[35, 61]) == (245, 184, 61)
    assert tuple(shown[5, 5]) == (8, 36, 16)
    assert one.covered == pytest.approx(900 / (96 * 64))


def test_every_class_is_shown_whatever_the_order() -> None:
    """Of 20 cats and 2 dogs both dogs are among the six."""
    square = Labels((Shape("square", BOX, (RING,)),))
    sources = [source(f"cats/{n}.png", photo(number=n), square) for n in range(20)]
    sources += [source(f"dogs/{n}.png", photo("blue", n), square) for n in range(2)]
    chosen = [one.path for one in found(*sources, most=6).images]
    assert sum(path.startswith("dogs") for path in chosen) == 2
    assert [one.path for one in found(*reversed(sources), most=6).images] == chosen


def test_a_file_that_cannot_be_read_is_named_and_ends_nothing() -> None:
    broken = Source.from_bytes("broken.png", encoded(photo())[:60])
    cutouts = found(broken, source("a.png", photo()))
    assert [one.path for one in cutouts.images if one.fault] == ["broken.png"]
    assert cutouts.words == "1 of 2 images gets another background; 1 stays as it is"


def test_the_contact_sheet_names_each_image_and_why() -> None:
    sheet = found(source("a<b>.png", photo()), source("flat.png", Image.new("RGB", (64, 48), "gray"))).as_svg()
    root = ElementTree.fromstring(sheet)
    words = " ".join(text for text in root.itertext() if text.strip())
    assert "1 of 2 images gets another background; 1 stays as it is" in words
    assert "a<b>.png" in words
    assert re.search(r"stays as it is: nothing stands out\s+from the surroundings", words)
    assert len([one for one in root.iter() if one.tag.endswith("image")]) == 2


def test_a_recipe_without_the_operation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="add the operation background"):
        augmentai.preview_masks([photo()], operations=["flip"])


def test_python_shows_the_same(tmp_path: Path) -> None:
    photo().save(tmp_path / "a.png")
    Image.new("RGB", (64, 48), "gray").save(tmp_path / "flat.png")
    shown = augmentai.preview_masks(tmp_path, recipe=RECIPE)
    assert {one.path: bool(one.fault) for one in shown.images} == {"a.png": False, "flat.png": True}
    assert shown._repr_svg_() == shown.as_svg()


class TestWarning:
    """One sentence before a run of what `background` cannot cut out."""

    def test_nothing_if_all_pass_or_nothing_is_cut_out(self) -> None:
        assert warn_of_refusals([source("a.png", photo())], RECIPE, 10**6) == ""
        flat = source("flat.png", Image.new("RGB", (64, 48), "gray"))
        assert warn_of_refusals([flat], Recipe(operations=["flip"]), 10**6) == ""
        assert warn_of_refusals([flat], Recipe(operations=["background(probability=0)"]), 10**6) == ""

    def test_how_many_and_the_commonest_reason(self) -> None:
        flat = [source(f"{n}.png", Image.new("RGB", (64, 48), (n, n, n))) for n in (90, 110)]
        filled = Labels((Shape("cat", None, (((0, 0), (96, 0), (96, 64), (0, 64)),)),))
        full = source("full.png", photo(number=9), filled)
        said = warn_of_refusals([*flat, full, source("a.png", photo())], RECIPE, 10**6)
        assert said.startswith("background: 1 of 4 images gets another background; 3 stay as they are: ")
        assert "nothing stands out from the surroundings (2 of them); look at the masks first" in said
