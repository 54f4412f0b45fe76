"""The diffusion engine on the CPU: the same code as on CUDA, with a real but tiny pipeline loaded from safetensors."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.dataset.read import gather
from augmentai.engines.base import EngineOut, JobView, Made, Refused, Task
from augmentai.engines.diffusion import DiffusionEngine, presence
from augmentai.engines.diffusion.batches import Batches
from augmentai.engines.diffusion.families import family_of, plan, run_size
from augmentai.engines.gan import GanEngine
from augmentai.images import Photo
from augmentai.job import Job, limits
from augmentai.keep import keep
from augmentai.recipe import Recipe, Source, variation_seed
from augmentai.settings import Settings

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")


from augmentai.engines.diffusion.load import explain, load, placement_for  # noqa: E402
from augmentai.engines.diffusion.model import Model  # noqa: E402
from augmentai.engines.diffusion.shots import ModelError, Painted, Shot  # noqa: E402
from tests.engines import tiny_pipeline  # noqa: E402

warnings.filterwarnings("ignore", category=FutureWarning, module="diffusers")

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU on this machine")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks this small are slower on several threads, and far slower beside other programs."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny pipeline under a name that makes it an SD-Turbo."""
    return tiny_pipeline.write(tmp_path_factory.mktemp("model") / "sd-turbo-tiny")


def settings_for(folder: Path | str, **changes: Any) -> Settings:
    return Settings(**{"diffusion_model": str(folder), "diffusion_device": "cpu", "diffusion_batch": 4} | changes)


@pytest.fixture(scope="module")
def engine(folder: Path) -> DiffusionEngine:
    """Loaded once for all tests that leave the model as it is."""
    return DiffusionEngine(settings_for(folder))


def picture(seed: int, size_wh: tuple[int, int] = (40, 30)) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size_wh, Image.Resampling.BICUBIC)


def tasks_for(sizes: list[tuple[int, int]], recipe: Recipe, alpha: bool = False) -> list[Task]:
    tasks: list[Task] = []
    for number, size_wh in enumerate(sizes):
        image = picture(number, size_wh)
        source = Source.from_bytes(f"cats/{number}.png", image.tobytes(), "cats")
        photo = Photo(image, "PNG", "RGB", Image.new("L", size_wh, 128) if alpha else None)
        tasks += [
            Task(source, photo, index, variation_seed(recipe.seed, source.sha256, index), recipe)
            for index in range(1, recipe.variations + 1)
        ]
    return tasks


def made(
    engine: DiffusionEngine, tasks: list[Task], said: list[tuple[str, float]] | None = None
) -> dict[tuple[str, int], Made]:
    """said: gets what the engine tells of itself."""
    view = JobView((), tasks[0].recipe, 10**8, tell=lambda *what: said.append(what) if said is not None else None)
    results = list(engine.make(iter(tasks), view))
    assert all(isinstance(result, Made) for result in results), results
    assert len(results) == len(tasks)
    return {(result.task.source.path, result.task.index): result for result in results if isinstance(result, Made)}


def difference(a: Image.Image, b: Image.Image) -> int:
    return int(np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16)).max())


# ---------------------------------------------------------------- steps, sizes, batches: pure arithmetic


@pytest.mark.parametrize("rounds_up", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 4, 28, 30, 50, 100])
@pytest.mark.parametrize("strength", [0.001, 0.01, 0.05, 0.24, 0.29, 0.3, 0.57, 0.999, 1.0])
def test_never_fewer_than_one_step_and_never_fewer_than_asked(strength: float, steps: int, rounds_up: bool) -> None:
    planned = plan(strength, steps, rounds_up)
    wanted = planned.steps * planned.strength
    # The two formulas of `get_timesteps` in diffusers 0.42.
    start = int(planned.steps - wanted) if rounds_up else planned.steps - min(int(wanted), planned.steps)
    assert planned.steps - start == planned.effective >= 1
    assert planned.effective >= int(steps * strength + 1e-6)
    assert abs(planned.effective / planned.steps - strength) <= 1 / planned.steps + 1e-9


def test_floating_point_takes_no_step_away() -> None:
    assert 100 * 0.29 < 29
    assert plan(0.29, 100).effective == 29


@pytest.mark.parametrize(
    ("strength", "timesteps"),
    [
        (0.25, (249,)),  # SD-Turbo was trained at 249, 499, 749 and 999
        (0.3, (299,)),
        (0.4, (399, 199)),
        (0.5, (499, 249)),
        (1.0, (999, 749, 499, 249)),
        (0.0004, (0,)),
    ],
)
def test_few_step_models_start_at_the_noise_that_was_asked_for(strength: float, timesteps: tuple[int, ...]) -> None:
    assert plan(strength, 4, exact=True).timesteps == timesteps


@pytest.mark.parametrize(
    "size_wh", [(640, 480), (480, 640), (4000, 3000), (4032, 3024), (1920, 1080), (7, 7), (333, 517)]
)
@pytest.mark.parametrize(("area_px", "grid_px"), [(512**2, 32), (1024**2, 32), (768**2, 32)])
def test_size_of_the_run(size_wh: tuple[int, int], area_px: int, grid_px: int) -> None:
    width, height = run_size(size_wh, area_px, grid_px)
    assert width % grid_px == height % grid_px == 0
    assert 0.7 * area_px <= width * height <= 1.06 * area_px
    assert (width / height) / (size_wh[0] / size_wh[1]) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("size_wh", [(5000, 8), (8, 5000), (1, 1)])
