"""The dataset card, and that what a run writes about itself disturbs no loader."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.dataset_card import DatasetCounts, render_card
from augmentai.dataset.manifest import CARD, OWN_FILES, SHEET
from augmentai.dataset.run_record import RunRecord
from augmentai.recipe import Recipe
from tests.support.runs import photos_in_awkward_classes, run_to_end

RECIPE = Recipe(seed=5, engine="gan", variations=2, prompt="a | b `c` <script>")


def run(photos: Path, out: Path) -> Path:
    run_to_end(photos, out, RECIPE)
    return out


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return photos_in_awkward_classes(tmp_path / "photos")


def test_counts_before_and_after(photos: Path, tmp_path: Path) -> None:
    card = (run(photos, tmp_path / "out") / CARD).read_text()
    rows = {m[1]: m.groups()[1:] for m in re.finditer(r"^\| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \|$", card, re.M)}
    assert rows == {
        "cats & dogs": ("3", "6", "9"),
        "&lt;b>": ("9", "18", "27"),
        "ねこ": ("3", "4", "6"),  # one of them cannot be read
        "**all**": ("15", "28", "42"),
    }
    assert "1 failed; the lines of `manifest.jsonl` with status `failed` say why." in card
    assert "| gan | darker 1 | 28 |" in card
    assert "| `prompt` | `a \\| b 'c' &lt;script>` |" in card
    assert "licence" in card


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("traffic_light", "traffic_light"),
        ("cats & dogs: 3", "cats & dogs: 3"),
        ("[a](javascript:alert(1))", r"\[a\](javascript:alert(1))"),
        ("![x](http://evil.example/x.png)", r"!\[x\](http\://evil.example/x.png)"),
        ("https://evil.example", r"https\://evil.example"),
        ("www.evil.example a@evil.example", r"www\.evil.example a\@evil.example"),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)>"),
        ("&lt;b&gt; &#60;", r"\&lt;b\&gt; \&#60;"),
        ("**a** _b_ `c` ~d~ e|f g\\h", r"\*\*a\*\* \_b\_ \`c\` \~d\~ e\|f g\\h"),
        ("a\n\n# b", "a # b"),
        ("# b", r"\# b"),
    ],
)
def test_names_are_plain_text(name: str, shown: str) -> None:
    counts = DatasetCounts()
    counts.sources["", name] = 1
    counts.source_objects[name] = 2
    lines = render_card(RunRecord(Recipe(), inputs=("a/[b](c)",)), counts, has_sheet=False).decode().splitlines()
    assert f"| {shown} | 1 | 0 | 0 |" in lines
    assert f"| {shown} | 2 | 0 |" in lines
    assert r"# \[b\](c), augmented" in lines


def test_front_matter_of_the_hub(photos: Path, tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(run(photos, tmp_path / "out") / CARD)
    assert card.data.to_dict() == {
        "pretty_name": "photos, augmented",
        "license": "unknown",
        "task_categories": ["image-classification"],
        "size_categories": ["n<1K"],
        "tags": ["augmentai", "synthetic", "data-augmentation"],
    }


def test_a_run_that_made_nothing_has_a_card_without_a_sheet(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "bad.jpg").write_bytes(b"bad")
    out = run(tmp_path / "photos", tmp_path / "out")
    assert {path.name for path in out.iterdir()} == OWN_FILES - {SHEET}
    assert SHEET not in (out / CARD).read_text()


def test_a_zip_contains_the_same(photos: Path, tmp_path: Path) -> None:
    out = run(photos, tmp_path / "out")
    with zipfile.ZipFile(run(photos, tmp_path / "out.zip")) as archive:
        for name in (SHEET, CARD):
            assert archive.read(name) == (out / name).read_bytes()


class TestLoaders:
    """Class folders stay class folders to the usual loaders: what a run writes about itself is no image or class."""

    def loaded(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *where: Any, **more: Any) -> Any:
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        from datasets import load_dataset

        return load_dataset(*where, **more, cache_dir=str(tmp_path / "cache"))

    def check(self, split: Any) -> None:
        assert split.features["label"].names == ["_b_", "cats & dogs", "ねこ"]
        assert [split["label"].count(i) for i in range(3)] == [27, 9, 6]  # originals are next to their variations
        assert all(image.size == (48, 32) for image in split["image"])

    def test_imagefolder(self, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        out = run(photos, tmp_path / "out")
        self.check(self.loaded(monkeypatch, tmp_path, "imagefolder", data_dir=str(out))["train"])

    def test_as_it_is_on_the_hub(self, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        out = run(photos, tmp_path / "out")
        (out / CARD).rename(out / "README.md")
        self.check(self.loaded(monkeypatch, tmp_path, str(out))["train"])

    def test_folders_are_classes(self, photos: Path, tmp_path: Path) -> None:
        """Which torchvision and Keras read."""
        out = run(photos, tmp_path / "out")
        assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["_b_", "cats & dogs", "ねこ"]
