"""How often is `augmentai lift` wrong? `python benchmarks/lift_calibration.py DATA... [--json FILE] [--markdown FILE]`.

DATA: folders of labelled images, each with a train and a test folder and class folders in both. From each, many small
training sets are drawn, and small test sets; each draw is judged by the protocol of `augmentai lift`, with each of four
recipes: nothing (eight more flips and crops of the image itself, so that "helps" and "hurts" are false), the local GAN,
and the operation `background` with other grounds and with plain ones. Reported are how often each answer was given, the
mean difference, its spread over the draws beside the standard error that was reported, and how many intervals have the
mean over the draws in them. What images look like to the network is computed once for each set; with --strict,
variations that borrow from other images are made anew for each draw.

With --json, sets of an earlier run that are not measured now are kept in the file, each with and without --strict.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.calibration import CalibrationPlan, Row, calibrate, markdown, needed  # noqa: E402
from benchmarks.calibration.calibrate import RECIPES  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    args = _parser().parse_args(arguments)
    plan = CalibrationPlan(
        tuple(args.shots),
        args.draws,
        tuple(args.tests),
        args.folds,
        args.pool,
        args.strict,
        tuple(args.recipes),
        args.seed,
    )
    everything: list[Row] = []
    for path in args.data:
        started = time.monotonic()

        def save(rows: Sequence[Row], path: Path = path, started: float = started) -> None:
            if args.json:
                _save(args.json, path, plan, rows, time.monotonic() - started)

        rows = calibrate(path, plan, lambda words: print(words, file=sys.stderr, flush=True), on_rows=save)
        everything += rows
        table = markdown(everything)
        if args.markdown:
            args.markdown.write_text(table + "\n")
    print(table, *needed(everything), sep="\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    default = CalibrationPlan()
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--shots", type=int, nargs="+", default=default.shots, help="training images per class")
    parser.add_argument("--draws", type=int, default=default.draws, help="training sets of each size")
    parser.add_argument("--tests", type=int, nargs="*", default=default.tests, help="numbers of test images")
    parser.add_argument("--folds", action="store_true", help="judge each draw by folds as well")
    parser.add_argument("--pool", type=int, default=default.pool, help="training images per class to draw from")
    parser.add_argument(
        "--strict", action="store_true", help="nothing is borrowed from images outside of a draw: takes much longer"
    )
    parser.add_argument("--recipes", nargs="*", default=default.recipes, choices=list(RECIPES))
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    return parser


def _save(file: Path, path: Path, plan: CalibrationPlan, rows: Sequence[Row], seconds: float) -> None:
    """Write the rows so far, so that an interrupted run is not lost."""
    import torch

    known = json.loads(file.read_text()) if file.exists() else {}
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    known[f"{path.name}, strict" if plan.strict else path.name] = {
        "plan": asdict(plan),
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "seconds": round(seconds),
        "rows": [row.as_dict() for row in rows],
    }
    file.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