def test_size_of_the_run_of_oddities(size_wh: tuple[int, int]) -> None:
    width, height = run_size(size_wh, 512**2, 32)
    assert min(width, height) >= 32
    assert width * height <= 1.06 * 512**2


def test_batches_fill_across_sources_and_stay_bounded() -> None:
    batches: Batches[int] = Batches(4)
    sent = []
    for item in range(100):
        batches.add(item % 10, item, 1.0)
        if batch := batches.full():
            sent.append(batch)
        assert sum(len(group) for group in batches._groups.values()) <= 16
    while batch := batches.rest():
        sent.append(batch)
    assert sorted(item for batch in sent for item in batch) == list(range(100))
    assert all(len({item % 10 for item in batch}) == 1 for batch in sent)


def test_large_sources_do_not_wait_in_memory() -> None:
    batches: Batches[str] = Batches(8)
    for number in range(5):
        batches.add(number, "a 50 megapixel source", 50)
    assert batches.full()


@pytest.mark.parametrize(
    ("pipeline", "name", "trailing", "family"),
    [
        ("StableDiffusionImg2ImgPipeline", "stabilityai/sd-turbo", True, "sd-turbo"),
        ("StableDiffusionImg2ImgPipeline", "my-copy", True, "sd-turbo"),
        ("StableDiffusionImg2ImgPipeline", "stable-diffusion-v1-5/stable-diffusion-v1-5", False, "sd"),
        ("StableDiffusionXLImg2ImgPipeline", "stabilityai/sdxl-turbo", True, "sdxl-turbo"),
        ("StableDiffusionXLImg2ImgPipeline", "stabilityai/stable-diffusion-xl-base-1.0", False, "sdxl"),
        ("StableDiffusion3Img2ImgPipeline", "stabilityai/stable-diffusion-3.5-large-turbo", False, "sd3.5-turbo"),
        ("StableDiffusion3Img2ImgPipeline", "stabilityai/stable-diffusion-3.5-medium", False, "sd3.5"),
        ("FluxImg2ImgPipeline", "black-forest-labs/FLUX.1-schnell", False, "flux-schnell"),
        ("FluxImg2ImgPipeline", "black-forest-labs/FLUX.1-dev", False, "flux"),
        ("Kandinsky3Img2ImgPipeline", "kandinsky-community/kandinsky-3", False, None),
    ],
)
def test_families(pipeline: str, name: str, trailing: bool, family: str | None) -> None:
    found = family_of(pipeline, name, trailing)
    assert (found.name if found else None) == family


# ---------------------------------------------------------------- readiness


