"""Which TIFFs have pixels that nothing here can hold: they are refused, before colours are dropped in silence."""

from __future__ import annotations

from typing import IO

from PIL import TiffImagePlugin

from augmentai.images.photo import ImageError

_BITS, _PHOTOMETRIC, _SAMPLES, _PLANES, _EXTRA, _SAMPLE_FORMAT = 258, 262, 277, 284, 338, 339
_SEPARATE = 2
_COLOUR_BANDS = {0: 1, 1: 1, 2: 3, 3: 1, 4: 1, 5: 4, 6: 3, 8: 3}  # by photometric interpretation
_COLOURS = {1: "grey", 3: "colour", 4: "CMYK"}
_ALPHA = {1, 2}  # in ExtraSamples: premultiplied, and not
_FLOAT = 3
_BIG_TIFF = 43


def refuse_bands(stream: IO[bytes]) -> None:
    """Refuse a TIFF with bands that are neither colour nor transparency, or with values that are not read.

    Satellites and microscopes make them: near infrared behind red, green and blue, thirteen bands, four stains.

    Args:
        stream: The file, seekable; read from its beginning.

    Raises:
        ImageError: It is such a TIFF; the message says what was found and what to do.
    """
    tags = _first_page(stream)
    if tags is None:
        return
    samples, kinds = _number(tags, _SAMPLES, 1), tags.get(_EXTRA, ())
    colours = _COLOUR_BANDS.get(_number(tags, _PHOTOMETRIC, 1))
    extra = samples - colours if colours is not None else 0
    is_alpha = extra == 1 and len(kinds) == 1 and kinds[0] in _ALPHA
    if colours is not None and extra > 0 and not is_alpha:
        more = f"{extra} more that {'is' if extra == 1 else 'are'} not transparency"
        raise ImageError(
            f"{samples} bands per pixel ({_COLOURS[colours]} and {more}); only grey, RGB and RGBA are augmented, so "
            "that no band is lost; export RGB, such as with `gdal_translate -b 1 -b 2 -b 3 -co PHOTOMETRIC=RGB`"
        )
    bits = max(tags.get(_BITS, (1,)))
    if bits > 8 and samples > 1 and tags.get(_PLANES) == _SEPARATE:
        # Pillow takes each of the two bytes for a value.
        advice = "save it with the channels of each pixel together, as `gdal_translate -co INTERLEAVE=PIXEL` does"
        raise ImageError(f"{bits}-bit colour in separate planes cannot be read; {advice}")
    if _FLOAT in tags.get(_SAMPLE_FORMAT, ()) and (samples > 1 or bits > 32):
        what = "64-bit floats" if bits > 32 else "floating-point colour"
        raise ImageError(f"{what} cannot be read; export it as 8-bit RGB, or each band as 32-bit grey")


def _first_page(stream: IO[bytes]) -> TiffImagePlugin.ImageFileDirectory_v2 | None:
    """The tags of the first page; None if they cannot be read, which the decoder reports."""
    try:
        stream.seek(0)
        header = stream.read(8)
        if _BIG_TIFF in header[2:4]:
            header += stream.read(8)
        tags = TiffImagePlugin.ImageFileDirectory_v2(header)
        stream.seek(tags.next)
        tags.load(stream)
        return tags
    except MemoryError:
        raise
    except Exception:
        return None


def _number(tags: TiffImagePlugin.ImageFileDirectory_v2, tag: int, default: int) -> int:
    value = tags.get(tag, default)
    return value if isinstance(value, int) else default
