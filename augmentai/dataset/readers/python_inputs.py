"""Turns what Python programs have in memory into sources: images, arrays, bytes, (image, label) pairs, datasets.

Nothing is copied: a source keeps a reference to the caller's object and encodes it when its turn comes, as PNG, or
as TIFF if PNG cannot hold its values.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.dataset.formats.label_values import is_whole
from augmentai.storage import Store, is_url
from augmentai.storage.places import from_home, to_place
from augmentai.system.regular_files import read_regular
from augmentai.types import Source

if TYPE_CHECKING:
    from PIL.Image import Image

ACCEPTED = (
    "paths and URLs of files, folders and ZIPs, PIL images, NumPy arrays (H, W) or (H, W, C), encoded image bytes, "
    "torch tensors (C, H, W), (image, label) pairs, Source objects, a list of these, a datasets.Dataset or a torch "
    "Dataset"
)
Input = str | os.PathLike[str] | Source | Store

_SUFFIXES = {"JPEG": ".jpg", "WEBP": ".webp", "TIFF": ".tif", "GIF": ".gif", "BMP": ".bmp", "AVIF": ".avif"}
_STORED_MODES = {"1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "F"}
_BYTE_ORDERS = {"I;16B", "I;16L", "I;16N"}
_WITH_ALPHA = {"La": "LA", "PA": "RGBA", "RGBa": "RGBA"}
_ARRAY_CHANNELS = {1, 2, 3, 4}
_DATASETS_IMAGE_COLUMNS = ("image", "img", "pixel_values")
_DATASETS_LABEL_COLUMNS = ("label", "labels", "class", "fine_label")


def to_inputs(inputs: Any) -> list[Input]:
    """Whatever a caller passes, as paths and sources for `gather`.

    Args:
        inputs: one or several of: a path or URL; a PIL image; a NumPy array, (H, W) or (H, W, 1 to 4), of bool, uint8,
            uint16 or floats from 0 to 1; a torch tensor (C, H, W) of the same kinds; the bytes of an image file; a pair
            of any of these and its label (text, a number or None); a `Source`; a `datasets.Dataset`; a torch `Dataset`.

    Returns:
        Paths, stores and sources. Unlabelled images are called image_000001.png, labelled ones cats/image_000001.png.

    Raises:
        TypeError: anything else; the message says what was found and what is accepted.
        StorageError: the driver of a URL is not installed.

    Example:
        >>> import numpy as np
        >>> to_inputs([(np.zeros((4, 6, 3), np.uint8), "cats")])[0].path
        'cats/image_000001.png'
    """
    if _is_hub_dataset(inputs):
        return list(_from_hub_dataset(inputs))
    if _is_torch_dataset(inputs):
        return list(_from_torch_dataset(inputs))
    if _is_image(inputs) or isinstance(inputs, str | os.PathLike | Source | Store) or _is_image_pair(inputs):
        inputs = [inputs]
    elif isinstance(inputs, dict) or not isinstance(inputs, Iterable):
        raise TypeError(f"found {_kind(inputs)}; expected {ACCEPTED}")
    return [_one(item, number) for number, item in enumerate(inputs, 1)]


def _one(item: Any, number: int) -> Input:
    if isinstance(item, Source | Store):
        return item
    if isinstance(item, str | os.PathLike):
        return to_place(item) if is_url(item) else from_home(item)
    if isinstance(item, tuple) and len(item) == 2:
        return _labelled(item[0], item[1], number)
    if _is_image(item):
        return _source(item, None, number)
    raise TypeError(f"item {number} is {_kind(item)}; expected {ACCEPTED}")


def _labelled(image: Any, label: Any, number: int) -> Source:
    text = label_text(label, number)
    if isinstance(image, str | os.PathLike):
        place = to_place(image)
        if isinstance(place, Store):
            return _named(place.read, PurePosixPath(place.url).name, text)
        return _named(partial(read_regular, place), place.name, text)
    if not _is_image(image):
        raise TypeError(f"item {number} is a pair of {_kind(image)} and a label; expected an image and its label")
    return _source(image, text, number)


def label_text(label: Any, number: int = 1) -> str | None:
    """A label as the name of its class. Raises TypeError if it is neither text, nor a number, nor None."""
    if label is None or isinstance(label, str):
        return str(label) if label else None  # NumPy's text is a plain one from here on
    if hasattr(label, "item") and getattr(label, "ndim", 0) == 0:  # NumPy's and torch's own numbers
        label = label.item()
    if isinstance(label, int) and not isinstance(label, bool):
        return str(label)
    raise TypeError(f"the label of item {number} is {_kind(label)}; expected text, a whole number or None")


def _source(image: Any, label: str | None, number: int) -> Source:
    if isinstance(image, bytes | bytearray | memoryview):
        data = bytes(image)
        return _named(lambda: data, f"image_{number:06d}{_suffix(data)}", label)
    check_image(image, f"item {number}")
    suffix = ".tif" if _is_pil(image) and _is_deep(image) else ".png"
    return _named(_EncodedImage(image), f"image_{number:06d}{suffix}", label)


def _named(read: Callable[[], bytes], name: str, label: str | None) -> Source:
    """Reads the bytes once, for their hash."""
    data = _bytes_of(read)
    folder = "" if label is None else _folder_of(label) + "/"
    return Source(folder + name, label, hashlib.sha256(data).hexdigest(), len(data), read)


def _bytes_of(read: Callable[[], bytes]) -> bytes:
    """What is read; nothing if that fails, which is reported for this image alone when it is read again."""
    try:
        return read()
    except Exception:  # Pillow raises almost anything for a file that is truncated or closed by now
        return b""


def _folder_of(label: str) -> str:
    """The folder of a class. A label of dots alone would be the folder itself, or lead out of it."""
    folder = re.sub(r"[\\/]+", "_", label)
    return folder if folder.strip(".") else folder.replace(".", "_")


def _suffix(data: bytes) -> str:
    from augmentai.images.file_types import HEAD_BYTES, detect_type

    return _SUFFIXES.get(detect_type(data[:HEAD_BYTES]) or "", ".png")


@dataclass(frozen=True)
class _EncodedImage:
    """An image in memory that is encoded when it is read. The caller's object is not copied."""

    image: Any

    def __call__(self) -> bytes:
        buffer = io.BytesIO()
        image = _as_pil(self.image)
        if _is_deep(image):
            image.save(buffer, "TIFF")
        else:
            stored = image.convert("I;16") if image.mode == "I" else image
            stored.save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()