def test_importing_the_engine_imports_no_heavy_library() -> None:
    """Nor does asking whether it is ready on a machine without a GPU."""
    code = """
import sys
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.settings import Settings
ready = DiffusionEngine(Settings()).readiness()
heavy = ("torch", "diffusers", "transformers", "accelerate", "spaces")
print([name for name in heavy if name in sys.modules], ready.ready)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[]"), done.stdout


def test_off_without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    readiness = DiffusionEngine(Settings()).readiness()
    assert not readiness.ready
    assert readiness.reason.startswith("no CUDA GPU")
    assert not readiness.configured
    asked = DiffusionEngine(Settings(diffusion_device="cuda")).readiness()
    assert not asked.ready
    assert asked.configured


def test_without_torch_the_driver_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(presence, "_DEVICE_FILES", ())
    presence._no_driver_because.cache_clear()
    assert presence.no_cuda_because() == "no CUDA GPU on this machine (there is no NVIDIA device file)"
    presence._no_driver_because.cache_clear()


def test_libraries_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(presence, "_LIBRARIES", ("torch", "no_such_library"))
    readiness = DiffusionEngine(settings_for(folder)).readiness()
    assert not readiness.ready
    assert "no_such_library not installed" in readiness.reason


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/no/such/folder", "is not there"),
        ("missing.safetensors", "is not there"),
        ("{tmp}", "holds no model_index.json"),
        ("{tmp}/weights.ckpt", "is no .safetensors file"),
    ],
)
def test_models_that_cannot_be_had(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "weights.ckpt").write_bytes(b"pickle")
    readiness = DiffusionEngine(settings_for(name.format(tmp=tmp_path))).readiness()
    assert not readiness.ready
    assert words in readiness.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"diffusion_revision": "v1"}, "AUGMENTAI_DIFFUSION_REVISION is for models of the hub"),
        ({"diffusion_config": "some/where"}, "AUGMENTAI_DIFFUSION_CONFIG is for a single .safetensors file"),
    ],
)
def test_a_setting_without_effect_is_told(folder: Path, changes: dict[str, str], words: str) -> None:
    readiness = DiffusionEngine(settings_for(folder, **changes)).readiness()
    assert not readiness.ready
    assert words in readiness.reason


def test_a_gpu_that_is_not_there_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ModelError, match=r"no GPU cuda:2: torch finds 2.*AUGMENTAI_DIFFUSION_DEVICE"):
        load(settings_for(folder), "cuda:2")


def test_compiling_that_cannot_be_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augmentai.engines.diffusion.load._place", lambda *about: "parts")
    engine = DiffusionEngine(settings_for(folder, diffusion_compile=True))
    [result] = made(engine, tasks_for([(32, 32)], Recipe(seed=3, strength=0.3))).values()
    assert result.details["compiled"] == "no: the weights do not fit on the GPU as a whole"


def test_offline_mode_is_respected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    readiness = DiffusionEngine(settings_for("nobody/no-such-model-here")).readiness()
    assert not readiness.ready
    assert "HF_HUB_OFFLINE" in readiness.reason


def test_the_default_model_is_pinned_and_another_is_not() -> None:
    assert len(presence.revision_of(Settings()) or "") == 40
    assert presence.revision_of(Settings(diffusion_revision="v2")) == "v2"
    assert presence.revision_of(Settings(diffusion_model="some/model")) is None


def test_ready_with_a_model_on_the_cpu_when_asked(engine: DiffusionEngine) -> None:
    assert engine.readiness().ready


def test_the_token_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", " hf_secret ")
    settings = Settings()
    assert settings.hf_token.get_secret_value() == "hf_secret"
    assert "hf_secret" not in repr(settings)


# ---------------------------------------------------------------- what comes out


def test_every_size_comes_back_exactly(engine: DiffusionEngine) -> None:
    sizes = [(40, 30), (8, 8), (301, 7), (7, 301), (123, 457)]
    results = made(engine, tasks_for(sizes, Recipe(seed=5, strength=0.3)))
    for result in results.values():
        assert result.image.size == result.task.photo.size_wh
        assert result.image.mode == "RGB"
        assert difference(result.image, result.task.photo.rgb) > 0


def test_a_large_photograph_stays_sharp(engine: DiffusionEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a model that paints what it was given: weights that do so cannot be had here, only random ones."""

    def painted(self: DiffusionEngine, tell: Any, shots: list[Shot], stopped: Any) -> Callable[[], list[Painted]]:
        return lambda: [Painted(shot.pixels, "", len(shots), 1, 0.0) for shot in shots]

    monkeypatch.setattr(DiffusionEngine, "_begin", painted)
    with Image.open(Path(__file__).parents[2] / "examples" / "chelsea.png") as opened:
        photo = Photo(opened.convert("L").convert("RGB"), "PNG", "RGB")
    recipe = Recipe(seed=3, strength=0.3)
    task = Task(Source.from_bytes("cat.png", photo.rgb.tobytes()), photo, 1, 1, recipe)
    [result] = made(engine, [task]).values()
    assert result.details["size_run"] == "24x16"
    assert difference(result.image, photo.rgb) <= 3


def test_details_say_what_was_really_run(engine: DiffusionEngine) -> None:
    recipe = Recipe(prompt="a {label} in snow", negative_prompt="text", seed=5, strength=0.3, variations=3)
    result = made(engine, tasks_for([(40, 30)], recipe))["cats/0.png", 1]
    assert result.prompt == "a cats in snow"
    assert result.model == "sd-turbo-tiny"
    assert result.ai_share == "all"
    assert result.seconds > 0
    assert result.details == {
        "family": "sd-turbo",
        "steps": 1,
        "effective_steps": 1,
        "timesteps": [299],
        "guidance": 0.0,
        "scheduler": "EulerDiscreteScheduler",
        "batch": 3,
        "dtype": "float32",
        "device": "cpu",
        "size_run": "32x24",
        "negative_prompt": "not read: guidance is off",
    }


@pytest.mark.parametrize("strength", [0.01, 0.1, 0.3, 0.5, 1.0])
def test_steps_that_were_run_are_those_that_were_planned(folder: Path, strength: float) -> None:
    for extra in ({}, {"diffusion_steps": 3}):
        engine = DiffusionEngine(settings_for(folder, **extra))
        result = made(engine, tasks_for([(32, 32)], Recipe(seed=1, strength=strength)))["cats/0.png", 1]
        planned = engine._model.plan(strength)  # type: ignore[union-attr]
        assert result.details["effective_steps"] == planned.effective >= 1


def test_strength_zero_is_the_source_itself(engine: DiffusionEngine) -> None:
    result = made(engine, tasks_for([(40, 30)], Recipe(seed=5, strength=0)))["cats/0.png", 1]
    assert difference(result.image, result.task.photo.rgb) == 0
    assert result.details["effective_steps"] == 0


def test_more_strength_changes_more(engine: DiffusionEngine) -> None:
    def changed(strength: float) -> float:
        result = made(engine, tasks_for([(32, 32)], Recipe(seed=5, strength=strength)))["cats/0.png", 1]
        plain = made(engine, tasks_for([(32, 32)], Recipe(seed=5, strength=0.001)))["cats/0.png", 1]
        return float(np.abs(np.asarray(result.image, float) - np.asarray(plain.image, float)).mean())

    assert 0 < changed(0.2) < changed(0.24) < changed(1.0)  # 0.2 and 0.24 are the same step to a plain pipeline


