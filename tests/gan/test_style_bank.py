"""The style bank chosen from photos."""

from __future__ import annotations

from pathlib import Path

import torch

from augmentai.gan import weights_file
from augmentai.gan.data import Photos
from augmentai.gan.style_bank import color_casts, style_bank
from augmentai.settings import DEFAULT_WEIGHTS


def test_styles_are_apart_and_have_no_strong_cast(photos: Path) -> None:
    generator = weights_file.load(DEFAULT_WEIGHTS).generator
    photos_read = Photos([photos])
    bank = style_bank(generator, photos_read, "cpu", size=6)
    assert bank.shape == (6, 64)
    distances = torch.cdist(bank, bank) + torch.eye(len(bank)) * 1e9
    assert float(distances.min()) > 0.1
    assert torch.equal(bank, style_bank(generator, photos_read, "cpu", size=6))


def test_a_style_of_one_colour_has_the_stronger_cast(photos: Path) -> None:
    generator = weights_file.load(DEFAULT_WEIGHTS).generator
    gray = torch.linspace(0.2, 0.8, 96).expand(1, 3, 96, 96)
    red = gray * torch.tensor([1.0, 0.2, 0.2]).view(1, 3, 1, 1)
    styles = torch.cat([generator.encode(image)[1] for image in (gray, red)])
    plain, tinted = color_casts(generator, styles, Photos([photos]), "cpu").tolist()
    assert tinted > plain + 0.02
