"""Features of images: a label that does not fit, an image unlike all others, a twin in another split."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import augmentai
from augmentai.backbone import load_backbone
from augmentai.inspection.findings import Findings
from augmentai.inspection.similarity import find_by_features, mislabelled
from augmentai.settings import EXAMPLES
from augmentai.types import Source
from tests.support.command_line import augmentai as run_cli


def clusters(per_class: int, classes: int = 4, width: int = 32, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (classes, width)).repeat(per_class, axis=0)
    labels = [f"class {number}" for number in range(classes) for _ in range(per_class)]
    return (centres + rng.normal(0, 0.5, centres.shape)).astype(np.float32), labels


@pytest.mark.parametrize("per_class", [6, 30])
@pytest.mark.parametrize("width", [16, 300], ids=["more images", "more features"])
def test_flipped_labels_are_found(per_class: int, width: int) -> None:
    features, labels = clusters(per_class, width=width)
    assert mislabelled(features, labels) == []
    labels[2], labels[-1] = "class 3", "class 0"
    found = {number: other for number, other, _ in mislabelled(features, labels)}
    assert found == {2: "class 0", len(labels) - 1: "class 3"}


@pytest.mark.parametrize(
    ("per_class", "classes"), [pytest.param(4, 3, id="few images"), pytest.param(20, 1, id="one class")]
)
def test_too_little_says_nothing(per_class: int, classes: int) -> None:
    features, labels = clusters(per_class, classes)
    assert mislabelled(features, labels[::-1]) == []


def test_noise_says_hardly_anything() -> None:
    """Features that know nothing of the classes."""
    features = np.random.default_rng(1).normal(size=(200, 64)).astype(np.float32)
    assert len(mislabelled(features, [f"class {number % 5}" for number in range(200)])) <= 4


def crop(name: str, seed: int, size_wh: tuple[int, int] = (160, 160)) -> bytes:
    """A view of one of the example photographs."""
    rng = np.random.default_rng(seed)
    with Image.open(EXAMPLES / name) as opened:
        image = opened.convert("RGB").resize((240, 240))
    left, top = (int(value) for value in rng.integers(0, 40, 2))
    buffer = io.BytesIO()
    image.crop((left, top, left + 200, top + 200)).resize(size_wh).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def images() -> dict[str, bytes]:
    """Ten views of a cat, ten of a cup, one of each in the other's class, and one of the sky."""
    files = {}
    for label, name in (("cat", "chelsea.png"), ("cup", "coffee.png")):
        files |= {f"{label}/{seed}.png": crop(name, seed) for seed in range(10)}
    files["cup/wrong.png"], files["cat/wrong.png"] = crop("chelsea.png", 70), crop("coffee.png", 71)
    files["cup/sky.png"] = crop("hubble_deep_field.jpg", 1)
    return files


def sources(files: dict[str, bytes], split: str | None = None) -> list[Source]:
    made = [Source.from_bytes(path, data, path.split("/")[0]) for path, data in files.items()]
    return [replace(one, split=split) for one in made]


def found_in(images: list[Source]) -> dict[str, list[str]]:
    findings = Findings()
    find_by_features(images, load_backbone(), 10**8, findings)
    return {one.kind: [example.file for example in one.examples] for one in findings.all()}


def test_wrong_labels_and_outliers_of_images(images: dict[str, bytes]) -> None:
    found = found_in([*sources(images), Source.from_bytes("cat/broken.png", b"no image", "cat")])
    assert sorted(found["unlikely_labels"]) == ["cat/wrong.png", "cup/wrong.png"]
    assert found["outliers"][0] == "cup/sky.png"
    assert "similar_across_splits" not in found


def test_twins_across_splits() -> None:
    training = sources({"cat/a.png": crop("chelsea.png", 1), "cup/b.png": crop("coffee.png", 2)}, "train")
    test = sources({"cat/c.png": crop("chelsea.png", 1, (150, 158)), "cup/d.png": crop("rocket.jpg", 1)}, "test")
    assert found_in([*training, *test])["similar_across_splits"] == ["cat/a.png"]
    assert found_in(sources({"cat/a.png": crop("chelsea.png", 1)})) == {}


def turned(name: str, degrees: int) -> bytes:
    buffer = io.BytesIO()
    with Image.open(EXAMPLES / name) as opened:
        opened.convert("RGB").resize((240, 240)).rotate(degrees, Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_twin_is_what_is_unusually_alike_in_this_set() -> None:
    """Turned by a few degrees, features agree by 0.88 only: among images that are not alike, that is a twin."""
    names = ("chelsea.png", "china.jpg", "coffee.png", "flower.jpg", "hubble_deep_field.jpg")
    training = sources({f"all/{name}": turned(name, 0) for name in names}, "train")
    test = sources({"all/china.png": turned("china.jpg", 8), "all/rocket.jpg": turned("rocket.jpg", 0)}, "test")
    assert found_in([*training, *test])["similar_across_splits"] == ["all/china.jpg"]


def test_the_command_and_python_say_the_same(
    images: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for path, data in images.items():
        (tmp_path / "set" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / path).write_bytes(data)
    done = run_cli("inspect", str(tmp_path / "set"), "--similarity", "--json")
    kinds = {one["kind"]: one for one in json.loads(done.stdout)["findings"]}
    assert kinds["unlikely_labels"]["severity"] == "note"
    assert "labelled cat, looks more like cup" in str(kinds["unlikely_labels"]["examples"])
    inside = augmentai.inspect(tmp_path / "set", similarity=True).as_dict()["findings"]
    assert [one for one in inside if one["kind"] in kinds] == list(kinds.values())
    without = augmentai.inspect(tmp_path / "set").as_dict()["findings"]
    assert "unlikely_labels" not in {one["kind"] for one in without}


@pytest.mark.parametrize(
    ("limits", "compared"),
    [
        pytest.param({}, 3, id="no limit"),
        pytest.param({"most_images": 2}, 2, id="images"),
        pytest.param({"most_seconds": 0.0}, 1, id="time"),
    ],
)
def test_it_says_how_many_were_compared(limits: dict[str, float], compared: int) -> None:
    sources = [Source.from_bytes(f"{number}.png", crop("coffee.png", number)) for number in range(3)]
    assert find_by_features(sources, load_backbone(), 10**8, Findings(), **limits) == compared
