"""Which tool or format a label file looks like, from its name and its first bytes. Nothing is parsed completely."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from augmentai.annotations import LabelError
from augmentai.dataset.file_names import name_key
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.yolo.annotation import looks_like_yolo

HEAD_BYTES = 1 << 18
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")

# Files of numbers or tables that no format reads; a pickle is never opened, since opening one may run code.
BINARY = {
    ".parquet": "Parquet",
    ".arrow": "Arrow",
    ".feather": "Feather",
    ".mat": "MATLAB",
    ".npy": "NumPy",
    ".npz": "NumPy",
    ".h5": "HDF5",
    ".hdf5": "HDF5",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".tfrecord": "TFRecord",
    ".tfrecords": "TFRecord",
    ".tfrec": "TFRecord",
    ".record": "TFRecord",
    ".rec": "RecordIO",
    ".mdb": "LMDB",
    ".xls": "Excel",
    ".xlsx": "Excel",
    ".ods": "OpenDocument",
    ".shp": "Shapefile",
    ".gpkg": "GeoPackage",
    ".nii": "NIfTI",
    ".nrrd": "NRRD",
    ".mha": "MetaImage",
    ".flo": "optical flow",
    ".pfm": "PFM",
    ".exr": "OpenEXR",
    ".db": "SQLite",
    ".sqlite": "SQLite",
    ".sqlite3": "SQLite",
}
TEXT = frozenset(
    {".json", ".jsonl", ".ndjson", ".geojson", ".xml", ".csv", ".tsv", ".txt", ".yaml", ".yml"}
    | {
        ".lst",
        ".list",
        ".pbtxt",
        ".pts",
        ".ann",
        ".lbl",
        ".label",
        ".gt",
        ".kml",
        ".caption",
        ".captions",
        ".cap",
        ".prompt",
        ".tags",
        ".cls",
        ".odgt",
        ".manifest",
        ".dat",
        ".toml",
        ".rect",
        ".rects",
        ".lines",
        ".kpts",
        ".face",
    }
    | {".box", ".bbox", ".boxes", ".points", ".lmk", ".landmarks", ".roi", ".asf", ".poly"}
)
_TABLES = {".csv", ".tsv"}
_JSON = {".json", ".jsonl", ".ndjson", ".geojson", ".odgt", ".manifest"}


@dataclass(frozen=True)
class Signature:
    """What a file looks like.

    Attributes:
        title: for people, as in "looks like LabelMe JSON".
        format: the dataset format that reads such files, if one of that name is installed; "" for none.
        per_image: each such file describes the one image that has its name.
    """

    title: str
    format: str = ""
    per_image: bool = False


YOLO = Signature("YOLO labels", "yolo", per_image=True)
VOC = Signature("Pascal VOC XML", "voc", per_image=True)

# All of these keys are in the file; the first row that fits wins.
_JSON_KEYS: tuple[tuple[frozenset[str], Signature], ...] = tuple(
    (frozenset(keys.split()), signature)
    for keys, signature in (
        ("shapes imagePath", Signature("LabelMe JSON", "labelme", per_image=True)),
        ("shapes imageData", Signature("LabelMe JSON", "labelme", per_image=True)),
        ("imgHeight imgWidth objects", Signature("Cityscapes polygons in JSON", per_image=True)),
        ("classTitle objects", Signature("Supervisely JSON", "supervisely", per_image=True)),
        ("_via_img_metadata", Signature("VGG Image Annotator JSON", "via")),
        ("region_attributes shape_attributes", Signature("VGG Image Annotator JSON", "via")),
        ("source_sha256 engine", Signature("")),  # the manifest of a run of ours, which is no label
        ("segments_info annotations", Signature("COCO panoptic JSON", "coco")),
        ("images annotations image_id", Signature("COCO JSON", "coco")),
        ("images annotations categories", Signature("COCO JSON", "coco")),
        ("images file_name", Signature("COCO JSON", "coco")),  # of a large file, what follows the images is not seen
        ("image annotations coordinates", Signature("CreateML JSON", "createml")),
        ("image_id category_id bbox", Signature("COCO annotations or detections", "coco")),
        ("from_name to_name", Signature("Label Studio JSON")),
        ("data_row", Signature("Labelbox JSON")),
        ("Labeled Data", Signature("Labelbox JSON")),
        ("box2d", Signature("BDD100K or Scalabel JSON")),
        ("poly2d", Signature("BDD100K or Scalabel JSON")),
        ("items categories infos", Signature("Datumaro JSON")),
        ("source-ref", Signature("SageMaker Ground Truth JSON lines")),
        ("bounding_box annotations", Signature("Darwin JSON", per_image=True)),
        ("features geometry", Signature("GeoJSON")),
    )
)
# Of any other file, one of them.
_PLACE_KEYS = frozenset(
    {"bbox", "bboxes", "bndbox", "box", "boxes", "boundingBox", "boundingPoly", "bounding_box", "bounding_boxes"}
    | {"gtboxes", "polygon", "polygons", "segmentation", "contour", "rle", "keypoints", "landmarks", "joints"}
    | {"xmin", "xMin", "x_min", "x1", "regions", "objects"}
)
_JSON_OF_BOXES = Signature("JSON of boxes or outlines")
_VIDEO = Signature("CVAT XML of a video")
_XML_OF_BOXES = Signature("XML of boxes or outlines")
CAPTIONS = Signature("captions", per_image=True)
_TEXT_IN_BOXES = Signature("boxes with text, as ICDAR has them", per_image=True)
_PLACE_TAGS = ("<bndbox", "<box", "<polygon", "<taggedRectangle", "<xmin")
_XML_ROOTS = {
    "annotation": VOC,
    "annotations": Signature("CVAT XML", "cvat"),
    "dataset": Signature("dlib XML"),
    "pcgts": Signature("PAGE XML", per_image=True),
    "alto": Signature("ALTO XML", per_image=True),
}
_XML_PARTS = {  # one of them is in the file
    "annotation": ("<object", "<filename", "<size"),
    "annotations": ("<image",),
    "dataset": ("<image",),
}
_COLUMNS: tuple[tuple[frozenset[str], Signature], ...] = tuple(
    (frozenset(columns.split()), signature)
    for columns, signature in (
        ("region_shape_attributes", Signature("VGG Image Annotator CSV", "via")),
        ("filename xmin ymin xmax ymax", Signature("a CSV of boxes as Roboflow and TensorFlow write it", "csv")),
        ("imageid labelname", Signature("Open Images CSV")),
        ("encodedpixels", Signature("a CSV of run lengths")),
        ("xmin ymin xmax ymax", Signature("a CSV of boxes")),
        ("file_name", Signature("ImageFolder metadata", "imagefolder")),
    )
)
_LABEL_COLUMNS = {"label", "labels", "class", "classes", "category", "target", "bbox", "box", "tags", "annotation"}
_KEY = re.compile(r'"([^"\\\n]{1,64})"\s*:')
_ROOT = re.compile(r"<([A-Za-z][\w.-]*(?::[\w.-]+)?)[\s/>]")


def signature_of(name: str, text: str) -> Signature | None:
    """What a text file looks like.

    Args:
        name: its path; the ending says how it is looked at.
        text: its first `HEAD_BYTES` as text.

    Returns:
        None if nothing that is known; a signature without a title for a file that is known not to hold labels.

    Example:
        >>> signature_of("a.json", '{"version": "5.4", "shapes": [], "imagePath": "a.jpg"}').title
        'LabelMe JSON'
        >>> signature_of("a.csv", "id;text\\n1;hello") is None
        True
    """
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in TEXT:  # the content says what the name does not
        suffix = {"<": ".xml", "{": ".json", "[": ".json"}.get(text.lstrip("\ufeff \t\r\n")[:1], suffix)
    if suffix in _JSON:
        keys = set(_KEY.findall(text))
        known = next((signature for wanted, signature in _JSON_KEYS if wanted <= keys), None)
        return _JSON_OF_BOXES if known is None and keys & _PLACE_KEYS else known
    if suffix == ".xml":
        return _xml(text)
    if suffix in _TABLES:
        return _table(text)
    if suffix == ".txt":
        return _text(text)
    return None


def _xml(text: str) -> Signature | None:
    root = _ROOT.search(text)
    name = root[1].rpartition(":")[2].lower() if root else ""
    if name in _XML_ROOTS and any(part in text for part in _XML_PARTS.get(name, ("",))):
        return _XML_ROOTS[name]
    if name == "annotations" and "<track" in text:
        return _VIDEO
    return _XML_OF_BOXES if name != "svg" and any(tag in text for tag in _PLACE_TAGS) else None


def _table(text: str) -> Signature | None:
    head = text.lstrip("\ufeff").split("\n", 1)[0].lower()
    columns = {column.strip(" \"'\r") for column in re.split(r"[,;\t|]", head)}
    for wanted, signature in _COLUMNS:
        if wanted <= columns:
            return signature
    return Signature("a table of labels") if columns & _LABEL_COLUMNS else None


def _text(text: str) -> Signature | None:
    lines = [line.split() for line in text.splitlines()[:20] if line.strip()]
    if looks_like_yolo("\n".join(" ".join(words) for words in lines)):
        return YOLO
    if lines and all(len(words) == 15 and _all_numbers(words[1:]) for words in lines):
        return Signature("KITTI labels", per_image=True)
    lines = [words for words in lines if ":" not in words[0]]  # DOTA begins with "imagesource:..."
    if lines and all(len(words) in {9, 10} and _all_numbers(words[:8]) for words in lines):
        return Signature("DOTA labels", "dota", per_image=True)
    cells = [[cell.strip("\ufeff\"'") for word in words for cell in word.split(",") if cell] for words in lines]
    if cells and all(len(row) > (1 if len(cells) > 1 else 3) and _all_numbers(row) for row in cells):
        return Signature("tables of numbers, which may hold labels")
    if cells and all(len(row) > 4 and _all_numbers(row[:4]) for row in cells):
        return _TEXT_IN_BOXES
    return None


def looks_like_caption(text: str) -> bool:
    """Whether the text beside an image describes it in words.

    Example:
        >>> looks_like_caption("a photo of a dog, sitting"), looks_like_caption("dog 0.5 0.5 0.1 0.2")
        (True, False)
    """
    words = re.split(r"[\s,]+", text.strip())
    return sum(any(map(str.isalpha, word)) for word in words) > 0.8 * len(words) and not text.lstrip().startswith(
        ("{", "[", "<")
    )


def _all_numbers(words: list[str]) -> bool:
    try:
        return all(map(float, words)) or True
    except ValueError:
        return False


class ImageNames:
    """Finds the images of a set that a text names.

    Args:
        paths: the relative paths of all images.

    Example:
        >>> names = ImageNames(["cats/a.jpg", "cats/b.jpg"])
        >>> names.named_in("file,label\\na.jpg,1\\n"), names.named_in("nothing here")
        (True, False)
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._names = {_last_part(path) for path in paths}
        stems = {PurePosixPath(name).stem for name in self._names}
        # A text of numbers would name "7.jpg" by chance.
        self._stems = {stem for stem in stems if len(stem) > 2 and not (stem.isdigit() and len(stem) < 4)}
        self._fewest = min(3, len(self._names))

    def named_in(self, text: str) -> bool:
        """Whether a text has the file name of an image, or several without their endings."""
        stems: set[str] = set()
        for word in _words(text):
            if word in self._names:
                return True
            if word in self._stems:
                stems.add(word)
        return len(stems) >= self._fewest

    def listed_in(self, text: str) -> bool:
        """Whether most lines of a text are the name of an image each."""
        lines = [_last_part(line.strip()) for line in text.splitlines()[:100] if line.strip()]
        return bool(lines) and 2 * sum(line in self._names or line in self._stems for line in lines) > len(lines)


def _words(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if words := line.split():
            yield _last_part(words[0])
        for part in re.split(r'["<>,;\t|=\[\]{}]|: ', line):
            if part.strip():
                yield _last_part(part.strip().strip("'"))


def _last_part(path: str) -> str:
    return name_key(path.replace("\\", "/").rsplit("/", 1)[-1]).casefold()


def image_stem(name: PurePosixPath) -> str:
    """The name of the image that a label file may be of: "a.jpg.json", "a.gt.txt" and "a.json" are of "a"."""
    inner = PurePosixPath(name.stem)
    doubled = inner.suffix.lower() in {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".gt", ".ann", ".box"}
    return name_key(inner.stem if doubled else name.stem)


def head_of(entry: Entry) -> str:
    """The first `HEAD_BYTES` of a label file as text; "" if it cannot be read."""
    try:
        with entry.open() as stream:
            data = stream.read(HEAD_BYTES)
    except (LabelError, OSError):
        return ""
    except Exception:  # zlib.error, BadZipFile, EOFError of a broken ZIP
        return ""
    return data.decode("utf-16" if data[:2] in _UTF_16_MARKS else "utf-8-sig", "replace")
