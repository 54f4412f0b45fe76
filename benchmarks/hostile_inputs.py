"""Hostile files, made here: python -m benchmarks.hostile_inputs FOLDER [NAME...]

Writes FOLDER/NAME/... for each case, for `benchmarks.hostile_files`: deep, wide, huge or quadratic label files, archives
that unpack to much, images whose headers promise much, odd values, and files that are no files.
"""

from __future__ import annotations

import argparse
import base64
import bz2
import gzip
import io
import json
import lzma
import os
import sqlite3
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

Case = Callable[[Path], None]
CASES: dict[str, Case] = {}
_BOX = "0 .5 .5 .2 .2\n"
_COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 5, 20, 20], "area": 400, "iscrowd": 0}],
    "categories": [{"id": 1, "name": "c"}],
}
_VOC = (
    "<annotation><size><width>64</width><height>48</height></size><object><name>c</name><bndbox><xmin>5</xmin>"
    "<ymin>5</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object>{}</annotation>"
)


def photo(side: int = 64, kind: str = "JPEG", **options: Any) -> bytes:
    pixels = np.random.default_rng(side).integers(0, 255, (side // 8, side // 8, 3), np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).resize((side, side * 3 // 4)).save(data, kind, **options)
    return data.getvalue()


def case(make: Case) -> Case:
    CASES[make.__name__] = make
    return make


def zipped(files: Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            archive.writestr(name, content)
    return data.getvalue()


def as_zip(files: Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]]) -> Case:
    return lambda folder: (folder / "set.zip").write_bytes(zipped(files)) and None


def labelled(name: str, files: Callable[[], Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]]]) -> None:
    """A case of label files beside a photo, in a ZIP."""

    def make(folder: Path) -> None:
        found = files()
        pairs = list(found.items() if isinstance(found, Mapping) else found)
        photos = [] if any(name == "a.jpg" for name, _ in pairs) else [("a.jpg", photo())]
        as_zip([*pairs, *photos])(folder)

    CASES[name] = make


def coco(**changed: Any) -> str:
    return json.dumps(_COCO | changed)


def outlined(segmentation: Any, count: int = 1) -> str:
    one = _COCO["annotations"][0] | {"segmentation": segmentation}
    return coco(annotations=[one | {"id": number} for number in range(count)])


