"""Networks of transformers as backbones: real architectures with random weights, saved to a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augmentai.backbone import BackboneError, load_backbone

VIT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def dinov2() -> Any:
    from transformers import Dinov2Config, Dinov2Model

    return Dinov2Model(Dinov2Config(**VIT, image_size=56, patch_size=14))


def siglip() -> Any:
    from transformers import SiglipConfig, SiglipModel

    text = {**VIT, "vocab_size": 8, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    return SiglipModel(SiglipConfig(text_config=text, vision_config={**VIT, "image_size": 64, "patch_size": 16}))


def convnext() -> Any:
    from transformers import ConvNextConfig, ConvNextModel

    return ConvNextModel(ConvNextConfig(hidden_sizes=[8, 8, 16, 32], depths=[1, 1, 1, 1]))


def bert() -> Any:
    from transformers import BertConfig, BertModel

    return BertModel(BertConfig(**VIT, vocab_size=8))


def saved(folder: Path, model: Any, side_px: int) -> str:
    model.save_pretrained(folder)
    preprocessing = {"size": {"height": side_px, "width": side_px}, "image_mean": [0.4] * 3, "image_std": [0.2] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing))
    return str(folder)


def noise(count: int, side_px: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, side_px, side_px, 3), np.uint8)


@pytest.mark.parametrize(
    ("build", "side_px"), [(dinov2, 56), (siglip, 64), (convnext, 64)], ids=["DINOv2", "SigLIP", "ConvNeXt"]
)
def test_features_and_cells(tmp_path: Path, build: Callable[[], Any], side_px: int) -> None:
    torch.manual_seed(0)
    backbone = load_backbone(saved(tmp_path, build(), side_px))
    assert (backbone.side_px, backbone.width) == (side_px, 32)
    assert load_backbone(str(tmp_path)) is backbone
    images = noise(3, side_px)
    features = backbone.features(images)
    assert (features.shape, features.dtype) == ((3, 32), np.float32)
    assert features.std(0).max() > 0
    np.testing.assert_allclose(backbone.features(images[1:2])[0], features[1], atol=1e-5)
    assert backbone.features(noise(2, 160)).shape == (2, 32)  # resized to its own size
    assert backbone.cells(noise(2, 64)).shape == (2, 4, 4, 32)
    assert backbone.cells(noise(1, 96)).shape == (1, 6, 6, 32)


def test_patches_stand_where_they_are(tmp_path: Path) -> None:
    """What changes in one corner of the image changes that corner's cells most."""
    torch.manual_seed(0)
    backbone = load_backbone(saved(tmp_path, dinov2(), 56))
    images = noise(1, 64).repeat(2, 0)
    images[1, :16, 48:] = 0
    moved = np.abs(np.diff(backbone.cells(images), axis=0)[0]).mean(-1)
    assert np.unravel_index(moved.argmax(), moved.shape) == (0, 3)


def test_pixels_are_normalised_as_the_model_expects(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = dinov2().eval()
    backbone, images = load_backbone(saved(tmp_path, model, 56)), noise(2, 56)
    x = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - 0.4) / 0.2
    with torch.inference_mode():
        expected = model(pixel_values=x).last_hidden_state[:, 1:].mean(1).numpy()
    np.testing.assert_allclose(backbone.features(images), expected, atol=1e-5)


def test_a_model_that_reads_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="BertModel reads no images"):
        load_backbone(saved(tmp_path, bert(), 56))


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=rf"{tmp_path}: the folder holds no vision model"):
        load_backbone(str(tmp_path))


def test_what_cannot_be_downloaded_is_explained() -> None:
    with pytest.raises(BackboneError, match=r"facebook/dinov2-small: .*efficientnet-lite0, which is part of AugmentAI"):
        load_backbone("facebook/dinov2-small")
