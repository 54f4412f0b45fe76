"""Which files a pipeline is loaded from."""

from __future__ import annotations

import pytest

from augmentai.engines.diffusion.weight_files import select_files, variant_for


@pytest.mark.parametrize(
    ("half", "expected"),
    [
        (
            True,
            ["unet/m.fp16-00001-of-00002.safetensors", "unet/m.fp16-00002-of-00002.safetensors"],
        ),
        (False, ["unet/m-00001-of-00002.safetensors", "unet/m-00002-of-00002.safetensors"]),
    ],
)
def test_weights_in_several_files(half: bool, expected: list[str]) -> None:
    parts = [f"unet/m{kind}-0000{part}-of-00002.safetensors" for kind in ("", ".fp16") for part in (1, 2)]
    others = ["unet/m.non_ema.safetensors", "unet/sub/x.json", "vae_1_0/config.json", "m.safetensors", "unet/m.bin"]
    indices = ["unet/m.safetensors.index.json", "unet/m.safetensors.index.fp16.json"]
    files = select_files([*parts, *others, *indices, "unet/config.json", "unet/m.bin.index.json"], {"unet"}, half)
    assert files == sorted([*expected, indices[half], "unet/config.json"])
    assert variant_for(files) == ("fp16" if half else None)
