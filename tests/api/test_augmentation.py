"""The Python API: what it takes, what it gives, and what it says where it cannot."""

from __future__ import annotations

import io
import itertools
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import augmentai
from augmentai import Augmenter, AugmentError, Outcome, Recipe, RecipeError, RunResult, Source, augment, run
from augmentai.dataset.writers.base import OutputError
from tests.support.image_files import SIZE_WH, colours, jpeg, png

QUICK: dict[str, Any] = {"engine": "gan", "seed": 7, "variations": 2, "filters": False}


def array(seed: int = 0) -> np.ndarray[Any, Any]:
    return np.asarray(colours(seed=seed).convert("RGB"))


def made(outcomes: Any) -> list[tuple[str, str | None]]:
    return [(o.variation.file, o.source.label) for o in outcomes if o.variation is not None]


WITH_LABEL = [("cats/image_000001__v1.png", "cats"), ("cats/image_000001__v2.png", "cats")]
WITHOUT = [("image_000001__v1.png", None), ("image_000001__v2.png", None)]
NUMBERED = [("3/image_000001__v1.png", "3"), ("3/image_000001__v2.png", "3")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(lambda: colours(), WITHOUT, id="a PIL image"),
        pytest.param(lambda: [colours()], WITHOUT, id="a list of one"),
        pytest.param(lambda: (colours() for _ in range(1)), WITHOUT, id="a generator"),
        pytest.param(lambda: array(), WITHOUT, id="an array"),
        pytest.param(lambda: array()[:, :, 0], WITHOUT, id="a grey array"),
        pytest.param(lambda: array() / 255.0, WITHOUT, id="floats from 0 to 1"),
        pytest.param(lambda: array()[:, :, :1], WITHOUT, id="one channel"),
        pytest.param(lambda: array()[:, :, 0].astype(np.uint16) * 200, WITHOUT, id="16 bits"),
        pytest.param(lambda: array() > 99, WITHOUT, id="booleans are refused with three channels"),
        pytest.param(lambda: png(), WITHOUT, id="the bytes of a file"),
        pytest.param(lambda: bytearray(png()), WITHOUT, id="a bytearray"),
        pytest.param(lambda: (colours(), "cats"), WITH_LABEL, id="a pair"),
        pytest.param(lambda: [(array(), "cats")], WITH_LABEL, id="a list of pairs"),
        pytest.param(lambda: [(png(), 3)], NUMBERED, id="a number as label"),
        pytest.param(lambda: [(png(), np.int64(3))], NUMBERED, id="NumPy's own number"),
        pytest.param(lambda: [(colours(), None)], WITHOUT, id="no label"),
        pytest.param(lambda: [(colours(), "a/b\\c")], None, id="a label that is no folder name"),
    ],
)
def test_images_in_memory(given: Any, expected: list[tuple[str, str | None]] | None) -> None:
    if expected is None:
        assert made(augment(given(), **QUICK)) == [(f"a_b_c/image_000001__v{i}.png", "a/b\\c") for i in (1, 2)]
        return
    value = given()
    if isinstance(value, np.ndarray) and value.dtype == bool:
        value = value[:, :, 0]
    outcomes = list(augment(value, **QUICK))
    assert made(outcomes) == expected
    assert all(o.image is not None and o.image.size == SIZE_WH for o in outcomes)


def test_the_same_pixels_as_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png())
    with Image.open(path) as opened:
        in_memory = [o.image.tobytes() for o in augment(opened.copy(), **QUICK, strength=0) if o.image]
    from_file = [o.image.tobytes() for o in augment(path, **QUICK, strength=0) if o.image]
    assert in_memory == from_file


def test_labelled_paths_and_mixtures(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg())
    outcomes = augment([(path, "dogs"), colours(seed=4), Source.from_bytes("x/b.png", png(seed=5), "x")], **QUICK)
    assert {file.rsplit("__", 1)[0] for file, _ in made(outcomes)} == {"dogs/photo", "image_000002", "x/b"}


def test_torch_tensors_and_datasets() -> None:
    import torch
    from torch.utils.data import Dataset

    class Photos(Dataset):  # type: ignore[type-arg]
        classes = ("cats", "dogs")

        def __len__(self) -> int:
            return 2

        def __getitem__(self, number: int) -> tuple[Any, int]:
            return torch.from_numpy(array(number).transpose(2, 0, 1).copy()), number

    assert {label for _, label in made(augment(Photos(), **QUICK))} == {"cats", "dogs"}
    tensor = torch.rand(3, SIZE_WH[1], SIZE_WH[0])
    assert made(augment(tensor, **QUICK)) == WITHOUT


