"""The small labelled set in formats whose label files list many images each."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.tool_sets import Drawn, Files, Images, Object, Photo


def cvat_image(number: int, split: str, stem: str, objects: list[Object], size_wh: tuple[int, int]) -> str:
    elements = []
    for i, (category, x0, y0, x1, y1) in enumerate(objects):
        place = f'xtl="{x0}.00" ytl="{y0}.00" xbr="{x1}.00" ybr="{y1}.00"'
        kind = "box"
        if i % 2:
            kind, place = "polygon", f'points="{x0}.00,{y0}.00;{x1}.00,{y0}.00;{x1}.00,{y1}.00;{x0}.00,{y1}.00"'
        elements.append(
            f'    <{kind} label="{category}" source="manual" occluded="1" {place} z_order="3">\n'
            f'      <attribute name="colour">dark &amp; red</attribute>\n    </{kind}>\n'
        )
    subset = {"train": "Train", "val": "Validation", "test": "Test"}[split]
    size = f'width="{size_wh[0]}" height="{size_wh[1]}"'
    return (
        f'  <image id="{number}" name="{stem}.jpg" subset="{subset}" task_id="7" {size}>\n{"".join(elements)}'
        f'    <tag label="night" source="manual"/>\n  </image>\n'
    )


def cvat(images: Images, size_wh: tuple[int, int], photo: Photo) -> Files:
    """images/SUBSET/..., and one annotations.xml."""
    categories = dict.fromkeys(one[0] for _, _, objects in images for one in objects)
    labels = "".join(f"<label><name>{name}</name><type>any</type></label>" for name in [*categories, "never seen"])
    files = {f"images/{split}/{stem}.jpg": photo(objects) for split, stem, objects in images}
    rows = "".join(cvat_image(n, split, stem, objects, size_wh) for n, (split, stem, objects) in enumerate(images))
    head = f"<meta><task><name>ours</name><size>{len(images)}</size><labels>{labels}</labels></task></meta>"
    text = f"<annotations>\n  <version>1.1</version>\n  {head}\n{rows}</annotations>\n"
    return {**files, "annotations.xml": f'<?xml version="1.0" encoding="utf-8"?>\n{text}'.encode()}


def cvat_drawn(drawn: list[Drawn], picture: bytes, size_wh: tuple[int, int]) -> Files:
    """One image, and boxes as CVAT has them, or outlines."""
    elements = []
    for category, kind, ring in drawn:
        (x0, y0), (x1, y1) = ring[0], ring[2]
        place = f'xtl="{x0}" ytl="{y0}" xbr="{x1}" ybr="{y1}"'
        if kind == "polygon":
            place = 'points="' + ";".join(f"{x},{y}" for x, y in ring) + '"'
        elements.append(f'<{kind} label="{category}" occluded="0" {place} z_order="0"/>')
    image = f'<image id="0" name="a.png" width="{size_wh[0]}" height="{size_wh[1]}">{"".join(elements)}</image>'
    return {"a.png": picture, "annotations.xml": f"<annotations>{image}</annotations>".encode()}


DRAWN: dict[str, Callable[[list[Drawn], bytes, tuple[int, int]], Files]] = {
    "cvat": cvat_drawn,
}
