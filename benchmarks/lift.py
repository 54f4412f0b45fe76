"""Do the variations help a classifier? `python benchmarks/lift.py DATA... [--json FILE] [--markdown FILE]`.

DATA: folders or ZIPs of labelled pictures in class folders, with or without train and test folders above them. For
each: a small classifier trained from nothing on 10 and on 30 pictures a class, with the classic recipes, each with and
without eight variations of every picture by the local GAN, tested on the test pictures as they are and shifted
(colour cast, exposure, contrast, haze, blur, noise). Equal training steps for all, three seeds, mean and spread.
On two cores, four sets at 30 a class took 26 minutes with --workers 2 --threads 1. `--policies
flip+crop+shifts` trains on the very shifts of the test: no recipe anybody has, but what could be won at best.
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


def unit(place: Path, shots: int, seed: int, args: argparse.Namespace) -> list[dict[str, Any]]:
    """All classifiers of one set, one number of shots and one seed."""
    import torch

    from augmentai.lift import LabelledSet, Plan
    from augmentai.lift.protocol import measure

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
    plan = Plan(shots, seed, args.steps, args.policies, args.device)
    rows = measure(LabelledSet.read(place), plan, recipes, settings)
    return [row.as_dict() for row in rows]


def main() -> None:
    from augmentai.lift.policies import CEILING, POLICIES

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--shots", type=int, nargs="+", default=[10, 30], help="training pictures a class")
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=600, help="batches of 64, for every recipe")
    parser.add_argument("--strength", nargs="+", default=["auto"], help="of the variations; several are compared")
    parser.add_argument("--geometry", nargs="+", default=["auto"], choices=GEOMETRIES, help="likewise")
    parser.add_argument("--variations", type=int, default=8)
    parser.add_argument("--policies", nargs="+", default=list(POLICIES), choices=[*POLICIES, CEILING])
    parser.add_argument("--weights", type=Path, help="other weights of the GAN than those shipped")
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for the classifiers")
    parser.add_argument("--workers", type=int, default=1, help="processes at once")
    parser.add_argument("--threads", type=int, default=2, help="of each process")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    begun = time.monotonic()
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    found: list[dict[str, Any]] = []
    with ProcessPoolExecutor(args.workers, multiprocessing.get_context("spawn")) as pool:
        waiting = {
            pool.submit(unit, place, shots, seed, args): (place.stem, shots, seed)
            for shots in sorted(args.shots)
            for seed in seeds  # before the sets, so that a run cut short has seen them all
            for place in args.data
        }
        for done in as_completed(waiting):
            found += done.result()
            print(*waiting[done], f"{time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
            table = keep(found, args, time.monotonic() - begun)
    print(table)


def keep(found: list[dict[str, Any]], args: argparse.Namespace, seconds: float) -> str:
    """Write what is known so far, so that a run cut short has said something; returns the tables."""
    import torch

    from augmentai.lift import Row, markdown

    rows = sorted((Row(**entry) for entry in found), key=lambda r: (r.set, r.shots, r.seed))
    order = {name: number for number, name in enumerate(args.policies)}
    rows.sort(key=lambda r: order[r.policy])
    table = markdown(rows)
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
            "data": [place.name for place in args.data],
            "parts_done": len({(row.set, row.shots, row.seed) for row in rows}),
            "parts_asked_for": len(args.data) * len(args.shots) * args.seeds,
            "steps": args.steps,
            "variations": args.variations,
        }
        args.json.write_text(json.dumps({"about": about, "rows": [row.as_dict() for row in rows]}, indent=1) + "\n")
    return table


if __name__ == "__main__":
    main()