def test_a_hub_dataset() -> None:
    import datasets

    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cats", "dogs"])})
    rows = {"image": [colours(seed=i) for i in range(3)], "label": [0, 1, 1]}
    found = augment(datasets.Dataset.from_dict(rows, features=features), **QUICK)
    assert len(found) == 6
    assert [label for _, label in made(found)] == ["cats", "cats", "dogs", "dogs", "dogs", "dogs"]
    with pytest.raises(TypeError, match="choose one of its splits: train"):
        augment(datasets.DatasetDict(train=datasets.Dataset.from_dict(rows, features=features)), **QUICK)
    with pytest.raises(TypeError, match="no column of images; its columns are a"):
        augment(datasets.Dataset.from_dict({"a": [1]}), **QUICK)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (7, "found int 7; expected paths"),
        (None, "found NoneType None; expected paths"),
        ({"a": 1}, "found dict; expected paths"),
        (object(), "found object; expected"),
        ([7], "item 1 is int 7; expected paths"),
        ([png(), None], "item 2 is NoneType None; expected"),
        ([["a.jpg"]], "item 1 is list; expected"),
        (np.zeros((4, 4, 3), np.int64), "item 1 holds int64; expected bool, uint8"),
        (np.zeros((4, 4, 7), np.uint8), r"the shape \(4, 4, 7\); expected \(H, W\) or \(H, W, C\)"),
        (np.zeros((2, 4, 4, 3), np.uint8), r"the shape \(2, 4, 4, 3\)"),
        (np.zeros((0, 4, 3), np.uint8), r"the shape \(0, 4, 3\)"),
        (np.full((4, 4), 200.0), "holds floats from 200 to 200; expected 0 to 1"),
        (np.full((4, 4), np.nan), "holds floats from nan to nan; expected 0 to 1"),
        ([(png(), 1.5)], "the label of item 1 is float 1.5; expected text, a whole number or None"),
        ([(png(), True)], "the label of item 1 is bool True"),
        ([(7, "cats")], "item 1 is a pair of int 7 and a label"),
    ],
)
def test_wrong_types_are_refused_at_once(given: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        augment(given, **QUICK)


def test_bytes_that_are_not_an_image_are_one_failure() -> None:
    (outcome,) = augment(b"not an image", **QUICK)
    assert not outcome.ok
    assert outcome.reason
    image, label = outcome
    assert (image, label) == (None, None)


def test_keywords_are_the_fields_of_a_recipe() -> None:
    with pytest.raises(TypeError, match="'variatons' is not a field of Recipe; did you mean variations"):
        augment(colours(), variatons=3)
    with pytest.raises(TypeError, match="'xyz' is not a field of Recipe; the fields are prompt, "):
        augment(colours(), xyz=3)
    with pytest.raises(RecipeError, match="variations is 99"):
        augment(colours(), variations=99)
    with pytest.raises(TypeError, match="recipe is dict; expected a Recipe"):
        augment(colours(), {"variations": 3})  # type: ignore[arg-type]
    assert len(augment(colours(), Recipe(variations=3), variations=4, engine="gan")) == 4


class TestIterating:
    def test_images_and_labels(self) -> None:
        pairs = list(augment([(colours(seed=i), f"class {i % 2}") for i in range(4)], **QUICK))
        assert len(pairs) == 8
        for image, label in augment([(colours(), "cats")], **QUICK):
            assert isinstance(image, Image.Image)
            assert label == "cats"

    def test_length_and_plan_are_known_before(self, tmp_path: Path) -> None:
        for number in range(3):
            (tmp_path / f"{number}.png").write_bytes(png(seed=number))
        found = augment(tmp_path, **QUICK)
        assert len(found) == 6
        assert len(found.plan.sources) == 3
        assert found.plan.recipe.seed == 7
        assert len(list(found)) == 6
        assert (found.report["variations"], found.report["failed"]) == (6, 0)

    def test_failures_are_not_among_the_pairs(self) -> None:
        found = augment([colours(), b"nothing"], **QUICK)
        assert len(list(found.pairs())) == 2
        assert found.report["failed"] == 1

    def test_stop_ends_it_early(self) -> None:
        found = augment([colours(seed=i) for i in range(30)], **QUICK)
        next(found)
        found.stop()
        assert len(list(found)) < 50
        assert found.report["stopped"]

    def test_one_at_a_time(self) -> None:
        found = augment([colours(seed=i) for i in range(30)], **QUICK)
        assert [o.ok for o in itertools.islice(found, 2)] == [True, True]
        found.close()


def test_a_variation_shows_itself_in_a_notebook() -> None:
    (outcome, _) = augment(colours(), **QUICK)
    assert outcome.variation is not None
    for shown in (outcome, outcome.variation):
        data = shown._repr_png_()
        assert data is not None
        with Image.open(io.BytesIO(data)) as opened:
            assert (opened.format, opened.size) == ("PNG", SIZE_WH)
    assert Outcome(outcome.source, 1, 1)._repr_png_() is None


class TestAugmenter:
    def test_one_image_after_another(self) -> None:
        augmenter = Augmenter(**QUICK)
        first = augmenter(array(), label="cats")
        assert [v.file for v in first] == ["cats/image_000001__v1.png", "cats/image_000001__v2.png"]
        again = augmenter(colours(), "cats")
        assert [v.image.tobytes() for v in first] == [v.image.tobytes() for v in again]
        other = augmenter(colours(seed=9), label="cats")
        assert first[0].image.tobytes() != other[0].image.tobytes()

    def test_a_random_seed_is_drawn_once(self) -> None:
        augmenter = Augmenter(engine="gan", filters=False)
        assert augmenter.recipe.seed
        assert augmenter(colours())[0].image.tobytes() == augmenter(colours())[0].image.tobytes()

    def test_what_cannot_be_augmented(self, tmp_path: Path) -> None:
        augmenter = Augmenter(**QUICK)
        with pytest.raises(TypeError, match="expected paths"):
            augmenter(7)
        with pytest.raises(AugmentError, match="not"):
            augmenter(b"not an image")
        with pytest.raises(TypeError, match="is a folder; expected one image"):
            augmenter(tmp_path)


class TestRun:
    def test_a_set_is_written_and_resumed(self, tmp_path: Path) -> None:
        photos = tmp_path / "photos" / "cats"
        photos.mkdir(parents=True)
        for number in range(3):
            (photos / f"{number}.png").write_bytes(png(seed=number))
        seen: list[Outcome] = []
        result = run(tmp_path / "photos", tmp_path / "out", on_outcome=seen.append, **QUICK)
        assert isinstance(result, RunResult)
        assert result.ok
        assert result.path == tmp_path / "out"
        assert (len(seen), result.report["variations"]) == (6, 6)
        lines = [json.loads(line) for line in (result.path / "manifest.jsonl").read_text().splitlines()]
        assert all((result.path / line["file"]).is_file() for line in lines)
        again = run(tmp_path / "photos", str(tmp_path / "out"), **QUICK)
        assert (again.report["held"], again.report["variations"]) == (6, 6)
        with pytest.raises(OutputError, match="variations was 2, now 3"):
            run(tmp_path / "photos", tmp_path / "out", **QUICK | {"variations": 3})

    def test_a_prompt_that_no_engine_follows_blocks_no_resume(self, tmp_path: Path) -> None:
        made = run(colours(), tmp_path / "out", engine="gan", filters=False, prompt="a red car")
        again = run(colours(), tmp_path / "out", engine="gan", filters=False, prompt="a blue van")
        assert (again.report["held"], again.report["seed"]) == (made.report["variations"], made.report["seed"])
        with pytest.raises(OutputError, match="prompt was 'a red car', now 'at dusk'"):
            run(colours(), tmp_path / "out", engine="gan", filters=False, prompt="at dusk")

    def test_from_memory_into_a_zip(self, tmp_path: Path) -> None:
        result = run([(colours(seed=i), "cats") for i in range(2)], tmp_path / "out.zip", **QUICK)
        assert result.ok
        assert result.path.is_file()

    def test_one_bad_file_is_not_all_right(self, tmp_path: Path) -> None:
        result = run([colours(), b"nothing"], tmp_path / "out", **QUICK)
        assert not result.ok
        assert result.report["variations"] == 2


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = "('torch', 'gradio', 'diffusers', 'transformers', 'PIL', 'numpy', 'huggingface_hub', 'requests')"
    code = f"import sys, augmentai; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_and_described() -> None:
    for name in augmentai.__all__:
        value = getattr(augmentai, name)
        assert name.startswith("__") or (value.__doc__ or "").strip(), name
    with pytest.raises(AttributeError, match="nothing"):
        _ = augmentai.nothing


def test_an_augmenter_goes_to_another_process_without_models_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STABILITY_API_KEY", "sk-secret-of-the-environment")
    augmenter = Augmenter(engine="gan", seed=7, filters=False)
    photo = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    before = augmenter(photo)
    packed = pickle.dumps(augmenter)
    assert len(packed) < 20_000
    assert b"sk-secret" not in packed
    assert [one.data for one in pickle.loads(packed)(photo)] == [one.data for one in before]


def test_labels_that_are_not_understood_are_warned_of_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "a.mat").write_bytes(b"MATLAB 5.0")
    with pytest.warns(UserWarning, match=r"1 label file is not understood \(MATLAB files.*a.mat"):
        assert len(augment(tmp_path, engine="gan")) == 1
