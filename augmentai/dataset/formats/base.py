"""The dataset format protocol: what a format states, how it reads a set of files, and what writes a set in it.

A format is one frozen object. Its `detect` looks at the file names of a set (and into a few label files) and returns a
`Layout` if the set is in this format: what is known of each image before it is opened, and how the set is written again
with its variations. Its `writer` makes a `LabelWriter` that writes any labelled set in this format; without one the
format is read but cannot be converted to.

A package adds a format with three lines in its pyproject.toml:

    [project.entry-points."augmentai.formats"]
    my_format = "my_package:FORMAT"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from augmentai.annotations import LabelReader, Labels
from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.keypoint_order import Skeleton
from augmentai.types import Failure, Source

if TYPE_CHECKING:
    from augmentai.dataset.formats.masks.mask_file import MaskFile
    from augmentai.dataset.image_rows import ImageRows

OutputFile = tuple[str, bytes]  # relative path, content
StreamedFiles = Iterator[tuple[str, Iterable[bytes]]]  # relative path, content in pieces
ImageKey = tuple[str, str]  # relative path, and the ZIP it is in or ""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What a layout knows of one image before it is opened; the fields of `Source` of the same names."""

    label: str | None = None
    split: str | None = None
    labels: LabelReader | None = None


@dataclass(frozen=True)
class PackedLabels:
    """The labels of one image, as a process finds them that knows nothing else of the set.

    Attributes:
        files: those that hold them, none of which says anything of another image.
        shared: what else is needed to read them, the same for many images; JSON can hold it.
        own: what else is known of this image alone; JSON can hold it.
    """

    files: tuple[Entry, ...]
    shared: Mapping[str, Any] = field(default_factory=dict)
    own: Any = None


class LabelWriter(Protocol):
    """Writes labels in one format. Every method depends on its arguments alone, so a resumed run writes the same files.

    Attributes:
        losses: what the format cannot hold, in words for the user, each once; grows while labels are written.
    """

    losses: dict[str, None]

    def image_path(self, source: Source) -> str:
        """The relative path of a source's image in the written set; its variations go beside it.

        Args:
            source: any image of the set.
        """
        ...

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        """The label files of one image alone.

        Args:
            source: the image, or the source of the variation.
            file: the relative path that the image has in the written set.
            labels: what is labelled in it, in pixels of this image; None if nothing is known of it.
            size_wh: the image's width and height in pixels.
        """
        ...

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        """What `dataset_files` needs to know about one image; it is stored in the manifest.

        Args:
            source: the image, or the source of the variation.
            labels: what is labelled in it, in pixels of this image; None if nothing is known of it.
            size_wh: the image's width and height in pixels.

        Returns:
            Anything that JSON can hold; None if nothing is needed.
        """
        ...

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        """The files that describe the whole set (data.yaml, lists of images, COCO's JSON), once all images are made.

        Args:
            rows: every image of the finished set.

        Yields:
            (relative path, pieces of the content).
        """
        ...


@dataclass(frozen=True)
class Conversion:
    """What writing a set in another format needs to know of the whole set.

    Attributes:
        class_names: every class, in the set's own order if it has one, else sorted.
        by_folder: the labels mark objects without naming them, and the class folder names them.
        shared_folders: how many leading folders all images share; they are not repeated in the written set.
    """

    class_names: tuple[str, ...]
    by_folder: bool
    shared_folders: int


