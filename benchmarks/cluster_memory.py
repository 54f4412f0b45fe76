"""What one worker takes over a labelled set: `python benchmarks/cluster_memory.py [--counts 1000 20000]`.

A COCO set of generated 64 x 64 JPEGs, five objects in each, is planned with objects that are pasted and mosaics; two
shards of 100 images are made in one process, whose processor seconds and peak are printed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.scale import write_photos  # noqa: E402

PLANNING = ["--engine", "none", "--seed", "1", "--shard-size", "100", "--no-filters"]
BORROWING = ["--operation", "copy_paste", "--operation", "mosaic"]


def write_coco(folder: Path, count: int) -> None:
    """A set of so many images."""
    write_photos(folder / "images", count)
    images, annotations = [], []
    for number, path in enumerate(sorted((folder / "images").rglob("*.jpg"))):
        name = path.relative_to(folder / "images").as_posix()
        images.append({"id": number, "file_name": name, "width": 64, "height": 64})
        for place in range(5):
            x, y = 5 + place, 6
            outline = [x, y, x + 20, y, x + 20, y + 20, x, y + 20]
            known = {"id": number * 5 + place, "image_id": number, "category_id": 1 + place % 3, "iscrowd": 0}
            annotations.append({**known, "bbox": [x, y, 20, 20], "area": 400, "segmentation": [outline]})
    classes = [{"id": number, "name": f"class {number}"} for number in (1, 2, 3)]
    content = {"images": images, "annotations": annotations, "categories": classes}
    (folder / "instances.json").write_text(json.dumps(content))


def make_shards(plan: Path) -> None:
    """Make two shards in this process, and print what it took."""
    from augmentai.cluster.plan_folder import PlanFolder
    from augmentai.cluster.shard_run import ShardMaker
    from augmentai.settings import load_settings
    from augmentai.storage import open_store

    maker = ShardMaker(PlanFolder(open_store(plan)), load_settings())
    for shard in (0, 1):
        maker.make(shard)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{used.ru_utime + used.ru_stime:.1f} | {used.ru_maxrss / 1024:.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 20_000])
    parser.add_argument("--plan", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.plan is not None:
        make_shards(args.plan)
        return
    for count in args.counts:
        with tempfile.TemporaryDirectory(prefix="augmentai-cluster-") as name:
            home = Path(name)
            write_coco(home / "set", count)
            command = [sys.executable, "-m", "augmentai", "plan", str(home / "set"), "-o", str(home / "plan")]
            subprocess.run([*command, *PLANNING, *BORROWING], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            print(f"{count:,} images, processor seconds | peak MB of the worker: ", end="", flush=True)
            subprocess.run([sys.executable, __file__, "--plan", str(home / "plan")], check=True)


if __name__ == "__main__":
    main()