# What takes long to parse: depth, width, size, number.
labelled("coco_keys_million", lambda: {"coco.json": coco(info={f"k{n}": n for n in range(1_000_000)})})
labelled("coco_string_30mb", lambda: {"coco.json": coco(info="x" * 30_000_000)})
labelled("coco_annotations_500k", lambda: {"coco.json": coco(annotations=_COCO["annotations"] * 500_000)})
labelled(
    "coco_images_300k", lambda: {"coco.json": coco(images=[{"id": n, "file_name": f"{n}.jpg"} for n in range(300_000)])}
)
labelled(
    "coco_categories_300k", lambda: {"coco.json": coco(categories=[{"id": n, "name": f"c{n}"} for n in range(300_000)])}
)
labelled("coco_parts_100k", lambda: {"coco.json": outlined([[1, 1, 9, 1, 9, 9]] * 100_000)})
labelled("coco_200_files", lambda: {f"{n}/coco.json": coco(info=["x"] * 200_000) for n in range(200)})
labelled("coco_digits_million", lambda: {"coco.json": coco().replace("400", "4" * 1_000_000)})
labelled("coco_escapes", lambda: {"coco.json": coco(info="\\u0041" * 3_000_000)})
labelled("coco_unclosed", lambda: {"coco.json": '{"images": ' + "[" * 10_000_000})
labelled(
    "coco_objects_deep", lambda: {"coco.json": coco()[:-1] + ', "x": ' + '{"a":' * 200_000 + "1" + "}" * 200_000 + "}"}
)
labelled("coco_utf16_20mb", lambda: {"coco.json": coco(info="x" * 10_000_000).encode("utf-16")})
labelled(
    "rle_100_big",
    lambda: (
        {
            "coco.json": json.dumps(
                {
                    "images": [{"id": 1, "file_name": "a.jpg", "width": 5000, "height": 5000}],
                    "categories": _COCO["categories"],
                    "annotations": [
                        _COCO["annotations"][0]
                        | {"id": n, "segmentation": {"size": [5000, 5000], "counts": [25_000_000]}}
                        for n in range(100)
                    ],
                }
            )
        }
        | {"a.jpg": photo(5000, "PNG")}
    ),
)
labelled("labelme_deep", lambda: {"a.json": '{"shapes": ' + "[" * 300_000 + "]" * 300_000 + ', "imagePath": "a.jpg"}'})
labelled(
    "labelme_shapes_200k",
    lambda: {
        "a.json": json.dumps(
            {
                "imagePath": "a.jpg",
                "imageWidth": 64,
                "imageHeight": 48,
                "shapes": [{"label": "c", "shape_type": "rectangle", "points": [[1, 1], [9, 9]]}] * 200_000,
            }
        )
    },
)
labelled(
    "labelme_image_data_25mb",
    lambda: {"a.json": json.dumps({"imagePath": "a.jpg", "imageData": "A" * 25_000_000, "shapes": []})},
)
labelled(
    "via_regions_300k",
    lambda: {
        "via.json": json.dumps(
            {
                "a.jpg1": {
                    "filename": "a.jpg",
                    "size": 1,
                    "regions": [
                        {
                            "shape_attributes": {"name": "rect", "x": 1, "y": 1, "width": 5, "height": 5},
                            "region_attributes": {},
                        }
                    ]
                    * 300_000,
                }
            }
        )
    },
)
labelled(
    "createml_300k",
    lambda: {
        "_annotations.createml.json": json.dumps(
            [
                {
                    "image": "a.jpg",
                    "annotations": [{"label": "c", "coordinates": {"x": 9, "y": 9, "width": 5, "height": 5}}] * 300_000,
                }
            ]
        )
    },
)
labelled("json_1000_small_deep", lambda: {f"{n}.json": "[" * 20_000 + "]" * 20_000 for n in range(1000)})
labelled("yaml_wide_keys", lambda: {"data.yaml": "names: [a]\n" + "".join(f"k{n}: 1\n" for n in range(150_000))})
labelled("yaml_flow_deep", lambda: {"data.yaml": "names: " + "[" * 100_000 + "]" * 100_000})
labelled("yaml_flow_deep_objects", lambda: {"data.yaml": "names: " + "{a: " * 50_000})
labelled("yaml_block_deep", lambda: {"data.yaml": "".join(" " * n + "a:\n" for n in range(3000))})
labelled("yaml_anchors_100k", lambda: {"data.yaml": "names:\n" + "".join(f"- &a{n} x\n" for n in range(100_000))})
labelled("yaml_plain_long", lambda: {"data.yaml": "names: " + "a b " * 5_000_000})
labelled("yaml_quoted_folds", lambda: {"data.yaml": 'names: "' + "a\n\n" * 3_000_000 + '"'})
labelled("yaml_comments_20mb", lambda: {"data.yaml": "# x\n" * 5_000_000 + "names: [a]\n"})
labelled("yaml_tags", lambda: {"data.yaml": "names:\n" + "- !!python/object/apply:os.system [x]\n" * 50_000})
labelled("yaml_documents", lambda: {"data.yaml": "---\na: 1\n" * 500_000})
labelled("yaml_5000_small", lambda: {f"{n}/data.yaml": "names: [a]\ntrain: images\n" for n in range(5000)})
labelled("yaml_question_keys", lambda: {"data.yaml": "? " * 100_000 + "a"})
labelled(
    "xml_attributes_million", lambda: {"a.xml": "<annotation " + " ".join(f'a{n}="1"' for n in range(1_000_000)) + "/>"}
)
labelled("xml_text_30mb", lambda: {"a.xml": _VOC.format("<x>" + "y" * 30_000_000 + "</x>")})
labelled("xml_namespaces", lambda: {"a.xml": "".join(f'<a xmlns:n{n}="u{n}">' for n in range(20_000))})
labelled(
    "xml_entity_long_text",
    lambda: {"a.xml": '<!DOCTYPE a [<!ENTITY x "' + "x" * 100_000 + '">]>' + _VOC.format("&x;" * 10_000)},
)
labelled(
    "xml_3000_files",
    lambda: [
        *((f"{n}.xml", _VOC.format("<y/>" * 2000)) for n in range(3000)),
        *((f"{n}.jpg", photo(16)) for n in range(3000)),
    ],
)
labelled("xml_comment_open", lambda: {"a.xml": "<annotation><!--" + "- " * 10_000_000})
labelled(
    "cvat_300k",
    lambda: {
        "annotations.xml": "<annotations><version>1.1</version><image id='0' name='a.jpg' width='64' height='48'>"
        + "<box label='c' xtl='1' ytl='1' xbr='9' ybr='9' occluded='0'/>" * 300_000
        + "</image></annotations>"
    },
)
labelled(
    "cvat_points_huge",
    lambda: {
        "annotations.xml": "<annotations><image id='0' name='a.jpg' width='64' height='48'><polygon label='c' points='"
        + "1,1;" * 2_000_000
        + "'/></image></annotations>"
    },
)
labelled("csv_quotes_open", lambda: {"metadata.csv": 'file_name,text\na.jpg,"' + "x\n" * 10_000_000})
labelled("csv_quotes_doubled", lambda: {"metadata.csv": "file_name,text\na.jpg," + '"' * 10_000_000})
labelled(
    "csv_boxes_million",
    lambda: {"boxes.csv": "filename,width,height,class,xmin,ymin,xmax,ymax\n" + "a.jpg,64,48,c,1,1,9,9\n" * 1_000_000},
)
labelled("csv_commas_20mb", lambda: {"boxes.csv": "," * 20_000_000})
labelled("csv_1000_tables", lambda: {f"{n}.csv": "filename,class\n" + "a.jpg,c\n" * 20_000 for n in range(1000)})
labelled("jsonl_2m_lines", lambda: {"metadata.jsonl": '{"file_name": "b.jpg", "text": "x"}\n' * 2_000_000})
labelled(
    "jsonl_one_line_50mb", lambda: {"metadata.jsonl": '{"file_name": "a.jpg", "text": "' + "x" * 50_000_000 + '"}\n'}
)
labelled(
    "jsonl_deep_lines",
    lambda: {"metadata.jsonl": ('{"file_name": "a.jpg", "x": ' + "[" * 400 + "]" * 400 + "}\n") * 20_000},
)
labelled("pbtxt_items", lambda: {"label_map.pbtxt": "item { id: 1 name: 'a' }\n" * 1_000_000})
labelled("pbtxt_deep", lambda: {"label_map.pbtxt": "item {" * 1_000_000})
labelled("lists_of_a_million", lambda: {"train.txt": "a.jpg\n" * 4_000_000, "val.txt": "b.jpg\n" * 4_000_000})
labelled("list_long_line", lambda: {"train.txt": "a.jpg " * 4_000_000})
labelled(
    "list_of_parents",
    lambda: {"data.yaml": "names: [a]\ntrain: train.txt\n", "train.txt": ("../" * 1300 + "a.jpg\n") * 6000},
)
labelled(
    "yolo_labels_20k_files",
    lambda: [("data.yaml", "names: [a]\ntrain: images\n"), *((f"labels/{n}.txt", _BOX * 20) for n in range(15_000))],
)
labelled("yolo_numbers_long", lambda: {"data.yaml": "names: [a]\n", "a.txt": "0 " + "1" * 5_000_000 + " .5 .2 .2\n"})
labelled("yolo_blank_lines", lambda: {"data.yaml": "names: [a]\n", "a.txt": "\n" * 30_000_000})
labelled("yolo_class_huge", lambda: {"data.yaml": "names: [a]\n", "a.txt": "99999999999999999999 .5 .5 .2 .2\n"})
labelled("yolo_names_million", lambda: {"classes.txt": "c\n" * 2_000_000, "a.txt": _BOX})
labelled("dota_300k", lambda: {"labelTxt/a.txt": "1 1 9 1 9 9 1 9 plane 0\n" * 300_000})
labelled(
    "supervisely_bitmap_bomb",
    lambda: {
        "ds/ann/a.jpg.json": json.dumps(
            {
                "size": {"width": 64, "height": 48},
                "objects": [
                    {
                        "classTitle": "c",
                        "geometryType": "bitmap",
                        "bitmap": {
                            "origin": [0, 0],
                            "data": base64.b64encode(zlib.compress(bytes(500_000_000), 9)).decode(),
                        },
                    }
                ],
            }
        ),
        "meta.json": json.dumps({"classes": [{"title": "c"}]}),
        "ds/img/a.jpg": photo(),
    },
)
labelled("name_of_900_bytes", lambda: {"n" * 900 + ".jpg": photo(), "x/" * 400 + "b.jpg": photo()})
labelled(
    "names_odd",
    lambda: [
        (name + ".jpg", photo(16 + 8 * number))
        for number, name in enumerate(
            (
                "CON",
                "a\u202eb",
                "\ufeffa",
                "a ",
                "a.",
                "COM\u00b9",
                "a\tb",
                "a\nb",
                "..",
                "~",
                "*?<>|",
                "e\u0301",
                "\u00e9",
                "\U0001f600" * 60,
            )
        )
    ],
)
labelled("names_same_but_case", lambda: [(f"{'a' * n}{'A' * (12 - n)}.jpg", photo(16)) for n in range(13)] * 20)


