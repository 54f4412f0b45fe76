"""The families that are handed whole images: real pipelines with random weights, as an engine runs them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.engines import editing
from augmentai.engines.base import JobView, Made, Refused
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.engines.repaint import find_region
from augmentai.recipe import Recipe
from tests.support import tiny_transformers
from tests.support.diffusion_engine import difference, made, settings_for, tasks_for

# Family, its own steps, those that run at strength 0.3, its guidance, and what becomes of a negative prompt.
FAMILIES = {
    "klein": ("flux2-klein", 4, 4, 1.0, "ignored: guidance is off"),
    "z_image": ("z-image", 50, 15, 4.0, "text"),
    "kontext": ("flux-kontext", 28, 28, 2.5, "ignored: guidance is off"),
    "qwen_image": ("qwen-image", 50, 15, 4.0, "text"),
    "qwen_image_edit": ("qwen-image-edit", 50, 50, 4.0, "text"),
    "qwen_image_edit_plus": ("qwen-image-edit-plus", 40, 40, 4.0, "text"),
}
EDITORS = {"klein", "kontext", "qwen_image_edit", "qwen_image_edit_plus"}
STEPS = 2  # what a test waits for
RECIPE = Recipe(negative_prompt="text", prompt="fog", seed=9, strength=0.3)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Qwen's editors look at an image at a megapixel, whatever is asked for; and random weights move what they edit."""
    from diffusers.pipelines.qwenimage import (
        pipeline_qwenimage_edit,
        pipeline_qwenimage_edit_inpaint,
        pipeline_qwenimage_edit_plus,
    )

    for module in (pipeline_qwenimage_edit, pipeline_qwenimage_edit_inpaint):
        whole = module.calculate_dimensions
        monkeypatch.setattr(module, "calculate_dimensions", lambda area, ratio, of=whole: of(64 * 64, ratio))
    monkeypatch.setattr(pipeline_qwenimage_edit_plus, "CONDITION_IMAGE_SIZE", 64 * 64)
    monkeypatch.setattr(pipeline_qwenimage_edit_plus, "VAE_IMAGE_SIZE", 64 * 64)
    monkeypatch.setattr("augmentai.engines.diffusion.run.measured_shift", lambda before, after: 0.0)


def test_openvino_is_not_used_and_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of("z_image", tmp_path, monkeypatch, diffusion_backend="openvino", diffusion_dtype="bfloat16")
    (result,) = made(engine, tasks_for([(32, 32)], RECIPE)).values()
    assert result.details["backend"] == "torch computes, since OpenVINO is not used for z-image"
    assert result.details["dtype"] == "bfloat16"