def _is_image(value: Any) -> bool:
    return isinstance(value, bytes | bytearray | memoryview) or _is_pil(value) or _is_array(value) or _is_tensor(value)


def _is_image_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and _is_image(value[0]) and not _is_image(value[1])


def _is_pil(value: Any) -> bool:
    from PIL import Image

    return isinstance(value, Image.Image)


def _is_array(value: Any) -> bool:
    import numpy as np

    return isinstance(value, np.ndarray)


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")  # a caller who has a tensor has imported it
    return torch is not None and isinstance(value, torch.Tensor)


def check_image(image: Any, what: str) -> None:
    """Raise TypeError if an array cannot be an image: its shape, its kind of numbers, or their range."""
    if _is_pil(image):
        return
    import numpy as np

    array = image.detach().cpu().numpy() if _is_tensor(image) else image
    channels = array.shape[0 if _is_tensor(image) else -1] if array.ndim == 3 else 1
    if array.ndim not in {2, 3} or channels not in _ARRAY_CHANNELS or 0 in array.shape:
        layout = "(C, H, W)" if _is_tensor(image) else "(H, W) or (H, W, C)"
        raise TypeError(f"{what} has the shape {tuple(array.shape)}; expected {layout} with 1 to 4 channels")
    if array.dtype in (np.bool_, np.uint8) or (array.dtype == np.uint16 and channels == 1):
        return
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"{what} holds {array.dtype}; expected bool, uint8, uint16 with one channel, or floats 0 to 1")
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
        low, high = array.min(), array.max()
        raise TypeError(f"{what} holds floats from {low:.3g} to {high:.3g}; expected 0 to 1 (or convert it to uint8)")


def _as_pil(image: Any) -> Image:
    """Any image in memory as a PIL image of a mode that PNG or TIFF can hold."""
    import numpy as np
    from PIL import Image

    if _is_pil(image):
        if image.mode in _BYTE_ORDERS:
            return Image.fromarray(np.asarray(image).astype(np.uint16))
        return image if image.mode in _STORED_MODES else image.convert(_WITH_ALPHA.get(image.mode, "RGB"))
    check_image(image, "the image")
    array = image.detach().cpu().numpy() if _is_tensor(image) else image
    if _is_tensor(image) and array.ndim == 3:
        array = array.transpose(1, 2, 0)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if np.issubdtype(array.dtype, np.floating):
        array = np.rint(array * 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(array))


