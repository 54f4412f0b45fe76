"""Sample sheet: `python -m augmentai.gan.sample_sheet PHOTO... --out sheet.jpg [--weights FILE]`.

Sources down the side, donors along the top, and each source in each donor's style at full strength between, carried
out as the app does it, but without the light that the app puts each variation into: it shows the styles themselves.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageOps

from augmentai.gan import weights_file as store
from augmentai.gan.network import Generator
from augmentai.gan.render import apply_full_size, blurred_base, protect_backgrounds, thumbnail, to_image, to_pixels

TILE_WH = (160, 128)


@torch.inference_mode()
def swaps(
    generator: Generator, sources: Sequence[Image.Image], donors: Sequence[Image.Image], device: str
) -> Image.Image:
    """Pictures of any size, cut to tiles of 160 x 128; one row for each source and one column for each donor."""
    rows, columns = [_tile(picture) for picture in sources], [_tile(picture) for picture in donors]
    styles = [generator.encode(thumbnail(picture).to(device))[1] for picture in columns]
    width, height = TILE_WH
    sheet = Image.new("RGB", (width * (1 + len(columns)), height * (1 + len(rows))), "white")
    for place, picture in enumerate(columns, 1):
        sheet.paste(picture, (width * place, 0))
    for row, picture in enumerate(rows, 1):
        content, own = generator.encode(thumbnail(picture).to(device))
        pixels = to_pixels(picture)
        plain = blurred_base(pixels)
        sheet.paste(picture, (0, height * row))
        for column, style in enumerate(styles, 1):
            change = generator.change(content, own, style)[0].cpu()
            made = apply_full_size(pixels, protect_backgrounds(change, pixels), 1.0, plain)
            sheet.paste(to_image(made), (width * column, height * row))
    return sheet


def _tile(picture: Image.Image) -> Image.Image:
    return ImageOps.fit(picture.convert("RGB"), TILE_WH, Image.Resampling.LANCZOS)


def main(words: list[str] | None = None) -> None:
    from augmentai.settings import DEFAULT_WEIGHTS

    parser = argparse.ArgumentParser(
        prog="python -m augmentai.gan.sample_sheet", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("photos", type=Path, nargs="+", help="each is a source and a donor")
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS)
    parser.add_argument("--out", type=Path, default=Path("sheet.jpg"))
    args = parser.parse_args(words)
    pictures = [ImageOps.exif_transpose(Image.open(path)) for path in args.photos]
    swaps(store.load(args.weights).generator, pictures, pictures, "cpu").save(args.out, quality=90)


if __name__ == "__main__":
    main()
