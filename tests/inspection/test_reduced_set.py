"""Small copies of a set: which images, their labels, and what a preview may borrow from them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
from PIL import Image

from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.images import decode
from augmentai.inspection.reduced_set import SIDE_PX, reduce_set
from augmentai.pipeline.job import limits
from augmentai.settings import Settings
from augmentai.types import Source
from tests.support.image_files import encoded

MOST_PIXELS = 10**8


def sources(names: list[str]) -> tuple[Source, ...]:
    made = []
    for number, name in enumerate(names):
        data = encoded(Image.new("RGB", (32, 24), (number, 90, 40)), "PNG")
        made.append(Source.from_bytes(name, data, name.split("/")[0]))
    return tuple(made)


def test_pictures_are_of_every_class() -> None:
    cats, dogs = [f"cats/{n}.png" for n in range(9)], ["dogs/1.png", "dogs/2.png"]
    reduced = reduce_set(Gathered(sources([*cats, *dogs]), (), ()), MOST_PIXELS, most=4)
    assert [one.source.path for one in reduced.pictures] == ["cats/0.png", "cats/1.png", *dogs]
    assert len(reduced.sources) == 11
    assert reduced.traits.classes == 2


def test_labels_fit_the_small_copy_of_a_turned_photo(tmp_path: Path) -> None:
    """The file is stored wide and shown tall, four times as large as its small copy."""
    wide = Image.effect_noise((4 * SIDE_PX, 3 * SIDE_PX), 60).convert("RGB")
    exif = Image.Exif()
    exif[274] = 6
    wide.save(tmp_path / "a.jpg", exif=exif)
    (tmp_path / "a.txt").write_text("0 0.5 0.25 1.0 0.5\n")
    (tmp_path / "classes.txt").write_text("cat\n")
    (picture,) = reduce_set(gather([tmp_path], limits(Settings())), MOST_PIXELS).pictures
    assert picture.photo is not None
    assert picture.photo.size_wh == (SIDE_PX * 3 // 4, SIDE_PX)
    assert picture.labels is not None
    x0, y0, x1, y1 = picture.labels.shapes[0].box or ()
    assert np.allclose((x0, y0, x1, y1), (0, 0, SIDE_PX * 3 // 4, SIDE_PX / 2))


def test_what_cannot_be_read_says_why_and_lends_nothing(tmp_path: Path) -> None:
    whole = encoded(Image.effect_noise((64, 48), 60), "PNG")
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "whole.png").write_bytes(whole)
    reduced = reduce_set(gather([tmp_path], limits(Settings())), MOST_PIXELS)
    cut, fine = reduced.pictures
    assert cut.photo is None
    assert "corrupt or truncated" in cut.fault
    assert (fine.fault, fine.photo and fine.photo.size_wh) == ("", (64, 48))


def test_broken_labels_say_why(tmp_path: Path) -> None:
    for name, line in (("a", "0 0.5 what"), ("b", "0 0.5 0.5 0.5 0.5"), ("c", "0 0.5 0.5 0.5 0.5")):
        Image.effect_noise((64, 48), 60).save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.txt").write_text(f"{line}\n")
    (tmp_path / "classes.txt").write_text("cat\n")
    picture, *_ = reduce_set(gather([tmp_path], limits(Settings())), MOST_PIXELS).pictures
    assert "a.txt" in picture.fault


def test_it_is_handed_over_by_value(tmp_path: Path) -> None:
    """Another process reads the set; the files may be gone when an engine borrows from it."""
    Image.effect_noise((600, 400), 60).save(tmp_path / "a.png")
    copy = pickle.loads(pickle.dumps(reduce_set(gather([tmp_path], limits(Settings())), MOST_PIXELS)))
    (tmp_path / "a.png").unlink()
    (source,) = copy.sources
    assert decode(source.read(), "a.png", MOST_PIXELS).size_wh == (256, 171)


def test_deep_and_clear_images_become_plain_ones() -> None:
    deep = Image.fromarray(np.linspace(0, 60_000, 32 * 24, dtype=np.uint16).reshape(24, 32))
    clear = Image.new("RGBA", (32, 24), (200, 10, 10, 60))
    images = {"clear.png": clear, "deep.png": deep}
    found = tuple(Source.from_bytes(name, encoded(image, "PNG")) for name, image in images.items())
    photos = [one.photo for one in reduce_set(Gathered(found, (), ()), MOST_PIXELS).pictures]
    assert [photo.restore(photo.rgb).mode for photo in photos if photo] == ["RGBA", "L"]
