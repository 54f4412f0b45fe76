"""Do the variations help a classifier? `python benchmarks/lift.py DATA... [--json FILE] [--markdown FILE]`.

DATA: folders or ZIPs of labelled images in class folders, with or without train and test folders above them. For each
set, a small classifier is trained from scratch on 10 and on 30 images per class with each classic policy, with and
without eight variations of every image by the local GAN, and tested on the test images as they are and shifted (colour
cast, exposure, contrast, haze, blur, noise). All train for the same number of steps, with three seeds; mean and spread
are reported. On two cores, four sets at 30 per class took 26 minutes with --workers 2 --threads 1. `--policies
flip+crop+shifts` trains on the shifts of the test itself: an upper bound that nobody can reach in practice.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from augmentai.recipe import GEOMETRIES, Recipe  # noqa: E402
from augmentai.settings import Settings  # noqa: E402


def measure_one(path: Path, shots: int, seed: int, args: argparse.Namespace) -> list[dict[str, Any]]:
    """All classifiers of one set, one number of shots and one seed."""
    import torch

    from benchmarks.from_scratch import LabelledSet, LiftPlan, measure

    torch.set_num_threads(args.threads)
    recipes = {
        f"GAN {strength}" + ("" if geometry == "auto" else f", {geometry}"): Recipe(
            engine="gan",
            variations=args.variations,
            strength=strength if strength == "auto" else float(strength),
            geometry=geometry,
            seed=seed,
        )
        for strength in args.strength
        for geometry in args.geometry
    }
    settings = Settings(gan_weights=args.weights.resolve()) if args.weights else Settings()
    plan = LiftPlan(shots, seed, args.steps, args.policies, args.device)
    results = measure(LabelledSet.read(path), plan, recipes, settings)
    return [result.as_dict() for result in results]


def main() -> None:
    from benchmarks.from_scratch.policies import CEILING, POLICIES

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--shots", type=int, nargs="+", default=[10, 30], help="training images per class")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=600, help="batches of 64, for every classifier")
    parser.add_argument(
        "--strength", nargs="+", default=["auto"], help="of the variations; several values are compared"
    )
    parser.add_argument(
        "--geometry",
        nargs="+",
        default=["auto"],
        choices=GEOMETRIES,
        help="of the variations; several values are compared",
    )
    parser.add_argument("--variations", type=int, default=8)
    parser.add_argument("--policies", nargs="+", default=list(POLICIES), choices=[*POLICIES, CEILING])
    parser.add_argument("--weights", type=Path, help="GAN weights to use instead of those shipped")
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for the classifiers")
    parser.add_argument("--workers", type=int, default=1, help="parallel processes")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads per process")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    started = time.monotonic()
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    results: list[dict[str, Any]] = []
    with ProcessPoolExecutor(args.workers, multiprocessing.get_context("spawn")) as pool:
        waiting = {
            pool.submit(measure_one, path, shots, seed, args): (path.stem, shots, seed)
            for shots in sorted(args.shots)
            for seed in seeds  # outside of the sets, so that an interrupted run covers all of them
            for path in args.data
        }
        for done in as_completed(waiting):
            results += done.result()
            print(*waiting[done], f"{time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
            table = save(results, args, time.monotonic() - started)
    print(table)


def save(results: list[dict[str, Any]], args: argparse.Namespace, seconds: float) -> str:
    """Write the results so far, so that an interrupted run is not lost; return the tables."""
    import torch

    from benchmarks.from_scratch import LiftResult, markdown

    sorted_results = sorted((LiftResult(**entry) for entry in results), key=lambda r: (r.set, r.shots, r.seed))
    order = {name: number for number, name in enumerate(args.policies)}
    sorted_results.sort(key=lambda r: order[r.policy])
    table = markdown(sorted_results)
    if args.markdown:
        args.markdown.write_text(table + "\n")
    if args.json:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
        about = {
            "command": "python benchmarks/lift.py " + " ".join(a for a in sys.argv[1:] if not a.startswith("/")),
            "commit": commit.stdout.strip(),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "device": torch.cuda.get_device_name() if args.device == "cuda" else platform.processor() or "cpu",
            "seconds": round(seconds),
            "data": [path.name for path in args.data],
            "parts_done": len({(result.set, result.shots, result.seed) for result in sorted_results}),
            "parts_asked_for": len(args.data) * len(args.shots) * args.seeds,
            "steps": args.steps,
            "variations": args.variations,
        }
        args.json.write_text(
            json.dumps({"about": about, "rows": [result.as_dict() for result in sorted_results]}, indent=1) + "\n"
        )
    return table


if __name__ == "__main__":
    main()
