"""How long one variation takes on one thread: `python -m benchmarks.worth.speed IMAGE [--side 1280]`.

The changes of colour as they are here, and the local GAN, both without decoding and encoding.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from augmentai.engines.gan.painting import paint, prepare
from augmentai.gan.runtime.network import load
from augmentai.images import Photo
from augmentai.settings import load_settings
from benchmarks.worth.techniques import VARIATIONS, techniques


def seconds_each(image: Image.Image) -> dict[str, float]:
    """CPU seconds for a variation, by technique; of the GAN with its share of encoding the source.

    Example:
        >>> "local GAN" in seconds_each(Image.new("RGB", (64, 64), (90, 120, 60)))
        True
    """
    import torch

    torch.set_num_threads(1)
    network = load(load_settings().gan_weights)
    photo = Photo(image, "PNG", "RGB")

    def by_gan() -> None:
        source = prepare(photo, network)
        for number in range(VARIATIONS):
            paint(source, network.bank[number][None], network, 1.0, number)

    found = {"local GAN": _seconds(by_gan)}
    for one in techniques("colour"):
        if (change := one.change) is not None:

            def by_function(change: Callable[..., Image.Image] = change) -> None:
                for number in range(VARIATIONS):
                    change(image, image, np.random.default_rng(number))

            found[one.name] = _seconds(by_function)
    return found


def _seconds(action: Callable[[], None]) -> float:
    action()  # the first time loads what it needs
    started = time.process_time()
    action()
    return (time.process_time() - started) / VARIATIONS


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("image", type=Path)
    parser.add_argument("--side", type=int, default=1280, help="longer side in pixels")
    args = parser.parse_args(arguments)
    with Image.open(args.image) as opened:
        image = opened.convert("RGB")
    factor = args.side / max(image.size)
    image = image.resize((round(image.width * factor), round(image.height * factor)))
    for name, seconds in seconds_each(image).items():
        print(f"{name}: {seconds:.3f} s at {image.width}x{image.height}")


if __name__ == "__main__":
    main()
