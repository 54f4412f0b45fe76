"""Cells of the images of a detection or segmentation set: of views to train on, and of whole images to test on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PIL import Image

from augmentai.backbone import Backbone
from augmentai.lift.cell_labels import class_map, objects_of
from augmentai.lift.cells import CELLS, Cells, CellTable, dense_view
from augmentai.lift.dense_images import DenseImage
from augmentai.lift.plan import POOL_VIEWS
from augmentai.lift.views import Crop, draw_crop, seeded


def cells_of_views(
    training: Sequence[DenseImage],
    classes: Mapping[str, int],
    backbone: Backbone,
    seed: int,
    on_view: Callable[[], None],
) -> Cells:
    """Some cells of flips and crops of training images.

    Args:
        training: the images.
        classes: numbers of the classes, from 1.
        backbone: what computes features.
        seed: of crops and cells.
        on_view: called after each view; what it raises ends everything.
    """
    table = CellTable(len(training), POOL_VIEWS, backbone)
    for row, one in enumerate(training):
        image, shown = one.open(), shown_in(one, classes)
        rng = seeded(seed, one.source.sha256, "views")
        for column in range(POOL_VIEWS):
            table.add(row, column, dense_view(image, shown, draw_crop(image.size, rng), len(classes)), rng)
            on_view()
    return table.finish()


def cells_of_whole(
    test: Sequence[DenseImage],
    classes: Mapping[str, int],
    backbone: Backbone,
    seed: int,
    on_view: Callable[[], None],
) -> Cells:
    """All cells of whole test images; arguments as those of `cells_of_views`."""
    table = CellTable(len(test), 1, backbone, CELLS)
    for row, one in enumerate(test):
        view = dense_view(one.open(), shown_in(one, classes), Crop((0, 0, *one.size_wh)), len(classes))
        table.add(row, 0, view, seeded(seed))
        on_view()
    return table.finish()


def shown_in(one: DenseImage, classes: Mapping[str, int]) -> Image.Image:
    """The class of each pixel of an image; see `class_map`."""
    assert one.source.labels is not None
    return class_map(objects_of(one.source.labels.load(), one.source.label), classes, one.size_wh)