def test_transparency_is_painted_over_white(engine: DiffusionEngine) -> None:
    tasks = tasks_for([(40, 30)], Recipe(seed=5, strength=0.3), alpha=True)
    assert tasks[0].photo.flattened().getpixel((0, 0)) != tasks[0].photo.rgb.getpixel((0, 0))
    assert made(engine, tasks)["cats/0.png", 1].image.mode == "RGB"


@pytest.mark.parametrize(
    ("scheduler", "options", "dtype"),
    [
        ("EulerDiscreteScheduler", {}, "float32"),
        ("EulerDiscreteScheduler", {}, "float16"),
        ("EulerAncestralDiscreteScheduler", {}, "float32"),  # SDXL-Turbo's: draws noise at every step
        ("DDPMScheduler", {}, "float32"),
        ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}, "float32"),
    ],
)
def test_same_pixels_whatever_the_batch(
    tmp_path: Path, scheduler: str, options: dict[str, Any], dtype: str, record_property: Callable[[str, object], None]
) -> None:
    """One step of 8 bits is allowed: matrix products of other sizes add up in another order."""
    model = tiny_pipeline.write(tmp_path / "turbo", scheduler, **options)
    tasks = tasks_for([(32, 32), (40, 30), (32, 32)], Recipe(seed=9, strength=0.8, variations=3))
    results = []
    for batch in (1, 4, 16):
        engine = DiffusionEngine(settings_for(model, diffusion_batch=batch, diffusion_dtype=dtype))
        results.append(made(engine, tasks[::-1] if batch == 4 else tasks))
    largest = max(difference(results[0][key].image, other[key].image) for other in results[1:] for key in results[0])
    record_property("largest_difference", largest)
    assert largest <= 1
    one, two = (results[0]["cats/0.png", index].image for index in (1, 2))
    assert difference(one, two) > 1


def test_batches_are_filled_across_sources(engine: DiffusionEngine) -> None:
    results = made(engine, tasks_for([(32, 32)] * 8, Recipe(seed=3, strength=0.3)))
    assert {result.details["batch"] for result in results.values()} == {4}


def test_compiled_models_get_full_batches_of_one_shape(folder: Path, engine: DiffusionEngine) -> None:
    """Compiling itself needs a GPU to be worth its time; what is filled up is left out of the results."""
    filled = DiffusionEngine(settings_for(folder))
    model = filled._loaded()
    model.compiled = True
    model.pipe = SmallMemory(model.pipe, limit=2)
    tasks = tasks_for([(32, 32)] * 5, Recipe(seed=3, strength=0.3))
    results, plain = made(filled, tasks), made(engine, tasks)
    assert model.pipe.tried == [4, 2, 2, 2]
    assert max(difference(results[key].image, plain[key].image) for key in plain) <= 1