# Archives: what they unpack to, how many names, one in another.
def tarred(files: Iterable[tuple[str, bytes]], mode: str = "w") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def one_file(case_name: str, name: str, content: Callable[[], bytes]) -> None:
    CASES[case_name] = lambda folder: (folder / name).write_bytes(content()) and None


def special_tar(kind: bytes, target: str = "/dev/zero") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name in ("data.yaml", "b.jpg", "metadata.csv"):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
        info = tarfile.TarInfo("a.jpg")
        info.size = len(photo())
        archive.addfile(info, io.BytesIO(photo()))
    return data.getvalue()


def nested(levels: int, width: int, pack: Callable[[list[tuple[str, bytes]]], bytes], suffix: str) -> bytes:
    inner = pack([("a.jpg", photo())])
    for _ in range(levels):
        inner = pack([(f"{n}{suffix}", inner) for n in range(width)])
    return inner


one_file("tar_names_200k", "set.tar", lambda: tarred((f"{n}.jpg", b"\xff\xd8\xff") for n in range(200_000)))
one_file("tar_gz_names_200k", "set.tar.gz", lambda: gzip.compress(tarred((f"{n}.jpg", b"") for n in range(200_000))))
one_file(
    "tar_gz_zeros_2gb", "set.tar.gz", lambda: gzip.compress(tarred([("a.jpg", photo())]) + bytes(2_000_000_000), 1)
)
one_file("tar_bz2_zeros", "set.tar.bz2", lambda: bz2.compress(tarred([("a.jpg", bytes(900_000_000))])))
one_file("tar_xz_zeros", "set.tar.xz", lambda: lzma.compress(tarred([("a.jpg", bytes(900_000_000))]), preset=0))
one_file("tar_xz_twice", "set.tar.xz", lambda: lzma.compress(lzma.compress(bytes(500_000_000), preset=0)))
one_file("tar_pax_huge", "set.tar", lambda: tarred([("x" * 900_000 + ".jpg", photo()), ("a.jpg", photo())]))
one_file("tar_pax_many", "set.tar", lambda: tarred(((f"{'x' * 300}{n}.jpg", b"") for n in range(30_000))))
one_file("tar_links", "set.tar", lambda: special_tar(tarfile.SYMTYPE))
one_file("tar_devices", "set.tar", lambda: special_tar(tarfile.CHRTYPE))
one_file("tar_fifos", "set.tar", lambda: special_tar(tarfile.FIFOTYPE))
one_file("tar_hard_links", "set.tar", lambda: special_tar(tarfile.LNKTYPE, "a.jpg"))
one_file("tar_truncated", "set.tar.gz", lambda: gzip.compress(tarred([("a.jpg", photo(512))]))[:-40])
one_file(
    "gz_members_many", "set.tar.gz", lambda: gzip.compress(b"") * 300_000 + gzip.compress(tarred([("a.jpg", photo())]))
)
one_file("zip_in_zip_wide", "set.zip", lambda: nested(2, 60, lambda of: zipped(of), ".zip"))
one_file("zip_in_tar_in_zip", "set.zip", lambda: nested(3, 8, lambda of: tarred(of), ".tar"))
one_file("zip_names_20k", "set.zip", lambda: zipped([(f"{n}.jpg", b"\xff\xd8\xff") for n in range(19_000)]))
one_file("zip_names_20k_unknown", "set.zip", lambda: zipped([(f"{n}", b"x") for n in range(19_000)]))
one_file("zip_folders_20k", "set.zip", lambda: zipped([(f"{n}/{n}/{n}/a.jpg", b"\xff\xd8\xff") for n in range(15_000)]))
one_file("zip_long_names", "set.zip", lambda: zipped([(f"{n}{'/x' * 480}.jpg", b"") for n in range(15_000)]))
one_file("zip_named_twice", "set.zip", lambda: zipped([("a.jpg", photo())] * 10_000))
one_file(
    "zip_inner_64_bombs",
    "set.zip",
    lambda: zipped([(f"{n}.zip", zipped([("a.jpg", bytes(29_000_000))])) for n in range(64)]),
)