def engine_of(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> DiffusionEngine:
    pipe = getattr(tiny_transformers, f"build_{kind}")(folder / "parts")
    if kind == "z_image":
        pipe = diffusers.ZImageImg2ImgPipeline(**pipe.components)
    monkeypatch.setattr("augmentai.engines.diffusion.load._pipeline", lambda *about: pipe)
    (folder / "model_index.json").write_text("{}")
    return DiffusionEngine(settings_for(folder, **{"diffusion_steps": STEPS} | changes))


@pytest.mark.parametrize("kind", FAMILIES)
def test_each_family_paints_by_its_own_defaults(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    family, steps, effective, guidance, negative = FAMILIES[kind]
    engine = engine_of(kind, tmp_path, monkeypatch, diffusion_steps=None)
    model = engine._loaded()
    assert (model.family.name, model.steps, model.guidance, model.batch) == (family, steps, guidance, 1)
    assert model.sampling_plan(0.3).effective == effective
    model.steps = STEPS
    (one, other) = made(engine, tasks_for([(40, 30), (32, 32)], RECIPE)).values()
    assert (one.image.size, other.image.size) == ((40, 30), (32, 32))
    assert one.details["negative_prompt"] == negative
    assert ("shift" in one.details) == (kind in EDITORS)
    sides = [int(side) for side in one.details["size_run"].split("x")]
    assert all(side % 8 == 0 for side in sides)  # twice the tiny VAE's factor, twice over


@pytest.mark.parametrize("kind", ["klein", "z_image", "kontext", "qwen_image", "qwen_image_edit"])
def test_a_seed_gives_the_same_pixels_and_another_others(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of(kind, tmp_path, monkeypatch)
    tasks = tasks_for([(40, 30)], replace(RECIPE, variations=2, strength=0.9))
    first, again = made(engine, tasks), made(engine, tasks)
    assert all(difference(first[key].image, again[key].image) == 0 for key in first)
    one, other = (result.image for result in first.values())
    assert difference(one, other) > 0


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_part_is_painted_and_the_rest_laid_back(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of(kind, tmp_path, monkeypatch)
    (task,) = tasks_for([(40, 30)], replace(RECIPE, repaint="background", strength=0.9))
    region = find_region(task.photo.rgb, Labels((Shape("cat", (8, 8, 24, 20)),)), "background")
    (result,) = made(engine, [replace(task, region=region)]).values()
    kept = np.asarray(region.lay_back(task.photo.rgb, result.image))
    source = np.asarray(task.photo.rgb)
    assert (kept[8:20, 8:24] == source[8:20, 8:24]).all()
    assert (np.asarray(result.image)[:4] != source[:4]).any()


def test_an_editor_needs_a_guard_for_labels_and_may_not_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of("klein", tmp_path, monkeypatch)
    (task,) = tasks_for([(40, 30)], replace(RECIPE, filters=False))
    labelled = replace(task, labels=Labels((Shape("cat", (8, 8, 24, 20)),)))

    def answer(one: Any) -> Made | Refused:
        (found,) = engine.make(iter([one]), JobView((), one.recipe, 10**8))
        return found

    refused = answer(labelled)
    assert isinstance(refused, Refused)
    assert "labelled images need --repaint background" in refused.reason
    monkeypatch.setattr("augmentai.engines.diffusion.run.measured_shift", lambda before, after: 0.03)
    refused = answer(task)
    assert isinstance(refused, Refused)
    assert refused.reason == editing.has_moved(0.03)


def test_a_stop_ends_between_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of("z_image", tmp_path, monkeypatch, diffusion_steps=200)
    tasks = tasks_for([(40, 30)] * 3, replace(RECIPE, strength=1.0))
    job = JobView(
        (), tasks[0].recipe, 10**8, on_progress=lambda words, share: job.stop.set() if "step 3" in words else None
    )
    assert list(engine.make(iter(tasks), job)) == []


@pytest.mark.parametrize("kind", ["klein", "z_image"])
def test_from_a_folder(kind: str, tmp_path: Path) -> None:
    """Saved as text-to-image, as these models are, and loaded by the class that takes images."""
    pipe = getattr(tiny_transformers, f"build_{kind}")(tmp_path / "parts")
    folder = tmp_path / "my-turbo"
    pipe.save_pretrained(folder, safe_serialization=True)
    engine = DiffusionEngine(settings_for(folder))
    (result,) = made(engine, tasks_for([(40, 30)], RECIPE)).values()
    assert result.details["family"] == ("z-image-turbo" if kind == "z_image" else "flux2-klein")
    assert result.image.size == (40, 30)
    assert isinstance(result.image, Image.Image)


def test_compiling_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of("z_image", tmp_path, monkeypatch, diffusion_compile=True)
    (result,) = made(engine, tasks_for([(32, 32)], RECIPE)).values()
    assert result.details["compiled"] == "no: not supported for z-image"


def test_an_editor_says_beforehand_that_it_has_no_strength() -> None:
    asked = Recipe(strength=0.5)
    editor = DiffusionEngine(settings_for("black-forest-labs/FLUX.2-klein-4B"))
    assert "is an editor and has no strength" in editor.unused_settings(asked)[0]
    assert editor.unused_settings(Recipe()) == ()
    assert DiffusionEngine(settings_for("Tongyi-MAI/Z-Image-Turbo")).unused_settings(asked) == ()