def test_the_networks_compile_as_one_graph_each(
    folder: Path, engine: DiffusionEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced for real, and run as traced: turning it into code takes a minute for each size and is the library's."""
    compile_it = torch.nn.Module.compile
    traced: list[type] = []

    def traces_only(network: Any, mode: str, **options: Any) -> None:
        traced.append(type(network))
        compile_it(network, backend="eager", **options)

    monkeypatch.setattr(torch.nn.Module, "compile", traces_only)
    compiled = DiffusionEngine(settings_for(folder, diffusion_compile=True))
    tasks = tasks_for([(32, 32)] * 5 + [(40, 30)] * 3, Recipe(seed=3, strength=0.3))
    said: list[tuple[str, float]] = []
    results, plain = made(compiled, tasks, said), made(engine, tasks)
    assert [kind.__name__ for kind in traced] == ["UNet2DConditionModel", "Encoder", "Decoder"]
    assert max(difference(results[key].image, plain[key].image) for key in plain) <= 1
    assert all(result.details["compiled"] is True for result in results.values())
    assert sum("compiling" in words for words, _ in said) == 2, "once for each size"


def test_guidance_reads_the_negative_prompt(tmp_path: Path) -> None:
    model = tiny_pipeline.write(tmp_path / "plain", "DDIMScheduler")
    engine = DiffusionEngine(settings_for(model, diffusion_steps=4))

    def image(negative: str) -> Made:
        recipe = Recipe(prompt="a cat", negative_prompt=negative, seed=3, strength=0.9)
        return made(engine, tasks_for([(32, 32)], recipe))["cats/0.png", 1]

    assert image("a dog").details["negative_prompt"] == "a dog"
    assert image("").details["guidance"] == 7.5
    assert difference(image("a dog").image, image("").image) > 0


# ---------------------------------------------------------------- other families, other places


@pytest.mark.parametrize(
    ("kind", "family", "planned"),
    [("sdxl", "sdxl", (30, 3)), ("sd3", "sd3.5", (28, 3)), ("flux", "flux", (28, 3))],
)
def test_other_families(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, family: str, planned: tuple[int, int]
) -> None:
    """SDXL is saved and loaded like SD; the others, whose T5 tokenizer wants a vocabulary, are handed over built."""
    pipe = getattr(tiny_pipeline, f"build_{kind}")(tmp_path / "parts")
    if kind in {"sd3", "flux"}:
        monkeypatch.setattr("augmentai.engines.diffusion.load._pipeline", lambda *about: pipe)
        tmp_path.joinpath("model_index.json").write_text("{}")
    else:
        pipe.save_pretrained(tmp_path, safe_serialization=True)
    tasks = tasks_for([(40, 30), (32, 32)], Recipe(negative_prompt="text", seed=9, strength=0.1, variations=2))
    results = [made(DiffusionEngine(settings_for(tmp_path, diffusion_batch=batch)), tasks) for batch in (1, 4)]
    assert max(difference(results[0][key].image, results[1][key].image) for key in results[0]) <= 1
    one = results[0]["cats/0.png", 1]
    assert one.image.size == (40, 30)
    assert one.details["family"] == family
    assert (one.details["steps"], one.details["effective_steps"]) == planned
    assert one.details["negative_prompt"] == ("not read: guidance is off" if kind == "flux" else "text")


def test_a_single_safetensors_file(tmp_path: Path) -> None:
    """The same weights as a folder and as one file, as most models outside the hub come, give the same picture."""
    folder = tiny_pipeline.write(tmp_path / "folder")
    file = tiny_pipeline.write_single_file(tiny_pipeline.build(tmp_path / "again"), tmp_path / "tiny-turbo.safetensors")
    tasks = tasks_for([(40, 30)], Recipe(seed=9, strength=0.5))
    from_folder = made(DiffusionEngine(settings_for(folder)), tasks)
    engine = DiffusionEngine(settings_for(file, diffusion_config=str(folder)))
    assert engine.readiness().ready
    from_file = made(engine, tasks)
    key = ("cats/0.png", 1)
    assert from_file[key].model == "tiny-turbo.safetensors"
    assert from_file[key].details == from_folder[key].details
    assert difference(from_file[key].image, from_folder[key].image) <= 1


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    file = tmp_path / "broken.safetensors"
    file.write_bytes(b"not at all")
    tasks = tasks_for([(32, 32)], Recipe(seed=3))
    with pytest.raises(EngineOut, match=r"broken\.safetensors could not be loaded"):
        list(DiffusionEngine(settings_for(file)).make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))


# ---------------------------------------------------------------- failures


class SmallMemory:
    """A pipeline that runs out of memory above a number of pictures, as CUDA would: in the middle of the call."""

    def __init__(self, pipe: Any, limit: int) -> None:
        self._pipe, self.limit = pipe, limit
        self.tried: list[int] = []
        self.safety_checker: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def __call__(self, image: Any, **request: Any) -> Any:
        self.tried.append(len(image))
        if len(image) > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self._pipe(image=image, **request)


def with_small_memory(folder: Path, limit: int, batch: int = 8) -> tuple[DiffusionEngine, SmallMemory]:
    engine = DiffusionEngine(settings_for(folder, diffusion_batch=batch))
    model = engine._loaded()
    model.pipe = SmallMemory(model.pipe, limit)
    return engine, model.pipe


def test_out_of_memory_halves_the_batch_and_goes_on(folder: Path, engine: DiffusionEngine) -> None:
    tasks = tasks_for([(32, 32)] * 20, Recipe(seed=3, strength=0.3))
    small, pipe = with_small_memory(folder, limit=3)
    results = made(small, tasks)
    assert pipe.tried[:3] == [8, 4, 2]
    assert set(pipe.tried[3:]) == {2}, "what is too large is not tried again"
    whole = made(engine, tasks)
    assert max(difference(results[key].image, whole[key].image) for key in whole) <= 1
    assert small.readiness().ready


def test_out_of_memory_at_one_picture_is_the_engine_out(folder: Path) -> None:
    tasks = tasks_for([(32, 32)] * 20, Recipe(seed=3, strength=0.3))
    engine, _ = with_small_memory(folder, limit=0, batch=2)
    with pytest.raises(EngineOut, match="too little memory") as caught:
        list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    taken = list(caught.value.unfinished)
    assert taken == tasks[: len(taken)]
    assert len(taken) >= 2
    readiness = engine.readiness()
    assert not readiness.ready
    assert readiness.for_good
    assert "too little memory" in readiness.reason


def test_nothing_is_lost_when_it_fails_midway(folder: Path) -> None:
    tasks = tasks_for([(32, 32), (40, 30)] * 10, Recipe(seed=3, strength=0.3))
    engine, pipe = with_small_memory(folder, limit=8, batch=2)
    results = []
    rest = iter(tasks)

    def consume() -> None:
        for result in engine.make(rest, JobView((), tasks[0].recipe, 10**8)):
            results.append(result)
            pipe.limit = 0

    with pytest.raises(EngineOut) as caught:
        consume()
    answered = [result.task for result in results]
    every = [*answered, *caught.value.unfinished, *rest]
    assert sorted(map(id, every)) == sorted(map(id, tasks))
    assert answered