class Layout:
    """A set that was recognised: what is known of its images, and how it is written again in its own format.

    This base class knows images and nothing else; each format adds to it. It is a `LabelWriter` for its own format.

    Attributes:
        name: the format's name; `detect.detect_layout` sets it.
        labelled: it says more about an image than its folder does.
        lists_images: a label file for many images names each image that it labels.
        unnamed_objects: its labels may mark objects without naming their class.
        images: what is known of each image, by (path, ZIP). Cleared once the sources are made.
        excluded: images that are not sources: masks, companion files, images whose labels are broken. Cleared as well.
        orphans: masks that belong to no image; copied unchanged.
        label_paths: paths of the label files that were understood.
        masks: those that were found next to the labels of an image; not those that the format itself knows.
        failures, notices: for the user.
        conversions: what `format_writer.conversion_of` found out, without and with classes, so that a later job over
            some of the sources uses the same class numbers and paths.
    """

    name: str = ""
    labelled: ClassVar[bool] = True
    lists_images: ClassVar[bool] = False
    unnamed_objects: ClassVar[bool] = False

    def __init__(self) -> None:
        self.images: dict[ImageKey, ImageInfo] = {}
        self.excluded: set[ImageKey] = set()
        self.orphans: list[Entry] = []
        self.label_paths: set[str] = set()
        self.masks: dict[ImageKey, tuple[MaskFile, ...]] = {}
        self.failures: list[Failure] = []
        self.notices: list[str] = []
        self.losses: dict[str, None] = {}
        self.conversions: dict[bool, Conversion] = {}

    def class_names(self) -> list[str]:
        """The classes in the set's own order, including those without images; empty if only the labels name them."""
        return []

    def declared_classes(self) -> list[str]:
        """Classes that a file beside the labels names, where `class_names` is empty; the labels may have others."""
        return []

    def skeletons(self) -> Mapping[str, Skeleton]:
        """What the set says of the keypoints of each class that has some."""
        return {}

    def other_fields(self) -> list[str]:
        """What the set says of whole images and of classes that only its own format can hold, by name."""
        return []

    def packed(self, reader: LabelReader) -> PackedLabels | None:
        """What is needed to read the labels of one image without the set; None if that is not enough.

        Args:
            reader: of an image of the set; `Format.part` makes a layout whose `unpacked` makes it again.
        """
        return None

    def unpacked(self, image: Entry, labels: PackedLabels) -> LabelReader:
        """The reader that was packed.

        Args:
            image: the image.
            labels: as `packed` returned them, after JSON held them.
        """
        raise NotImplementedError(f"the format {self.name!r} packs no labels")

    def is_in(self, name: str) -> bool:
        """Whether the set is in a format already, so that nothing is converted to write it.

        Args:
            name: a format, or "same".
        """
        return name in {"same", self.name}

    def own_label_files(self, source: Source) -> list[Entry]:
        """The files that hold the labels of this source alone; they are copied with it, unchanged.

        Args:
            source: any image of the set.
        """
        return []

    def shared_files(self) -> list[Entry]:
        """Files of the whole set that are copied unchanged."""
        return []

    def image_path(self, source: Source) -> str:
        return source.path

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        return []

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        return None

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        yield from ()


@dataclass(frozen=True)
class Format:
    """A dataset format: what it is called, how a set is recognised, and what writes one.

    Attributes:
        name: what recipes, flags and manifests call it ("yolo"); the name it is registered under.
        title: its name for people ("YOLO").
        hint: what a set is recognised by, as it completes "not a YOLO dataset: expected ...".
        detect: called with the files of a set and whether the user asked for this format; returns None if the set is
            not in it. If asked for, it accepts a set that only resembles the format. It raises nothing for broken
            label files: those are failures of the layout.
        writer: called with the layout of a set and all its sources; returns what writes that set in this format. None
            if sets cannot be converted to this format.
        label_suffixes: how the names of its label files end, in lower case with the dot ((".txt", ".yaml")). Files with
            other endings are not collected.
        priority: formats with a higher one are asked first; among equals the built-in ones are. Class folders, which
            fit every set, have -100.
        part: makes a layout without images, which reads packed labels and writes those of single images; None if the
            format packs no labels, see `Layout.packed`.
    """

    name: str
    title: str
    hint: str
    detect: Callable[[Tree, bool], Layout | None] = field(repr=False)
    writer: Callable[[Layout, Sequence[Source]], LabelWriter] | None = field(default=None, repr=False)
    label_suffixes: tuple[str, ...] = ()
    priority: int = 0
    part: Callable[[], Layout] | None = field(default=None, repr=False)
