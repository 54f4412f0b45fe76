"""Speed of the diffusion engine, from PIL image to PIL image, compared with a plain loop over `pipe(image)`.

    python benchmarks/diffusion.py                               # SD-Turbo's shape with random weights, on CUDA
    python benchmarks/diffusion.py --rows 16-compiled loop       # selected rows, in this order
    python benchmarks/diffusion.py --tiny                        # a smoke test on the CPU, seconds

Random weights take exactly as long as trained ones, so nothing is downloaded. Each row runs once to warm up, which
includes compiling, and then several times; the median is reported.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from augmentai.engines.base import JobView, Made, Task  # noqa: E402
from augmentai.engines.diffusion import DiffusionEngine  # noqa: E402
from augmentai.images import Photo  # noqa: E402
from augmentai.recipe import Recipe  # noqa: E402
from augmentai.settings import Settings  # noqa: E402
from augmentai.types import Source, variation_seed  # noqa: E402
from tests.support import tiny_pipeline  # noqa: E402

STRENGTH = 0.5
ROWS = ["loop", "1", "8", "16", "1-compiled", "8-compiled", "16-compiled"]
STEPS = 2  # with this strength both the loop and the engine run one step
# From the configuration files of stabilityai/sd-turbo: 1.29 billion parameters including the VAE.
SD_TURBO_UNET = {
    "sample_size": 64,
    "block_out_channels": (320, 640, 1280, 1280),
    "cross_attention_dim": 1024,
    "attention_head_dim": (5, 10, 20, 20),
    "use_linear_projection": True,
}
SD_TURBO_VAE = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
    "sample_size": 768,
}
SD_TURBO_TEXT = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_attention_heads": 16,
    "num_hidden_layers": 23,
    "hidden_act": "gelu",
    "projection_dim": 512,
}


def write_sd_turbo_shape(folder: Path) -> Path:
    """Write a pipeline with SD-Turbo's layers and random float16 weights as a diffusers folder of 2.6 GB."""
    import diffusers
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    tokenizer = tiny_pipeline.write_tokenizer(folder / "parts")
    special = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 0}
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):  # much faster on a GPU
        unet = diffusers.UNet2DConditionModel(**SD_TURBO_UNET)
        vae = diffusers.AutoencoderKL(**SD_TURBO_VAE)
        text_encoder = CLIPTextModel(CLIPTextConfig(**SD_TURBO_TEXT, **special))
    pipe = diffusers.StableDiffusionPipeline(
        unet=unet,
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        scheduler=diffusers.EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            timestep_spacing="trailing",
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.to(dtype=torch.float16).save_pretrained(folder, safe_serialization=True)
    return folder


def make_photos(count: int, side_px: int) -> list[Image.Image]:
    """Smooth colours with some grain: they take as long as real photos."""
    made = []
    for seed in range(count):
        random = np.random.default_rng(seed)
        smooth = Image.fromarray(random.integers(0, 255, (8, 8, 3), dtype=np.uint8)).resize((side_px, side_px))
        grain = random.normal(0, 4, (side_px, side_px, 3))
        made.append(Image.fromarray((np.asarray(smooth) + grain).clip(0, 255).astype(np.uint8)))
    return made


def loop_over_pipe(folder: Path, device: str, images: list[Image.Image]) -> Callable[[], None]:
    """What a user would write first: one image at a time through the pipeline, in the same precision."""
    import diffusers

    half = torch.float16 if device != "cpu" else torch.float32
    pipe = diffusers.AutoPipelineForImage2Image.from_pretrained(str(folder), dtype=half, local_files_only=True)
    pipe.to(device)
    pipe.set_progress_bar_config(disable=True)

    def run() -> None:
        for seed, image in enumerate(images):
            pipe(
                prompt="a photograph",
                image=image,
                strength=STRENGTH,
                num_inference_steps=STEPS,
                guidance_scale=0.0,
                generator=torch.Generator("cpu").manual_seed(seed),
            )

    return run


def engine_for(folder: Path, device: str, batch: int, compiled: bool = False) -> DiffusionEngine:
    return DiffusionEngine(
        Settings(
            diffusion_model=str(folder),
            diffusion_device=device,
            diffusion_batch=batch,
            diffusion_steps=STEPS,
            diffusion_compile=compiled,
        )
    )


def tasks_for(images: list[Image.Image]) -> list[Task]:
    recipe = Recipe(prompt="a photograph", strength=STRENGTH, seed=1)
    tasks = []
    for number, image in enumerate(images):
        source = Source.from_bytes(f"{number}.png", image.tobytes())
        tasks.append(Task(source, Photo(image, "PNG", "RGB"), 1, variation_seed(1, source.sha256, 1), recipe))
    return tasks


def through_engine(engine: DiffusionEngine, images: list[Image.Image]) -> Callable[[], None]:
    tasks = tasks_for(images)

    def run() -> None:
        results = list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
        assert len(results) == len(tasks)
        for result in results:
            assert isinstance(result, Made), result
            assert result.details["effective_steps"] == 1, result.details

    return run


def profiled(engine: DiffusionEngine, run: Callable[[], None], count: int) -> str:
    """Report where the time goes: GPU time of each part, and the kernels that take longest."""
    model = engine._loaded()
    parts = {"encode": model.encode, "_denoise": model._denoise, "decode": model.decode}
    events: dict[str, list[tuple[torch.cuda.Event, torch.cuda.Event]]] = {name: [] for name in parts}

    def timed(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            started, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            started.record()
            out = method(*args)
            ended.record()
            events[name].append((started, ended))
            return out

        return call

    for name, method in parts.items():
        setattr(model, name, timed(name, method))
    started = time.perf_counter()
    run()
    torch.cuda.synchronize()
    wall = time.perf_counter() - started
    lines = [f"{count} images, {1000 * wall / count:.2f} ms each in total; on the GPU:"]
    for name, method in parts.items():
        milliseconds = sum(first.elapsed_time(last) for first, last in events[name])
        lines.append(f"{name.strip('_'):10} {milliseconds / count:6.2f} ms per image")
        setattr(model, name, method)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        started = time.perf_counter()
        run()
        torch.cuda.synchronize()
        wall = time.perf_counter() - started
    averages = profile.key_averages()
    busy = sum(one.self_device_time_total for one in averages) / 1e6
    lines.append(f"kernels kept the GPU busy for {busy:.3f} s of {wall:.3f} s (with the profiler on)")
    lines.append(averages.table(sort_by="self_cuda_time_total", row_limit=40, max_name_column_width=90))
    return "\n".join(lines)


def measure(name: str, run: Callable[[], None], count: int, repeats: int, device: str) -> dict[str, Any]:
    """Measure images per second (median, slowest and fastest run), peak GPU memory and the time to warm up."""
    started = time.perf_counter()
    run()
    warm_up = time.perf_counter() - started
    on_gpu = device != "cpu"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    rates = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        if on_gpu:
            torch.cuda.synchronize()
        rates.append(count / (time.perf_counter() - started))
    return {
        "name": name,
        "images_per_second": round(statistics.median(rates), 2),
        "slowest": round(min(rates), 2),
        "fastest": round(max(rates), 2),
        "warm_up_seconds": round(warm_up, 1),
        "peak_memory_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2) if on_gpu else None,
    }


def about(device: str) -> dict[str, Any]:
    """Everything that the figures depend on."""
    try:
        command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
        commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:  # a copy of the tree, on a machine without git
        commit = ""
    gpu = torch.cuda.get_device_name() if device != "cpu" else None
    names = ("torch", "diffusers", "transformers", "accelerate", "numpy", "pillow")
    return {
        "commit": commit or None,
        "device": gpu or platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "cuda": torch.version.cuda,
        **{name: version(name) for name in names},
    }


def table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| run | images/s | slowest | fastest | warm-up s | peak memory GB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += ["| " + " | ".join("" if value is None else str(value) for value in row.values()) + " |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="a tiny pipeline at 32 px on the CPU, as a smoke test")
    parser.add_argument("--images", type=int, default=0, help="photos per run; 64, or 6 with --tiny")
    parser.add_argument("--repeats", type=int, default=0, help="timed runs; 5, or 2 with --tiny")
    parser.add_argument(
        "--rows", nargs="+", default=ROWS, help="loop, a batch size, or a batch size with -compiled; in this order"
    )
    parser.add_argument("--model", type=Path, help="folder in which the model is kept for the next run")
    parser.add_argument("--profile", type=Path, help="file for a profile of the first row through the engine")
    parser.add_argument("--json", type=Path, help="file for the results, written after each row")
    args = parser.parse_args()
    device = "cpu" if args.tiny else "cuda"
    if device == "cuda" and not torch.cuda.is_available():
        sys.exit("no CUDA GPU found; --tiny runs on the CPU")
    side_px = 32 if args.tiny else 512  # each model's own size, so that the loop and the engine do the same work
    if args.tiny:
        torch.set_num_threads(1)
    images = make_photos(args.images or (6 if args.tiny else 64), side_px)
    repeats = args.repeats or (2 if args.tiny else 5)
    settings = {"side_px": side_px, "images": len(images), "repeats": repeats, "steps": STEPS, "strength": STRENGTH}
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.model or Path(scratch) / "sd-turbo"
        if not (folder / "model_index.json").is_file():
            folder = tiny_pipeline.write(folder) if args.tiny else write_sd_turbo_shape(folder)
        for row in args.rows:
            if row == "loop":
                rows.append(measure("plain loop", loop_over_pipe(folder, device, images), len(images), repeats, device))
            else:
                batch, _, compiled = row.partition("-")
                if compiled and args.tiny:
                    continue
                engine = engine_for(folder, device, int(batch), bool(compiled))
                run = through_engine(engine, images)
                label = f"engine, batch {batch}{', compiled' if compiled else ''}"
                rows.append(measure(label, run, len(images), repeats, device))
                if args.profile and not args.profile.exists():
                    args.profile.write_text(profiled(engine, run, len(images)))
                del engine, run
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
            if args.json:
                args.json.write_text(
                    json.dumps({"about": about(device), "settings": settings, "rows": rows}, indent=2) + "\n"
                )
            gc.collect()
            if device != "cpu":  # otherwise the next row would include this one's memory
                torch.compiler.reset()
                torch.cuda.empty_cache()
    print(table(rows))
    print(json.dumps({"about": about(device), "settings": settings}))


if __name__ == "__main__":
    main()