def test_a_broken_driver_is_the_engine_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, pipe = with_small_memory(folder, limit=8)

    def broken(*about: Any, **request: Any) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure\nmore lines")

    monkeypatch.setattr(pipe.unet, "forward", broken)
    tasks = tasks_for([(32, 32)], Recipe(seed=3))
    with pytest.raises(EngineOut, match="unspecified launch failure") as caught:
        list(engine.make(iter(tasks), JobView((), Recipe(), 10**8)))
    assert "\n" not in caught.value.reason
    assert not engine.readiness().ready


def test_a_picture_without_numbers_is_refused_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """float16 overflows in some models: a black picture under a true label would poison the dataset."""
    engine = DiffusionEngine(settings_for(folder))
    vae = engine._loaded().pipe.vae
    decode = vae.decode

    def overflowing(latents: Any, **options: Any) -> Any:
        latents[1] = float("nan")
        return decode(latents, **options)

    monkeypatch.setattr(vae, "decode", overflowing)
    tasks = tasks_for([(32, 32)] * 3, Recipe(seed=3, strength=0.3))
    results = list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert [type(result) for result in results] == [Made, Refused, Made]
    assert isinstance(results[1], Refused)
    assert "overflowed in float32" in results[1].reason


def test_what_the_safety_checker_holds_back_is_refused(folder: Path) -> None:
    engine, pipe = with_small_memory(folder, limit=8)
    pipe.safety_checker = object()
    pipe.run_safety_checker = lambda image, device, dtype: (image, [True, False])
    tasks = tasks_for([(32, 32)] * 2, Recipe(seed=3, strength=0.3))
    results = list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert [type(result) for result in results] == [Refused, Made]


def test_a_model_that_cannot_be_loaded_is_the_engine_out(tmp_path: Path) -> None:
    folder = tiny_pipeline.write(tmp_path / "model")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    engine = DiffusionEngine(settings_for(folder))
    assert engine.readiness().ready
    tasks = tasks_for([(32, 32)], Recipe(seed=3))
    with pytest.raises(EngineOut, match="no safetensors weights") as caught:
        list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert list(caught.value.unfinished) == tasks
    assert not engine.readiness().ready


def test_nothing_is_loaded_for_nothing(folder: Path) -> None:
    engine = DiffusionEngine(settings_for(folder))
    assert list(engine.make(iter([]), JobView((), Recipe(), 10**8))) == []
    assert engine._model is None


def test_a_failed_load_may_be_tried_again_later(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = DiffusionEngine(settings_for(folder))
    engine._failure = ("the network was away", time.monotonic())
    assert not engine.readiness().ready
    monkeypatch.setattr("augmentai.engines.diffusion.engine._FAILED_FOR_SECONDS", 0)
    assert engine.readiness().ready
    made(engine, tasks_for([(32, 32)], Recipe(seed=3, strength=0.3)))


def test_a_hub_model_without_a_network_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    engine = DiffusionEngine(settings_for("nobody/no-such-model-here"))
    tasks = tasks_for([(32, 32)], Recipe(seed=3))
    with pytest.raises(EngineOut, match="nobody/no-such-model-here") as caught:
        list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert "HF_HUB_OFFLINE" in caught.value.reason


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("GatedRepoError", "set HF_TOKEN"),
        ("RepositoryNotFoundError", "AUGMENTAI_DIFFUSION_MODEL"),
        ("RevisionNotFoundError", "AUGMENTAI_DIFFUSION_REVISION"),
        ("LocalEntryNotFoundError", "check the network"),
    ],
)
def test_what_the_hub_says_becomes_words_to_act_on(kind: str, words: str) -> None:
    from huggingface_hub import errors

    hub_error = getattr(errors, kind)
    inner = hub_error.__new__(hub_error)
    outer = OSError("cannot load")
    outer.__cause__ = inner
    assert words in explain(outer, settings_for("some/model"))


def test_models_of_unknown_kinds_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr("augmentai.engines.diffusion.load.family_of", lambda *about: None)
    with pytest.raises(ModelError, match="does not run"):
        DiffusionEngine(settings_for(folder))._loaded()


def test_memory_decides_where_the_networks_lie() -> None:
    gigabyte = 2**30
    assert placement_for([2 * gigabyte, gigabyte], 8 * gigabyte) == "whole"
    assert placement_for([4 * gigabyte, 3 * gigabyte], 8 * gigabyte) == "parts"
    assert placement_for([24 * gigabyte, gigabyte], 8 * gigabyte) == "layers"


# ---------------------------------------------------------------- loading, stopping, jobs


