"""How training images become donors for operations that borrow from them."""

from __future__ import annotations

from augmentai.filters import HoldoutIndex, image_features
from augmentai.filters.holdout import reserved
from augmentai.images import decode
from augmentai.operations import Donor, DonorError
from augmentai.types import Source


def load_donor(source: Source, max_pixels: int, holdout: HoldoutIndex | None, most_bits: int) -> Donor:
    """Decode a training image that lends something.

    Args:
        source: the image.
        max_pixels: larger ones are not decoded.
        holdout: hashes of the validation and test images; None if nothing is compared with them.
        most_bits: how many of 64 bits of these hashes may differ.

    Raises:
        DonorError: it is nearly the same as a validation or test image, which must not get into a training image.
        ImageError, LabelError, OSError: it cannot be read.
    """
    photo = decode(source.read(), source.path, max_pixels)
    if holdout is not None:
        near = holdout.near(image_features(photo.original, photo.black_white), most_bits)
        if near is not None:
            raise DonorError(f"it is nearly the same image as {near[0].path}, which is {reserved(near[0])}")
    labels = None if source.labels is None else source.labels.load()
    return Donor(source.path, source.sha256, source.label, photo, labels)
