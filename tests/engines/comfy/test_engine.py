"""A ComfyUI server over HTTP, and workflows that can be used or not."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.engines.comfy import ComfyEngine, engine
from augmentai.engines.comfy.workflow import Filling, Workflow, WorkflowError
from augmentai.recipe import Recipe
from augmentai.settings import EXAMPLES, Settings
from augmentai.types import Source
from tests.support.comfy_emulator import MASK_NODE, WORKFLOW, ComfyEmulator, comfy
from tests.support.hosted_job import Ran, run_job
from tests.support.image_files import encoded
from tests.support.known_labels import KnownLabels

RECIPE = Recipe(engine="comfy", seed=7, prompt="fog", negative_prompt="people", filters=False, geometry="none")


@pytest.fixture(scope="module")
def served() -> Iterator[ComfyEmulator]:
    with comfy() as emulator:
        yield emulator


@pytest.fixture
def server(served: ComfyEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ComfyEmulator:
    served.reset()
    monkeypatch.setenv("AUGMENTAI_COMFY_URL", served.url)
    monkeypatch.setattr(engine, "CANVAS", engine.Canvas(max_aspect=4.0, pixels=60_000))  # which is sooner encoded
    use(WORKFLOW, monkeypatch, tmp_path)
    return served


def use(workflow: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Let the engine use this workflow."""
    path = folder / "workflow_api.json"
    path.write_text(json.dumps(workflow))
    monkeypatch.setenv("AUGMENTAI_COMFY_WORKFLOW", str(path))
    return path


def masked() -> dict[str, Any]:
    return copy.deepcopy(WORKFLOW) | {"6": copy.deepcopy(MASK_NODE)}


def photos(count: int) -> list[Source]:
    with Image.open(EXAMPLES / "chelsea.png") as photo:
        return [
            Source.from_bytes(f"cats/{i}.png", encoded(photo.convert("RGB").rotate(20 * i).resize((120, 80))), "cats")
            for i in range(count)
        ]


def ran(sources: list[Source], recipe: Recipe = RECIPE) -> Ran:
    return run_job(Settings(), sources, recipe, [ComfyEngine(Settings())])


def test_an_image_is_uploaded_painted_and_comes_back_in_its_own_size(server: ComfyEmulator) -> None:
    (outcome,) = ran(photos(1)).outcomes
    made = outcome.variation
    assert made is not None, outcome.reason
    assert (made.image.size, made.prompt) == ((120, 80), "fog")
    assert made.model.startswith("workflow ")
    (graph,) = server.prompts
    assert graph["2"]["inputs"]["text"] == "photo, fog"
    assert graph["3"]["inputs"]["text"] == "people, text"
    assert graph["4"]["inputs"] == WORKFLOW["4"]["inputs"] | {"seed": outcome.seed}
    assert graph["1"]["inputs"]["image"].startswith("augmentai/")
    before = np.asarray(Image.open(io.BytesIO(outcome.source.read())).convert("RGB"))
    assert np.asarray(made.image).mean() < 0.85 * before.mean()


def test_strength_becomes_denoise_and_0_is_the_source(server: ComfyEmulator) -> None:
    ran(photos(1), Recipe(engine="comfy", seed=7, strength=0.25, filters=False))
    assert server.prompts[0]["4"]["inputs"]["denoise"] == 0.25
    server.reset()
    (outcome,) = ran(photos(1), Recipe(engine="comfy", seed=7, strength=0, filters=False, geometry="none")).outcomes
    assert outcome.ok
    assert not server.prompts


def test_two_are_in_the_queue_at_most_and_each_seed_has_its_own_pixels(server: ComfyEmulator) -> None:
    server.seconds = 0.05
    done = ran(photos(3), Recipe(engine="comfy", seed=7, variations=2, filters=False, geometry="none"))
    assert sum(outcome.ok for outcome in done.outcomes) == 6
    assert server.most_waiting <= 2
    assert len({outcome.variation.data for outcome in done.outcomes if outcome.variation}) == 6


