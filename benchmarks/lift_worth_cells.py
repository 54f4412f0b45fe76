"""What operations are worth on sets with boxes or masks: `python benchmarks/lift_worth_cells.py SET... [--train 5]`.

From each set a few training and test images are drawn several times; the quick look of `augmentai lift` compares 8
variations of each training image by each operation, with its defaults, with as many flips and crops: points of average
precision of cells, the mean over the classes. With --json, what an earlier run measured is kept and not measured again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from augmentai.lift.labelled_set import LiftSet, read_set  # noqa: E402
from augmentai.lift.measure import makers_of  # noqa: E402
from augmentai.lift.measure_cells import measure_cells  # noqa: E402
from augmentai.lift.plan import sample  # noqa: E402
from augmentai.settings import Settings, load_settings  # noqa: E402
from benchmarks.worth import Technique, techniques  # noqa: E402

AT_ONCE = 4  # techniques that share what is prepared; the file is written after each


def measure(
    data: LiftSet, some: list[Technique], train: int, test: int, draw: int, settings: Settings
) -> dict[str, float]:
    """The difference of each technique, in points."""
    order = sample((*data.training, *data.test), train + test, draw)
    few = replace(data, training=tuple(order[:train]), test=tuple(order[train:]), split="test")
    makers = makers_of({one.name: one.recipe for one in some if one.recipe}, settings, draw, paid=False, folds=False)
    report = measure_cells(few, makers, settings, draw, None, None, None)
    return {one.recipe: round(one.difference, 2) for one in report.recipes}


def table(known: dict[str, Any]) -> str:
    """A row for each technique: the mean over the draws, its standard error, and each draw."""
    sets = list(known)
    names = list(dict.fromkeys(name for one in known.values() for name in one["differences"]))
    lines = ["| added | " + " | ".join(sets) + " |", "| --- " * (1 + len(sets)) + "|"]
    for name in names:
        cells = []
        for one in known.values():
            values = list(one["differences"].get(name, {}).values())
            error = f" ± {statistics.stdev(values) / len(values) ** 0.5:.1f}" if len(values) > 1 else ""
            each = f" ({', '.join(f'{value:+.1f}' for value in values)})" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):+.1f}{error}{each}" if values else "")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, nargs="*", help="none: print the table of --json alone")
    parser.add_argument("--train", type=int, default=5, help="training images")
    parser.add_argument("--test", type=int, default=40, help="test images")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    settings = load_settings()
    wanted = [one for one in techniques("labelled") if not args.only or one.name in args.only]
    known: dict[str, Any] = json.loads(args.json.read_text()) if args.json and args.json.exists() else {}
    for path in args.data:
        data = read_set(path, None, settings)
        entry = known.setdefault(path.name, {"train": args.train, "test": args.test, "differences": {}})
        for draw in range(1, args.draws + 1):
            left = [one for one in wanted if str(draw) not in entry["differences"].get(one.name, {})]
            for start in range(0, len(left), AT_ONCE):
                some = left[start : start + AT_ONCE]
                for name, value in measure(data, some, args.train, args.test, draw, settings).items():
                    entry["differences"].setdefault(name, {})[str(draw)] = value
                    print(f"{path.name}, draw {draw}: {name} {value:+.2f}", file=sys.stderr, flush=True)
                if args.json:
                    args.json.write_text(json.dumps(known, indent=1) + "\n")
    if args.markdown:
        args.markdown.write_text(table(known) + "\n")
    print(table(known))


if __name__ == "__main__":
    main()
