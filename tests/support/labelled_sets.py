"""The same small set in every layout: coloured rectangles on grey, whose boxes are known to the pixel."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support import list_sets, pixel_sets, tool_sets
from tests.support.image_files import encoded, zipped
from tests.support.jobs import Darker

SIZE_WH = (64, 48)
COLOURS = {"red car": (220, 30, 30), "bus": (30, 200, 40), "車": (40, 60, 220)}
CATEGORIES = list(COLOURS)
Object = tuple[str, int, int, int, int]  # category, x0, y0, x1, y1: whole pixels, the far edges outside
# (split, stem, objects) of each image.
IMAGES: list[tuple[str, str, list[Object]]] = [
    ("train", "one", [("red car", 4, 6, 24, 20), ("bus", 30, 10, 60, 40)]),
    ("train", "two ü", [("車", 0, 0, 16, 48)]),
    ("train", "empty", []),
    ("val", "three", [("bus", 8, 8, 40, 32)]),
    ("test", "four", [("red car", 20, 12, 44, 36)]),
]
TRAIN = [stem for split, stem, _ in IMAGES if split == "train"]
Files = dict[str, bytes]


def drawn(objects: list[Object]) -> Image.Image:
    pixels = np.full((SIZE_WH[1], SIZE_WH[0], 3), 128, np.uint8)
    for category, x0, y0, x1, y1 in objects:
        pixels[y0:y1, x0:x1] = COLOURS[category]
    return Image.fromarray(pixels)


def photo(objects: list[Object], ending: str = "jpg") -> bytes:
    if ending == "png":
        return encoded(drawn(objects), "PNG")
    return encoded(drawn(objects), "JPEG", quality=95, subsampling=0)


def class_folders(splits: bool = False) -> Files:
    files = {}
    for split, stem, objects in IMAGES:
        label = objects[0][0] if objects else "nothing"
        files["/".join(filter(None, (split if splits else "", label, f"{stem}.jpg")))] = photo(objects)
    return files


def yolo_line(category: str, x0: int, y0: int, x1: int, y1: int, polygon: bool = False) -> str:
    width, height = SIZE_WH
    number = CATEGORIES.index(category)
    if polygon:
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        return f"{number} " + " ".join(f"{x / width} {y / height}" for x, y in corners)
    values = ((x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height)
    return f"{number} " + " ".join(map(str, values))


def yolo(images_first: bool = True, polygons: bool = False, yaml: str | None = None) -> Files:
    """images_first: images/train and labels/train; else train/images and train/labels."""
    files: Files = {}
    for split, stem, objects in IMAGES:
        images, labels = (
            (f"images/{split}", f"labels/{split}") if images_first else (f"{split}/images", f"{split}/labels")
        )
        files[f"{images}/{stem}.jpg"] = photo(objects)
        if objects:  # an image without a label file has no objects
            lines = [yolo_line(*one, polygon=polygons) for one in objects]
            files[f"{labels}/{stem}.txt"] = "".join(line + "\n" for line in lines).encode()
    paths = "train: images/train\nval: images/val\ntest: images/test\n"
    if not images_first:
        paths = "train: ../train/images\nval: ../val/images\ntest: ../test/images\n"  # as Roboflow writes them
    names = "names:\n" + "".join(f"  {i}: {name}\n" for i, name in enumerate(CATEGORIES))
    files["data.yaml"] = (yaml if yaml is not None else paths + "nc: 3\nmade_by: someone\n" + names).encode()
    return files


RED, BUS = ("red car", 4, 6, 24, 20), ("bus", 30, 10, 60, 40)


def uneven_yolo() -> dict[str, bytes]:
    """A YOLO set of three images of red cars, one of a bus, and five of buses for validation, which do not count."""
    files = {name: data for name, data in yolo().items() if name.endswith(".yaml")}
    for split, stem, item in (
        [("train", f"car {n}", RED) for n in range(3)]
        + [("train", "a bus", BUS)]
        + [("val", f"bus {n}", BUS) for n in range(5)]
    ):
        moved = (item[0], *(value + (len(files) if number < 1 else 0) for number, value in enumerate(item[1:])))
        files[f"images/{split}/{stem}.jpg"] = photo([moved])  # type: ignore[list-item]
        files[f"labels/{split}/{stem}.txt"] = yolo_line(*moved).encode()  # type: ignore[arg-type]
    return files


def rle_counts(objects: list[Object]) -> list[int]:
    """Run lengths, column by column, of the area that objects cover; by hand, so as not to ask the reader."""
    mask = np.zeros((SIZE_WH[1], SIZE_WH[0]), bool)
    for _, x0, y0, x1, y1 in objects:
        mask[y0:y1, x0:x1] = True
    flat = mask.T.reshape(-1)
    counts, value, run = [], False, 0
    for pixel in flat:
        if pixel == value:
            run += 1
        else:
            counts.append(run)
            value, run = bool(pixel), 1
    return [*counts, run]


def coco_annotation(number: int, image: int, one: Object, kind: str) -> dict[str, Any]:
    category, x0, y0, x1, y1 = one
    annotation: dict[str, Any] = {
        "id": number,
        "image_id": image,
        "category_id": CATEGORIES.index(category) * 10 + 7,  # ids with gaps, as COCO's own are
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": (x1 - x0) * (y1 - y0),
        "iscrowd": 0,
        "attributes": {"occluded": True, "note": "ü"},
    }
    if kind == "polygon":
        annotation["segmentation"] = [[x0, y0, x1, y0, x1, y1, x0, y1]]
    elif kind == "rle":
        annotation["segmentation"] = {"size": [SIZE_WH[1], SIZE_WH[0]], "counts": rle_counts([one])}
        annotation["iscrowd"] = 1
    elif kind == "packed":
        from pycocotools import mask as masks

        whole = {"size": [SIZE_WH[1], SIZE_WH[0]], "counts": rle_counts([one])}
        annotation["segmentation"] = {
            "size": whole["size"],
            "counts": masks.frPyObjects(whole, *whole["size"])["counts"].decode(),
        }
    return annotation


KINDS = ("polygon", "rle", "packed", "box")


def coco(roboflow: bool = False) -> Files:
    """annotations/instances_SPLIT.json over SPLIT/...; roboflow: SPLIT/_annotations.coco.json beside the images."""
    files: Files = {}
    for split in ("train", "val", "test"):
        images, annotations = [], []
        for number, (of, stem, objects) in enumerate(IMAGES):
            if of != split:
                continue
            files[f"{split}/{stem}.jpg"] = photo(objects)
            size = {"width": SIZE_WH[0], "height": SIZE_WH[1]}
            images.append({"id": 100 + number, "file_name": f"{stem}.jpg", **size, "license": 3, "camera": "left"})
            for one in objects:
                kind = KINDS[len(annotations) % 4]
                annotations.append(coco_annotation(len(annotations) + 1, 100 + number, one, kind))
        content = {
            "info": {"year": 2026, "by": "somebody"},
            "licenses": [{"id": 3, "name": "none"}],
            "categories": [
                {"id": i * 10 + 7, "name": name, "supercategory": "thing", "colour": "#fff"}
                for i, name in enumerate([*CATEGORIES, "never seen"])
            ],
            "images": images,
            "annotations": annotations,
            "version of ours": [1, 2.5, None],
        }
        name = f"{split}/_annotations.coco.json" if roboflow else f"annotations/instances_{split}.json"
        files[name] = json.dumps(content).encode()
    return files


def voc_xml(stem: str, objects: list[Object]) -> bytes:
    objects = "".join(
        f"<object><name>{category}</name><pose>Left</pose><truncated>1</truncated><difficult>{i % 2}</difficult>"
        f"<bndbox><xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox>"
        "<part><name>wheel</name><bndbox><xmin>5</xmin><ymin>7</ymin><xmax>6</xmax><ymax>8</ymax></bndbox></part>"
        "</object>"
        for i, (category, x0, y0, x1, y1) in enumerate(objects)
    )
    return (
        f"<annotation><folder>JPEGImages</folder><filename>{stem}.jpg</filename><source><database>ours</database>"
        f"</source><size><width>{SIZE_WH[0]}</width><height>{SIZE_WH[1]}</height><depth>3</depth></size>"
        f"<segmented>0</segmented>{objects}</annotation>"
    ).encode()


def voc() -> Files:
    files: Files = {}
    lists: dict[str, str] = {}
    for split, stem, objects in IMAGES:
        files[f"VOC/JPEGImages/{stem}.jpg"] = photo(objects)
        files[f"VOC/Annotations/{stem}.xml"] = voc_xml(stem, objects)
        lists[split] = lists.get(split, "") + stem + "\n"
    for split, text in {**lists, "trainval": lists["train"] + lists["val"]}.items():
        files[f"VOC/ImageSets/Main/{split}.txt"] = text.encode()
    flags = "".join(f"{stem} {1 if stem == 'one' else -1:2d}\n" for stem in TRAIN if " " not in stem)
    files["VOC/ImageSets/Main/bus_train.txt"] = flags.encode()
    return files


def mask_of(objects: list[Object]) -> bytes:
    values = np.zeros((SIZE_WH[1], SIZE_WH[0]), np.uint8)
    for category, x0, y0, x1, y1 in objects:
        values[y0:y1, x0:x1] = CATEGORIES.index(category) + 1
    mask = Image.fromarray(values, "P")
    mask.putpalette([0, 0, 0, *(value for colour in COLOURS.values() for value in colour)])
    return encoded(mask)


def masks(where: str = "masks") -> Files:
    """where: "masks" (images/SPLIT and masks/SPLIT), "beside" (the same stem), or "suffix" (_mask behind it)."""
    files: Files = {}
    for split, stem, objects in IMAGES:
        folder = f"images/{split}" if where == "masks" else split
        files[f"{folder}/{stem}.jpg"] = photo(objects)
        mask = {"masks": f"masks/{split}/{stem}.png", "beside": f"{split}/{stem}.png"}
        files[mask.get(where, f"{split}/{stem}_mask.png")] = mask_of(objects)
    return files


def imagefolder(kind: str = "jsonl") -> Files:
    files: Files = {}
    for split, folder in (("train", "train"), ("val", "validation"), ("test", "test")):
        rows = []
        for of, stem, objects in IMAGES:
            if of == split:
                files[f"{folder}/{stem}.jpg"] = photo(objects)
                boxes = [[x0, y0, x1 - x0, y1 - y0] for _, x0, y0, x1, y1 in objects]
                column = {"bbox": boxes, "categories": [one[0] for one in objects], "id": list(range(len(boxes)))}
                text = f'{stem}, "seen"'
                rows.append(
                    {"file_name": f"{stem}.jpg", "text": text, "objects": column}
                    if kind == "jsonl"
                    else {"file_name": f"{stem}.jpg", "text": text, "score": "0.50"}
                )
        if kind == "jsonl":
            files[f"{folder}/metadata.jsonl"] = "".join(json.dumps(row) + "\n" for row in rows).encode()
        else:
            import csv

            text_file = io.StringIO()
            writer = csv.DictWriter(text_file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
            files[f"{folder}/metadata.csv"] = text_file.getvalue().encode()
    return files


LAYOUTS: dict[str, tuple[str, Files]] = {
    "yolo": ("yolo", yolo()),
    "yolo, split first": ("yolo", yolo(images_first=False)),
    "yolo polygons": ("yolo", yolo(polygons=True)),
    "coco": ("coco", coco()),
    "coco beside": ("coco", coco(roboflow=True)),
    "voc": ("voc", voc()),
    "masks": ("masks", masks()),
    "masks beside": ("masks", masks("beside")),
    "masks with a suffix": ("masks", masks("suffix")),
    "imagefolder jsonl": ("imagefolder", imagefolder()),
    "imagefolder csv": ("imagefolder", imagefolder("csv")),
    "labelme": ("labelme", tool_sets.labelme(IMAGES, SIZE_WH, photo)),
    "supervisely": ("supervisely", tool_sets.supervisely(IMAGES, SIZE_WH, photo)),
    "cvat": ("cvat", list_sets.cvat(IMAGES, SIZE_WH, photo)),
    "createml": ("createml", list_sets.createml(IMAGES, SIZE_WH, photo)),
    "csv": ("csv", list_sets.csv_boxes(IMAGES, SIZE_WH, photo)),
    "via": ("via", list_sets.via(IMAGES, SIZE_WH, photo)),
    "panoptic": ("coco", pixel_sets.panoptic(IMAGES, SIZE_WH, photo)),
    "dota": ("dota", pixel_sets.dota(IMAGES, photo)),
    "class folders with splits": ("folders", class_folders(splits=True)),
    "class folders": ("folders", class_folders()),
}


def write(place: Path, files: Files) -> Path:
    for name, data in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return place


def as_zip(place: Path, files: Files) -> Path:
    place.write_bytes(zipped({f"my set/{name}": data for name, data in files.items()}))
    return place


def gathered(*inputs: Path, layout: str = "auto") -> Gathered:
    return gather(list(inputs), limits(Settings()), layout=layout)


def augmented(inputs: list[Path], out: Path, **recipe: Any) -> Job:
    """A whole run by a small true engine, as the command line does it."""
    asked = Recipe(**{"seed": 5, "engine": "gan", "variations": 2, "filters": False, **recipe})
    found = gather(inputs, limits(Settings()), skip=out, layout=asked.layout)
    job = Job(found, asked, Settings(), [Darker()])
    for _ in run_to_disk(job, out, inputs):
        pass
    return job


def contents(folder: Path) -> Files:
    """Every file of a set but what a run says of itself."""
    from augmentai.dataset.manifest import OWN_FILES

    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if name not in OWN_FILES}