def test_a_part_is_painted_by_a_mask(server: ComfyEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(masked(), monkeypatch, tmp_path)
    (source,) = photos(1)
    labels = KnownLabels(Labels((Shape("cat", (36, 20, 84, 60)),)))
    boxed = Source(source.path, None, source.sha256, source.size_bytes, source.read, labels=labels)
    (outcome,) = ran([boxed], Recipe(engine="comfy", seed=7, repaint="background", filters=False)).outcomes
    assert outcome.variation is not None, outcome.reason
    before = np.asarray(Image.open(io.BytesIO(source.read())).convert("RGB"))
    after = np.asarray(outcome.variation.image)
    assert (before[20:60, 36:84] == after[20:60, 36:84]).all()
    assert before[:10].mean() > after[:10].mean() + 10
    assert server.prompts[0]["6"]["inputs"]["channel"] == "red"


def test_without_a_part_all_of_the_mask_is_white(
    server: ComfyEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The file that the workflow was made with need not be on the server."""
    use(masked(), monkeypatch, tmp_path)
    (outcome,) = ran(photos(1)).outcomes
    assert outcome.variation is not None, outcome.reason
    before = np.asarray(Image.open(io.BytesIO(outcome.source.read())).convert("RGB"))
    assert np.asarray(outcome.variation.image).mean() < 0.85 * before.mean()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("memory", "node 4 (KSampler): Allocation on device 0 would exceed allowed memory"),
        ("nothing", "its workflow saved no image"),
        ("gone", "it answered 404 when it was asked for its image"),
        ("page", "something that is not an image"),
        ("forgotten", "it no longer knows of this image; it was restarted"),
    ],
)
def test_a_fault_costs_one_image(server: ComfyEmulator, fault: str, says: str) -> None:
    server.faults.append(fault)
    done = ran(photos(2))
    assert sum(outcome.ok for outcome in done.outcomes) == 1
    assert says in done.reasons


def test_what_never_ends_is_ended(server: ComfyEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUGMENTAI_COMFY_TOTAL_SECONDS", "0.5")
    server.faults.append("never")
    done = ran(photos(1))
    assert "it did not finish within 0.5 s" in done.reasons
    assert server.interrupted == ["id-0"]


def test_a_stop_empties_the_queue(server: ComfyEmulator) -> None:
    from augmentai.dataset.readers.gather import Gathered
    from augmentai.pipeline.job import Job

    server.faults.append("never")
    job = Job(Gathered(tuple(photos(4)), (), ()), RECIPE, Settings(), [ComfyEngine(Settings())])
    Thread(target=lambda: (server.await_work(), job.stop.set())).start()
    assert not any(outcome.ok for outcome in job.run())
    assert set(server.dropped) == {f"id-{number}" for number in range(len(server.prompts))}
    assert server.interrupted[0] == "id-0", "and whatever the server had begun before it was taken out of the queue"
    assert set(server.interrupted) <= set(server.dropped)


def test_a_workflow_that_the_server_cannot_run_ends_the_engine(
    server: ComfyEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(WORKFLOW | {"9": {"class_type": "Upscaler", "inputs": {}}}, monkeypatch, tmp_path)
    done = ran(photos(3))
    assert "node 9 (Upscaler): Value not in list Upscaler" in done.reasons
    assert not server.prompts


def test_a_server_that_is_not_there_is_named(server: ComfyEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUGMENTAI_COMFY_URL", "http://127.0.0.1:9")
    assert "ComfyUI at http://127.0.0.1:9 cannot be reached" in ran(photos(2)).reasons


def test_a_password_in_its_address_is_not_shown(server: ComfyEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUGMENTAI_COMFY_URL", "http://me:secret@127.0.0.1:9")
    reasons = ran(photos(1)).reasons
    assert "ComfyUI at http://127.0.0.1:9 cannot be reached" in reasons
    assert "secret" not in reasons


def without(*numbers: str) -> dict[str, Any]:
    return {number: node for number, node in WORKFLOW.items() if number not in numbers}


@pytest.mark.parametrize(
    ("workflow", "says"),
    [
        ({"nodes": [], "links": []}, "the editor's own format; export the workflow with Export"),
        ([], "this holds no nodes"),
        ({"1": {"class_type": "LoadImage"}}, "this holds no nodes"),
        (without("1"), "0 nodes Load Image, expected one"),
        (without("1") | {"7": WORKFLOW["1"], "8": WORKFLOW["1"]}, "2 nodes Load Image, expected one"),
        (without("5"), "no node Save Image"),
    ],
)
def test_workflows_that_cannot_be_used(
    workflow: Any, says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(workflow, monkeypatch, tmp_path)
    state = ComfyEngine(Settings()).readiness()
    assert (state.ready, state.configured) == (False, True)
    assert says in state.reason


def test_files_that_are_no_workflow(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match="cannot be read"):
        Workflow.read(tmp_path / "missing.json")
    (tmp_path / "text.json").write_text("text")
    with pytest.raises(WorkflowError, match="not JSON"):
        Workflow.read(tmp_path / "text.json")


def test_without_a_workflow_it_is_not_set_up() -> None:
    state = ComfyEngine(Settings()).readiness()
    assert not state.configured
    assert "AUGMENTAI_COMFY_WORKFLOW is not set" in state.reason


def test_what_a_workflow_cannot_follow_is_said(
    server: ComfyEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = without("2", "3", "4")
    use(plain, monkeypatch, tmp_path)
    unused = ComfyEngine(Settings()).unused_settings(Recipe(prompt="fog", strength=0.5, repaint="background"))
    assert any("does not read the prompt" in words for words in unused)
    assert any("the strength has no effect" in words for words in unused)
    assert len(unused) == 3


def test_words_of_a_prompt_are_no_placeholders() -> None:
    filled = Workflow(WORKFLOW, "1").filled(Filling("a.png", "a {negative_prompt} sign", "text", 1))
    assert filled["2"]["inputs"]["text"] == "photo, a {negative_prompt} sign"
    assert WORKFLOW["2"]["inputs"]["text"] == "photo, {prompt}"
