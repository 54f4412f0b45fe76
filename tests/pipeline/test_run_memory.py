"""Large images pass through a job one at a time."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augmentai.dataset.readers.gather import gather
from augmentai.engines import available
from augmentai.images import Photo, decode
from augmentai.images.deep_colour import png_with
from augmentai.pipeline import prefetch
from augmentai.pipeline.job import Job, limits
from augmentai.recipe import Recipe
from augmentai.settings import EXAMPLES, Settings
from tests.support.gan_jobs import PHOTOS
from tests.support.tiffs import tiff

SIZE_WH = 3400, 2500
COPY_MB = 4 * SIZE_WH[0] * SIZE_WH[1] / 1e6  # of 8 bits per channel, which Pillow keeps in four bytes

# Prints by how many MB a job of all images in a folder needs more than one of a small image before it.
JOB = """
import resource, sys
from pathlib import Path
from augmentai.dataset.readers.gather import gather
from augmentai.engines import available
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings

def peak_mb(folder):
    settings = Settings(images_mb=80)
    recipe = Recipe(seed=7, engine=sys.argv[2], variations=2, geometry=sys.argv[3])
    job = Job(gather([folder], limits(settings)), recipe, settings, available(settings))
    for outcome in run_to_disk(job, folder.with_suffix(".zip")):
        assert outcome.ok, outcome.reason
        del outcome
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

folder = Path(sys.argv[1])
before = peak_mb(folder / "small")
print(peak_mb(folder / "large") - before)
"""


def photo(number: int, size_wh: tuple[int, int] = SIZE_WH) -> Image.Image:
    with Image.open(EXAMPLES / PHOTOS[number]) as opened:
        return opened.convert("RGB").resize(size_wh)


def extra_mb(folder: Path, engine: str = "gan", geometry: str = "none") -> float:
    """What a job of the images in `large` needs."""
    (folder / "small").mkdir()
    photo(0, (96, 64)).save(folder / "small" / "a.jpg")
    done = subprocess.run([sys.executable, "-c", JOB, str(folder), engine, geometry], capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return float(done.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="the peak is what getrusage says")
def test_large_photos_are_in_memory_one_at_a_time(tmp_path: Path) -> None:
    """The source, its variation and what each is made from; not three sources and a few variations of each."""
    (tmp_path / "large").mkdir()
    for number in range(3):
        photo(number).save(tmp_path / "large" / f"{number}.jpg")
    assert extra_mb(tmp_path) < 7 * COPY_MB


@pytest.mark.skipif(sys.platform == "win32", reason="the peak is what getrusage says")
def test_16_bits_are_read_and_written_in_strips(tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    values = np.asarray(photo(1)).astype(np.uint16) * 257
    (tmp_path / "large" / "a.tif").write_bytes(tiff(values))
    assert extra_mb(tmp_path) < 11 * COPY_MB


@pytest.mark.skipif(sys.platform == "win32", reason="the peak is what getrusage says")
def test_deep_images_with_transparency_are_moved_by_channels(tmp_path: Path) -> None:
    """Three of them, so that none is in memory while the next is decoded; what moves one takes a few copies more."""
    (tmp_path / "large").mkdir()
    for number in range(3):
        values = np.asarray(photo(number).convert("RGBA")).astype(np.uint16) * 257
        template = io.BytesIO()
        Image.new("RGBA", (1, 1)).save(template, "PNG")
        (tmp_path / "large" / f"{number}.png").write_bytes(png_with(values, template.getvalue()))
    assert extra_mb(tmp_path, "none", "strong") < 9 * COPY_MB


def test_no_photo_is_in_memory_while_the_next_one_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        photo(number, (96, 64)).save(tmp_path / f"{number}.png")
    held = []

    def decoded(data: bytes, name: str, max_pixels: int) -> Photo:
        gc.collect()
        held.extend(name for one in gc.get_objects() if isinstance(one, Photo) and one.size_wh == (96, 64))
        return decode(data, name, max_pixels)

    monkeypatch.setattr(prefetch, "decode", decoded)
    settings = Settings(images_mb=0.01)
    recipe = Recipe(seed=7, engine="none", variations=2, geometry="strong")
    job = Job(gather([tmp_path], limits(settings)), recipe, settings, available(settings))
    for outcome in job.run():
        assert outcome.ok, outcome.reason
        del outcome
    assert held == []