# Images: what the header promises, and what is packed beside the pixels.
def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, packed: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    return zlib.compress(bytes(count), 9)


def text_png(count: int, size: int) -> bytes:
    info = PngImagePlugin.PngInfo()
    for number in range(count):
        info.add_text(f"k{number}", "x" * size, zip=True)
    return photo(64, "PNG", pnginfo=info)


def animated(frames: int, kind: str, side: int = 1000) -> bytes:
    data, first = io.BytesIO(), Image.new("P" if kind == "GIF" else "RGB", (side, side))
    rest = (Image.new(first.mode, (side, side), number % 250) for number in range(frames))
    first.save(data, kind, save_all=True, append_images=rest)
    return data.getvalue()


def tiff(tags: list[tuple[int, int, int, int]], loop: bool = False) -> bytes:
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 8 if loop else 0)


_TIFF = [(256, 4, 1, 64), (257, 4, 1, 64), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8)]

one_file("png_30000_square", "a.png", lambda: png(30_000, 30_000, packed=zeros(900_000_000 // 4)))
one_file("png_29_megapixels", "a.png", lambda: png(5400, 5400, packed=zeros(5400 * 5401)))
one_file("png_one_pixel_high", "a.png", lambda: png(30_000_000, 1, packed=zeros(30_000_001)))
one_file("png_2_to_31", "a.png", lambda: png(2**31 - 1, 2**31 - 1))
one_file("png_text_bombs", "a.png", lambda: text_png(60, 900_000))
one_file(
    "png_icc_bomb", "a.png", lambda: png(64, 64, chunk(b"iCCP", b"x\0\0" + zeros(400_000_000)), packed=zeros(64 * 65))
)
one_file(
    "png_exif_bomb",
    "a.png",
    lambda: png(64, 64, chunk(b"eXIf", b"II*\0" + b"\xff" * 20_000_000), packed=zeros(64 * 65)),
)
one_file("png_million_chunks", "a.png", lambda: png(64, 64, *[chunk(b"teSt", b"")] * 1_000_000, packed=zeros(64 * 65)))
one_file(
    "png_itxt_xmp_bomb",
    "a.png",
    lambda: png(64, 64, chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zeros(300_000_000)), packed=zeros(64 * 65)),
)
one_file("jpeg_65500_square", "a.jpg", lambda: photo(64).replace(photo(64)[163:167], b"\xff\xdc\xff\xdc"))
one_file(
    "jpeg_markers",
    "a.jpg",
    lambda: b"\xff\xd8" + (b"\xff\xe1" + struct.pack(">H", 65_000) + bytes(64_998)) * 400 + photo()[2:],
)
one_file(
    "jpeg_icc_parts",
    "a.jpg",
    lambda: (
        b"\xff\xd8"
        + b"".join(
            b"\xff\xe2" + struct.pack(">H", 60_016) + b"ICC_PROFILE\0" + bytes([n, 255]) + bytes(60_000)
            for n in range(1, 255)
        )
        + photo()[2:]
    ),
)
one_file(
    "jpeg_progressive_scans",
    "a.jpg",
    lambda: (lambda p: p[:-2] + p[p.rfind(b"\xff\xda") : -2] * 3000 + p[-2:])(photo(2048, progressive=True)),
)
one_file(
    "jpeg_exif_deep",
    "a.jpg",
    lambda: photo(64, exif=b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x8769, 4, 1, 8) + b"\x08\0\0\0"),
)
one_file("gif_2000_frames", "a.gif", lambda: animated(2000, "GIF"))
one_file(
    "gif_65535_square",
    "a.gif",
    lambda: b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
)
one_file("webp_200_frames", "a.webp", lambda: animated(200, "WEBP", 500))
one_file("tiff_loop", "a.tif", lambda: tiff(_TIFF, loop=True))
one_file("tiff_count_huge", "a.tif", lambda: tiff([*_TIFF, (700, 1, 2**31, 8), (34675, 7, 2**31, 8)]))
one_file("tiff_2_to_31", "a.tif", lambda: tiff([(256, 4, 1, 2**31), (257, 4, 1, 2**31), *_TIFF[2:]]))
one_file("tiff_deflate_bomb", "a.tif", lambda: photo(5000, "TIFF", compression="tiff_adobe_deflate"))
one_file("tiff_1000_pages", "a.tif", lambda: animated(1000, "TIFF", 100))
one_file(
    "bmp_rle_square",
    "a.bmp",
    lambda: (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, 20_000, 20_000, 1, 8, 1, 0, 0, 0, 0, 0) + b"\0\1"
    ),
)
one_file("ico_many", "a.ico", lambda: b"\0\0\1\0" + struct.pack("<H", 60_000) + b"\0" * 16 * 60_000)
one_file(
    "svg_laughs",
    "a.svg",
    lambda: ('<!DOCTYPE s [<!ENTITY a "' + "x" * 10_000 + '">]><svg>' + "&a;" * 100_000 + "</svg>").encode(),
)
one_file(
    "mask_of_16_bits", "set.zip", lambda: zipped({"images/a.jpg": photo(), "masks/a.png": png(64, 48, packed=b"")})
)

