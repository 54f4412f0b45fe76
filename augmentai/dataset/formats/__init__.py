"""Dataset formats: `base` is the protocol, each format has a module or package, `detect` recognises a set."""

# Read by `augmentai.registry`, in the order of detection: a set that says what it is (data.yaml, COCO's JSON) comes
# before one that is recognised by file names. Nothing is imported until a format is used.
BUILT_IN: dict[str, str] = {
    "yolo": "augmentai.dataset.formats.yolo.format:YOLO",
    "coco": "augmentai.dataset.formats.coco.format:COCO",
    "panoptic": "augmentai.dataset.formats.panoptic.format:PANOPTIC",
    "voc": "augmentai.dataset.formats.voc.format:VOC",
    "imagefolder": "augmentai.dataset.formats.imagefolder.format:IMAGEFOLDER",
    "createml": "augmentai.dataset.formats.createml.format:CREATEML",
    "labelme": "augmentai.dataset.formats.labelme.format:LABELME",
    "cvat": "augmentai.dataset.formats.cvat.format:CVAT",
    "via": "augmentai.dataset.formats.via.format:VIA",
    "supervisely": "augmentai.dataset.formats.supervisely.format:SUPERVISELY",
    "csv": "augmentai.dataset.formats.csv_boxes.format:CSV",
    "dota": "augmentai.dataset.formats.dota.format:DOTA",
    "masks": "augmentai.dataset.formats.masks.format:MASKS",
    "folders": "augmentai.dataset.formats.folders:FOLDERS",
}