def _is_deep(image: Image) -> bool:
    """Whether it holds values that PNG cannot: floats, or whole numbers beyond 16 bits."""
    if image.mode != "I":
        return image.mode == "F"
    try:
        low, high = image.getextrema()
    except Exception:  # it cannot be read, which is reported when it is encoded
        return False
    return bool(low < 0 or high > 65535)  # type: ignore[operator]  # of one channel: two numbers


def _is_hub_dataset(value: Any) -> bool:
    datasets = sys.modules.get("datasets")
    return datasets is not None and isinstance(value, datasets.Dataset | datasets.DatasetDict)


def _from_hub_dataset(dataset: Any) -> Iterator[Source]:
    """A `datasets.Dataset`, image by image; the splits of a DatasetDict are one set, each under its own name."""
    datasets = sys.modules["datasets"]
    if isinstance(dataset, datasets.DatasetDict):
        raise TypeError(f"found a DatasetDict; choose one of its splits: {', '.join(map(str, dataset))}")
    features = dataset.features
    image_column = next((name for name in _columns(features, datasets.Image, _DATASETS_IMAGE_COLUMNS)), None)
    if image_column is None:
        raise TypeError(f"the dataset has no column of images; its columns are {', '.join(features)}")
    label_column = next((name for name in _columns(features, datasets.ClassLabel, _DATASETS_LABEL_COLUMNS)), None)
    names = getattr(features.get(label_column), "names", None) if label_column else None
    undecoded = dataset.with_format(None).cast_column(image_column, datasets.Image(decode=False))
    for number in range(len(dataset)):
        row = undecoded[number]
        label = row.get(label_column) if label_column else None
        if names and isinstance(label, int):
            label = names[label] if 0 <= label < len(names) else None
        fetch = _HubImage(undecoded, number, image_column)
        yield _named(fetch, f"image_{number + 1:06d}{_suffix(_bytes_of(fetch))}", label_text(label, number + 1))


def _columns(features: Any, kind: type, usual: Sequence[str]) -> list[str]:
    """Columns of one kind, or else of a usual name."""
    return [name for name in features if isinstance(features[name], kind)] or [n for n in usual if n in features]


@dataclass(frozen=True)
class _HubImage:
    dataset: Any
    number: int
    column: str

    def __call__(self) -> bytes:
        cell = self.dataset[self.number][self.column]
        if cell is None:
            raise ValueError("the row has no image")
        if isinstance(cell, dict):
            return cell["bytes"] if cell.get("bytes") is not None else read_regular(cell["path"])
        return _EncodedImage(cell)()


def _is_torch_dataset(value: Any) -> bool:
    data = sys.modules.get("torch.utils.data")
    return data is not None and isinstance(value, data.Dataset)


def _from_torch_dataset(dataset: Any) -> Iterator[Source]:
    """A map-style torch Dataset of images or (image, label) pairs; `classes`, if it has them, name the labels."""
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise TypeError("found an iterable torch Dataset; expected one with __len__ and __getitem__")
    classes = _classes_of(dataset)
    for number in range(len(dataset)):
        try:
            item = dataset[number]
        except Exception:  # the caller's own code; reported for this image alone when it is read again
            yield _named(_TorchImage(dataset, number), f"image_{number + 1:06d}.png", None)
            continue
        label = label_text(item[1], number + 1) if isinstance(item, tuple | list) and len(item) >= 2 else None
        if classes and label is not None and is_whole(label) and int(label) < len(classes):
            label = str(classes[int(label)])
        image = item[0] if isinstance(item, tuple | list) else item
        if not _is_image(image):
            raise TypeError(f"item {number} of the dataset is {_kind(image)}; expected an image or (image, label)")
        yield _named(_TorchImage(dataset, number), f"image_{number + 1:06d}.png", label)


def _classes_of(dataset: Any) -> Any:
    """The names of its classes; a Subset has those of the dataset that it is of, as have several of the same."""
    if (classes := getattr(dataset, "classes", None)) is not None:
        return classes
    if hasattr(dataset, "dataset"):
        return _classes_of(dataset.dataset)
    several = [_classes_of(one) for one in getattr(dataset, "datasets", ())]
    return several[0] if several and all(one == several[0] for one in several) else None


@dataclass(frozen=True)
class _TorchImage:
    dataset: Any
    number: int

    def __call__(self) -> bytes:
        item = self.dataset[self.number]
        image = item[0] if isinstance(item, tuple | list) else item
        return bytes(image) if isinstance(image, bytes | bytearray) else _EncodedImage(image)()


def _kind(value: Any) -> str:
    """What a value is, in words short enough for a message."""
    name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return f"{name} {value!r:.60}" if isinstance(value, int | float | str | bool) or value is None else name
