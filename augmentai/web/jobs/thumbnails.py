"""Small images of an upload, as the drop zone shows them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import suppress

from augmentai.annotations import LabelError
from augmentai.dataset.file_names import printable
from augmentai.dataset.file_tree import Entry
from augmentai.images.photo import ImageError
from augmentai.images.preview import encode_for_web, thumbnail
from augmentai.settings import Settings

THUMBNAILS = 12
_SIDE_PX = 144


def thumbnails(images: Sequence[Entry], settings: Settings) -> Iterator[dict[str, str]]:
    """Thumbnails of a few images, spread evenly over all of them."""
    step = max(1.0, len(images) / THUMBNAILS)
    for number in range(min(THUMBNAILS, len(images))):
        image = images[int(number * step)]
        with suppress(ImageError, LabelError):
            data = image.read(settings.max_file_bytes)
            small = thumbnail(data, image.path, settings.max_pixels, _SIDE_PX)
            encoded, ending = encode_for_web(small)
            kind = "jpeg" if ending == "jpg" else ending
            src = f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"
            yield {"name": printable(image.path), "src": src}
