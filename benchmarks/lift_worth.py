"""What are techniques worth over flips and crops? `python benchmarks/lift_worth.py DATA... --group colour|operations`.

DATA: folders of labelled images, each with a train and a test folder and class folders in both. From each, a few
training images per class are drawn several times; on a frozen pretrained network, a classifier with each technique's
variations is compared with one that was given as many flips and crops, on test images as they are and shifted (colour
cast, exposure, contrast, haze, blur, noise). "colour" compares the local GAN with simulated light alone, colour jitter,
Reinhard transfer and histogram matching; "operations" is every operation with its defaults, every bundle and preset.

With --json, sets and techniques of an earlier run that are not measured now are kept in the file and shown in the
table; --only measures some techniques, such as a new operation.
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
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.worth import GROUPS, Plan, compare, markdown, summarise, techniques  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    args = _parser().parse_args(arguments)
    plan = Plan(tuple(args.shots), args.draws, args.pool, args.tests, args.seed)
    wanted = [one for one in techniques(args.group) if not args.only or one.name in args.only]
    known: dict[str, Any] = json.loads(args.json.read_text()) if args.json and args.json.exists() else {}
    for path in args.data:
        started = time.monotonic()
        found = compare(path, wanted, plan, lambda words: print(words, file=sys.stderr, flush=True))
        entry = known.setdefault(path.name, {"runs": [], "differences": {}})
        for shots, differences in found.items():
            entry["differences"].setdefault(str(shots), {}).update(differences)
        entry["runs"].append(_run(plan, [one.name for one in wanted], time.monotonic() - started))
        if args.json:
            args.json.write_text(json.dumps(known, indent=1) + "\n")
    rows = summarise({name: {int(n): one for n, one in entry["differences"].items()} for name, entry in known.items()})
    table = markdown(rows)
    if args.markdown:
        args.markdown.write_text(table + "\n")
    print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    default = Plan()
    parser.add_argument("data", type=Path, nargs="*", help="none: print the table of --json alone")
    parser.add_argument("--group", choices=GROUPS, default=GROUPS[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="techniques of the group; all by default")
    parser.add_argument("--shots", type=int, nargs="+", default=default.shots, help="training images per class")
    parser.add_argument("--draws", type=int, default=default.draws, help="training sets of each size")
    parser.add_argument("--pool", type=int, default=default.pool, help="training images per class to draw from")
    parser.add_argument("--tests", type=int, default=default.tests, help="test images")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    return parser


def _run(plan: Plan, names: Sequence[str], seconds: float) -> dict[str, Any]:
    import torch

    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return {
        "plan": asdict(plan),
        "techniques": list(names),
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "seconds": round(seconds),
    }


if __name__ == "__main__":
    main()