# Files of other programs, and files that are no files.
one_file(
    "npy_huge_shape",
    "a.npy",
    lambda: (
        b"\x93NUMPY\1\0"
        + struct.pack("<H", 118)
        + b"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999,)}".ljust(117)
        + b"\n"
    ),
)
one_file("npz_zeros", "a.npz", lambda: zipped({"x.npy": bytes(1_000_000_000)}))
one_file("parquet_header", "a.parquet", lambda: b"PAR1" + b"\xff" * 1_000_000 + struct.pack("<I", 2**31 - 1) + b"PAR1")
one_file("arrow_header", "a.arrow", lambda: b"ARROW1\0\0" + struct.pack("<iI", -1, 2**31 - 1) + bytes(1_000_000))
one_file("sqlite_rows", "a.sqlite", lambda: database(200_000))
one_file("tfrecord_length", "a.tfrecord", lambda: struct.pack("<Q", 2**62) + bytes(1000))
one_file("pickle_bomb", "labels.pkl", lambda: b"cos\nsystem\n(S'true'\ntR." * 100_000)
one_file(
    "mat_zeros",
    "gt.mat",
    lambda: b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + struct.pack("<II", 15, 10**6) + zeros(900_000_000),
)


def database(rows: int) -> bytes:
    with sqlite3.connect(":memory:") as opened:
        opened.execute("create table t (x text)")
        opened.executemany("insert into t values (?)", [("x" * 100,)] * rows)
        opened.commit()
        return opened.serialize()


