"""Sample sheet: `python -m augmentai.gan.sample_sheet PHOTO... --out sheet.jpg [--weights FILE]`.

Sources down the side, donors along the top, and in between each source in each donor's style at full strength, rendered
as the app does it, but without the random light that the app adds to each variation: it shows the styles themselves.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageOps

from augmentai.gan import weights_file
from augmentai.gan.network import Generator
from augmentai.gan.render import apply_full_size, protect_backgrounds, thumbnail, to_image, to_pixels

TILE_WH = (160, 128)


@torch.inference_mode()
def swaps(
    generator: Generator, sources: Sequence[Image.Image], donors: Sequence[Image.Image], device: str
) -> Image.Image:
    """Render every source in every donor's style.

    Args:
        generator: The network.
        sources: Images of any size, one row each; cropped to tiles of 160 x 128.
        donors: Images of any size, one column each.
        device: Where the network is.

    Returns:
        The sheet.
    """
    rows, columns = [_tile(image) for image in sources], [_tile(image) for image in donors]
    styles = [generator.encode(thumbnail(image).to(device))[1] for image in columns]
    width, height = TILE_WH
    sheet = Image.new("RGB", (width * (1 + len(columns)), height * (1 + len(rows))), "white")
    for column, image in enumerate(columns, 1):
        sheet.paste(image, (width * column, 0))
    for row, image in enumerate(rows, 1):
        content, own = generator.encode(thumbnail(image).to(device))
        pixels = to_pixels(image)
        sheet.paste(image, (0, height * row))
        for column, style in enumerate(styles, 1):
            change = generator.change(content, own, style)[0].cpu()
            made = apply_full_size(pixels, protect_backgrounds(change, pixels), 1.0)
            sheet.paste(to_image(made), (width * column, height * row))
    return sheet


def _tile(image: Image.Image) -> Image.Image:
    return ImageOps.fit(image.convert("RGB"), TILE_WH, Image.Resampling.LANCZOS)


def main(arguments: list[str] | None = None) -> None:
    """Write a sample sheet of the photos named on the command line."""
    from augmentai.settings import DEFAULT_WEIGHTS

    parser = argparse.ArgumentParser(
        prog="python -m augmentai.gan.sample_sheet", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("photos", type=Path, nargs="+", help="each is used both as a source and as a donor")
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS)
    parser.add_argument("--out", type=Path, default=Path("sheet.jpg"))
    args = parser.parse_args(arguments)
    images = [ImageOps.exif_transpose(Image.open(path)) for path in args.photos]
    swaps(weights_file.load(args.weights).generator, images, images, "cpu").save(args.out, quality=90)


if __name__ == "__main__":
    main()