def test_loaded_once_for_all_jobs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from augmentai.engines.diffusion import load as loading

    loads = []
    real = loading._pipeline
    monkeypatch.setattr(loading, "_pipeline", lambda *about: loads.append(1) or real(*about))
    said: list[tuple[str, float]] = []
    engine = DiffusionEngine(settings_for(folder))
    tasks = tasks_for([(32, 32)] * 6, Recipe(seed=3, strength=0.5))
    results: list[dict[tuple[str, int], Made]] = []
    threads = [threading.Thread(target=lambda: results.append(made(engine, tasks, said))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [1]
    assert all(difference(results[0][key].image, other[key].image) <= 1 for other in results for key in results[0])
    assert said[0] == (f"loading {folder}", 0.0)
    assert ("step 1 of 2 of this batch", 0.5) in said
    assert ("step 2 of 2 of this batch", 1.0) in said


def test_stop_works_between_steps(tmp_path: Path) -> None:
    """The job's stop is seen in the middle of a batch of 200 steps."""
    model = tiny_pipeline.write(tmp_path / "plain", "DDIMScheduler")
    engine = DiffusionEngine(settings_for(model, diffusion_steps=200))
    tasks = tasks_for([(32, 32)] * 4, Recipe(seed=3, strength=1.0))
    stop = threading.Event()
    steps: list[float] = []

    def tell(words: str, share: float) -> None:
        if words:
            steps.append(share)
        if share > 0.02:
            stop.set()

    view = JobView((), tasks[0].recipe, 10**8, stop, tell=tell)
    started = time.monotonic()
    assert list(engine.make(iter(tasks), view)) == []
    assert max(steps) < 0.2
    assert time.monotonic() - started < 20
    assert engine.readiness().ready


def test_closing_the_generator_drops_what_runs(tmp_path: Path) -> None:
    model = tiny_pipeline.write(tmp_path / "plain", "DDIMScheduler")
    steps: list[float] = []
    engine = DiffusionEngine(settings_for(model, diffusion_steps=30))
    tasks = tasks_for([(32, 32)] * 40, Recipe(seed=3, strength=1.0))
    taken: list[int] = []

    def tracked() -> Iterator[Task]:
        for task in tasks:
            taken.append(task.index)
            yield task

    view = JobView((), tasks[0].recipe, 10**8, tell=lambda words, share: steps.append(share))
    results = engine.make(tracked(), view)
    next(results)
    results.close()  # type: ignore[attr-defined]
    after = len(steps)
    assert len(taken) <= 16, "pulls what it needs and no more"
    time.sleep(0.3)
    assert len(steps) == after, "nothing works behind the caller's back"
    made(engine, tasks[:1])


def job_for(tmp_path: Path, engines: list[Any], **recipe: Any) -> Job:
    for number, size_wh in enumerate([(40, 30), (64, 64), (33, 21)]):
        path = tmp_path / "photos" / "cats" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(number, size_wh).save(path)
    (tmp_path / "photos" / "cats" / "broken.png").write_bytes(b"\x89PNG nothing")
    settings = settings_for("unused")
    return Job(
        gather([tmp_path / "photos"], limits(settings)), Recipe(seed=7, strength=0.3, **recipe), settings, engines
    )


def test_a_stopped_run_is_gone_on_with(tmp_path: Path, engine: DiffusionEngine) -> None:
    """The rest falls into other batches, and comes out as if it had not: but for one level of 255."""
    photos = [tmp_path / "photos"]
    for out in ("whole", "broken-off"):
        list(keep(job_for(tmp_path, [engine], engine="diffusion", variations=5), tmp_path / out, photos))
        if out == "whole":
            begun = job_for(tmp_path, [engine], engine="diffusion", variations=5)
            for number, _ in enumerate(keep(begun, tmp_path / "broken-off", photos)):
                if number == 6:
                    begun.stop.set()
            early = {path.name: path.read_bytes() for path in (tmp_path / "broken-off").rglob("*.png")}
            assert 3 < len(early) < 18
    found = {path.name: path for path in (tmp_path / "broken-off").rglob("*.png")}
    wanted = {path.name: path for path in (tmp_path / "whole").rglob("*.png")}
    assert found.keys() == wanted.keys()
    assert len(found) == 18, "the sources are among them"
    for name, path in found.items():
        assert early.get(name, path.read_bytes()) == path.read_bytes(), "what was there is left as it was"
        with Image.open(path) as one, Image.open(wanted[name]) as other:
            assert difference(one, other) <= 1


@pytest.mark.parametrize("name", ["diffusion", "auto"])
def test_through_the_job(tmp_path: Path, engine: DiffusionEngine, name: str) -> None:
    job = job_for(tmp_path, [engine, GanEngine(Settings())], engine=name, variations=3)
    outcomes = list(job.run())
    good = [outcome.variation for outcome in outcomes if outcome.variation is not None]
    assert len(good) == 9
    assert {variation.engine for variation in good} == {"diffusion"}
    assert {variation.file for variation in good} >= {"cats/0__v1.png", "cats/2__v3.png"}
    assert [outcome.source.path for outcome in outcomes if not outcome.ok] == ["cats/broken.png"]
    with Image.open(tmp_path / "photos" / "cats" / "2.png") as source:
        assert {variation.image.size for variation in good if "/2__" in variation.file} == {source.size}


def test_auto_goes_on_with_the_next_engine_when_memory_is_short(tmp_path: Path, folder: Path) -> None:
    engine, _ = with_small_memory(folder, limit=0)
    job = job_for(tmp_path, [engine, GanEngine(Settings())], variations=2)
    outcomes = [outcome for outcome in job.run() if outcome.ok]
    assert len(outcomes) == 6
    assert {outcome.variation.engine for outcome in outcomes if outcome.variation} == {"gan"}
    assert all("too little memory" in outcome.fallbacks[0].reason for outcome in outcomes)


def test_auto_passes_over_diffusion_in_silence_without_cuda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    job = job_for(tmp_path, [DiffusionEngine(Settings()), GanEngine(Settings())])
    outcomes = [outcome for outcome in job.run() if outcome.ok]
    assert len(outcomes) == 3
    assert not any(outcome.fallbacks for outcome in outcomes)
    assert job.report.passed_over["diffusion"].startswith("no CUDA GPU")


# ---------------------------------------------------------------- ZeroGPU


def stand_in_for_spaces(monkeypatch: pytest.MonkeyPatch, gpu: Callable[..., Any]) -> None:
    """`spaces`, whose decorator is `gpu`, for an engine that is made afterwards in this test."""
    name = "augmentai.engines.diffusion.zero"
    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=gpu))
    # Decorated when it is imported: so it is imported anew, here and, when this is undone, wherever else.
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("augmentai.engines.diffusion.zero", None, raising=False)
    monkeypatch.delattr("augmentai.engines.diffusion.zero")


