"""What a run says of itself for people: the card and the contact sheet, and that neither disturbs whoever loads it."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from augmentai.dataset.contact_sheet import PAIRS
from augmentai.dataset.manifest import CARD, OWN_FILES, SHEET
from augmentai.dataset.readers.gather import gather
from augmentai.engines.base import Engine
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.image_files import jpeg, png
from tests.support.jobs import Darker

RECIPE = Recipe(seed=5, engine="gan", variations=2, prompt="a | b `c` <script>")


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    for i, (label, count) in enumerate({"cats & dogs": 3, "ねこ": 2, "<b>": 9}.items()):
        (folder / label).mkdir(parents=True)
        for j in range(count):
            (folder / label / f"{j}.jpg").write_bytes(jpeg(seed=10 * i + j))
    (folder / "ねこ" / "bad.jpg").write_bytes(b"bad")
    return folder


def run(given: Path, out: Path, engine: Engine | None = None, recipe: Recipe = RECIPE) -> Path:
    settings = Settings()
    job = Job(gather([given], limits(settings)), recipe, settings, [engine or Darker()])
    for _ in run_to_disk(job, out, [given]):
        pass
    return out


def previews(svg: bytes) -> list[Image.Image]:
    root = ET.fromstring(svg)
    pictures = [node.attrib["href"] for node in root.iter() if node.tag.endswith("image")]
    return [Image.open(io.BytesIO(base64.b64decode(p.removeprefix("data:image/jpeg;base64,")))) for p in pictures]


def test_counts_before_and_after(given: Path, tmp_path: Path) -> None:
    card = (run(given, tmp_path / "out") / CARD).read_text()
    rows = {m[1]: m.groups()[1:] for m in re.finditer(r"^\| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \|$", card, re.M)}
    assert rows == {
        "cats & dogs": ("3", "6", "9"),
        "_b_": ("9", "18", "27"),
        "ねこ": ("3", "4", "6"),  # one of them cannot be read
        "**all**": ("15", "28", "42"),
    }
    assert "1 failed; the lines of `manifest.jsonl` with status `failed` say why." in card
    assert "| gan | darker 1 | 28 |" in card
    assert "| `prompt` | `a \\| b 'c' &lt;script>` |" in card
    assert "licence" in card


def test_front_matter_of_the_hub(given: Path, tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(run(given, tmp_path / "out") / CARD)
    assert card.data.to_dict() == {
        "pretty_name": "given, augmented",
        "license": "unknown",
        "task_categories": ["image-classification"],
        "size_categories": ["n<1K"],
        "tags": ["augmentai", "synthetic", "data-augmentation"],
    }


def test_contact_sheet(given: Path, tmp_path: Path) -> None:
    out = run(given, tmp_path / "out")
    svg = (out / SHEET).read_bytes()
    shown = previews(svg)
    assert len(shown) == 2 * PAIRS
    assert all(picture.size == (48, 32) for picture in shown)  # as the sources: nothing is blown up in the file
    assert all(a.tobytes() != b.tobytes() for a, b in zip(shown[::2], shown[1::2], strict=True))
    text = "".join(ET.fromstring(svg).itertext())
    assert "ねこ" in text
    assert "cats & dogs" in text
    assert f"]({SHEET})" in (out / CARD).read_text()


def test_previews_are_small(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "a.png").write_bytes(png((1600, 900)))
    (tmp_path / "given" / "tall.png").write_bytes(png((60, 2000), seed=2))
    sizes = [p.size for p in previews((run(tmp_path / "given", tmp_path / "out") / SHEET).read_bytes())]
    assert max(max(size) for size in sizes) <= 352
    assert len(sizes) == 8


def test_nothing_made_gives_a_card_without_a_sheet(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "bad.jpg").write_bytes(b"bad")
    out = run(tmp_path / "given", tmp_path / "out")
    assert {path.name for path in out.iterdir()} == OWN_FILES - {SHEET}
    assert SHEET not in (out / CARD).read_text()


def test_a_zip_holds_the_same(given: Path, tmp_path: Path) -> None:
    out = run(given, tmp_path / "out")
    with zipfile.ZipFile(run(given, tmp_path / "out.zip")) as archive:
        for name in (SHEET, CARD):
            assert archive.read(name) == (out / name).read_bytes()


class TestWhoLoadsIt:
    """Class folders stay class folders to the usual loaders: what a run says of itself is no picture and no class."""

    def loaded(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *where: Any, **more: Any) -> Any:
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        from datasets import load_dataset

        return load_dataset(*where, **more, cache_dir=str(tmp_path / "cache"))

    def check(self, split: Any) -> None:
        assert split.features["label"].names == ["_b_", "cats & dogs", "ねこ"]
        assert [split["label"].count(i) for i in range(3)] == [27, 9, 6]  # originals lie beside their variations
        assert all(picture.size == (48, 32) for picture in split["image"])

    def test_imagefolder(self, given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        out = run(given, tmp_path / "out")
        self.check(self.loaded(monkeypatch, tmp_path, "imagefolder", data_dir=str(out))["train"])

    def test_as_it_lies_on_the_hub(self, given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        out = run(given, tmp_path / "out")
        (out / CARD).rename(out / "README.md")
        self.check(self.loaded(monkeypatch, tmp_path, str(out))["train"])

    def test_folders_are_classes(self, given: Path, tmp_path: Path) -> None:
        """What torchvision and Keras go by."""
        out = run(given, tmp_path / "out")
        assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["_b_", "cats & dogs", "ねこ"]