@case
def photo_named_400_times(folder: Path) -> None:
    (folder / "a.jpg").write_bytes(photo(640))
    (folder / "names.json").write_text(json.dumps([[f"{n}/a.jpg", "a.jpg"] for n in range(400)]))


@case
def zip_named_100_times(folder: Path) -> None:
    (folder / "set.zip").write_bytes(zipped([(f"{n}.jpg", photo(16)) for n in range(1500)]))
    (folder / "names.json").write_text(json.dumps([[f"{n}.zip", "set.zip"] for n in range(100)]))


@case
def names_of_4000_characters(folder: Path) -> None:
    (folder / "a.jpg").write_bytes(photo())
    (folder / "names.json").write_text(json.dumps([["x/" * 2000 + f"{n}.jpg", "a.jpg"] for n in range(500)]))


@case
def names_odd_dropped(folder: Path) -> None:
    (folder / "a.jpg").write_bytes(photo())
    odd = (
        "\ud800.jpg",
        "CON.jpg",
        "../../a.jpg",
        "/etc/a.jpg",
        "a\0b.jpg",
        "",
        ".",
        "x" * 5000 + ".jpg",
        "COM\u00b9.jpg",
        "C:\\a.jpg",
    )
    (folder / "names.json").write_text(json.dumps([[name, "a.jpg"] for name in odd]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes hostile files.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    for name in args.names or CASES:
        (args.folder / name).mkdir(parents=True, exist_ok=True)
        if not os.listdir(args.folder / name):
            CASES[name](args.folder / name)


if __name__ == "__main__":
    main()