def test_on_zero_gpu_the_lent_part_is_one_function(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for `spaces` that pickles what goes in and comes out, as its forked process does."""
    calls: list[int] = []

    def gpu(duration: Callable[..., int]) -> Callable[..., Any]:
        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            def lent(*arguments: Any) -> Any:
                calls.append(duration(*arguments))
                return pickle.loads(pickle.dumps(function(*pickle.loads(pickle.dumps(arguments)))))

            return lent

        return decorate

    stand_in_for_spaces(monkeypatch, gpu)
    engine = DiffusionEngine(settings_for(folder, zero_gpu=True))
    assert "augmentai.engines.diffusion.zero" in sys.modules
    assert engine.readiness().ready
    assert len(made(engine, tasks_for([(32, 32)] * 5, Recipe(seed=3, strength=0.3)))) == 5
    assert calls == [32, 23]
    model = engine._loaded()
    model.pipe = SmallMemory(model.pipe, 0)
    tasks = tasks_for([(32, 32)], Recipe(seed=3, strength=0.3))
    with pytest.raises(EngineOut, match="too little memory"):
        list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))


# ---------------------------------------------------------------- with a GPU


@pytest.mark.cuda
@needs_cuda
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_cuda_same_pixels_whatever_the_batch(folder: Path, dtype: str) -> None:
    tasks = tasks_for([(32, 32), (40, 30), (32, 32)], Recipe(seed=9, strength=0.5, variations=4))
    results = [
        made(
            DiffusionEngine(settings_for(folder, diffusion_device="cuda", diffusion_dtype=dtype, diffusion_batch=n)),
            tasks,
        )
        for n in (1, 16)
    ]
    far = max(difference(results[0][key].image, results[1][key].image) for key in results[0])
    assert far <= {"float32": 2, "float16": 2, "bfloat16": 12}[dtype]


@pytest.mark.cuda
@needs_cuda
def test_cuda_agrees_with_the_cpu(folder: Path, engine: DiffusionEngine) -> None:
    tasks = tasks_for([(32, 32), (40, 30)], Recipe(seed=9, strength=0.5))
    on_gpu = made(DiffusionEngine(settings_for(folder, diffusion_device="cuda", diffusion_dtype="float32")), tasks)
    on_cpu = made(engine, tasks)
    assert max(difference(on_gpu[key].image, on_cpu[key].image) for key in on_cpu) <= 2


@pytest.mark.cuda
@needs_cuda
def test_cuda_memory_cap_halves_the_batch(folder: Path) -> None:
    engine = DiffusionEngine(settings_for(folder, diffusion_device="cuda", diffusion_batch=64))
    model: Model = engine._loaded()
    shots = [Shot(str(i), np.asarray(picture(i, (256, 256))), "a cat", "", 0.3, i + 1) for i in range(64)]
    model.paint(shots[:1])  # what cuDNN and cuBLAS keep for themselves is theirs from here on
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    kept = torch.cuda.memory_reserved()
    model.paint(shots[:1])
    for_one = torch.cuda.max_memory_reserved() - kept
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 8 * for_one) / total)
    try:
        painted = model.paint(shots)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert len(painted) == 64
    assert model.batch < 64


@pytest.mark.cuda
@needs_cuda
@pytest.mark.parametrize("placement", ["parts", "layers"])
def test_cuda_offload(folder: Path, monkeypatch: pytest.MonkeyPatch, placement: str) -> None:
    monkeypatch.setattr("augmentai.engines.diffusion.load.placement_for", lambda *about: placement)
    engine = DiffusionEngine(settings_for(folder, diffusion_device="cuda"))
    results = made(engine, tasks_for([(32, 32), (40, 30)], Recipe(seed=9, strength=0.5)))
    assert {result.details["offload"] for result in results.values()} == {placement}


@pytest.mark.cuda
@needs_cuda
def test_cuda_compiled(folder: Path) -> None:
    engine = DiffusionEngine(settings_for(folder, diffusion_device="cuda", diffusion_compile=True))
    results = made(engine, tasks_for([(32, 32)] * 6, Recipe(seed=9, strength=0.5)))
    assert all(result.details["compiled"] for result in results.values())
