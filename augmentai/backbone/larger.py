"""Larger backbones by name: vision transformers and convolutional networks of the Hugging Face Hub, by transformers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from augmentai.backbone.base import BackboneError, batches
from augmentai.backbone.layout import CELL_PX, STEP_PX
from augmentai.system.extras import missing

if TYPE_CHECKING:
    from torch import Tensor

_BATCH_PIXELS = 8 * 224**2


class Larger:
    """A network of the Hub as `augmentai.backbone.base.Backbone` describes it; on a GPU if torch finds one.

    Features are the mean over the patches of the last layer; cells are these patches, for an input of such a size that
    one of them covers 16 x 16 pixels.

    Args:
        name: Hub id, such as `facebook/dinov2-small` or `google/siglip-base-patch16-224`, or a folder.

    Raises:
        BackboneError: transformers is not installed, the model cannot be had, or it reads no images.
    """

    def __init__(self, name: str) -> None:
        if reason := missing("diffusion"):
            raise BackboneError(f"backbone {name}: {reason}")
        import torch

        self.name = name
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            model, preprocessing = _load(name)
        except (OSError, ValueError, KeyError) as error:
            raise BackboneError(_explain(name, error)) from error
        if model.main_input_name != "pixel_values":
            raise BackboneError(f"backbone {name}: a {type(model).__name__} reads no images; name a vision model")
        self._model = model.to(self._device).eval().requires_grad_(False)
        self.side_px = _side(preprocessing) or int(getattr(model.config, "image_size", 224))
        rescale = float(preprocessing.get("rescale_factor", 1 / 255))
        self._mean = torch.tensor(preprocessing.get("image_mean") or [0.5] * 3, device=self._device) / rescale
        self._scale = torch.tensor(preprocessing.get("image_std") or [0.5] * 3, device=self._device) / rescale
        patches = self._patches(np.zeros((1, self.side_px, self.side_px, 3), np.uint8), self.side_px)
        self.width = patches.shape[1]
        self._patch_px = self.side_px / patches.shape[2]

    def features(self, images: np.ndarray) -> np.ndarray:
        """See `Backbone.features`; squares of another size than `side_px` are resized to it."""
        results = np.empty((len(images), self.width), np.float32)
        done = 0
        for batch in batches(images, 1, self._batch_pixels(images)):
            results[done : done + len(batch)] = self._patches(batch, self.side_px).mean((2, 3)).cpu().numpy()
            done += len(batch)
        return results

    def cells(self, images: np.ndarray) -> np.ndarray:
        """See `Backbone.cells`; C is `width`."""
        side = images.shape[1] // CELL_PX if images.ndim == 4 else 0
        results = np.empty((len(images), side, side, self.width), np.float32)
        done = 0
        for batch in batches(images, STEP_PX, self._batch_pixels(images)):
            patches = self._patches(batch, round(side * self._patch_px)).permute(0, 2, 3, 1)
            results[done : done + len(batch)] = patches.cpu().numpy()
            done += len(batch)
        return results

    def _batch_pixels(self, images: np.ndarray) -> int:
        """So many pixels of the given images that as many as fit are worked on at once after resizing."""
        given = images.shape[1] ** 2 if images.ndim == 4 else 1
        return _BATCH_PIXELS * given // max(given, self.side_px**2)

    def _patches(self, images: np.ndarray, side_px: int) -> Tensor:
        """The last layer as a map: uint8 (B, S, S, 3) -> (B, width, side_px/patch, side_px/patch)."""
        import torch
        import torch.nn.functional as F

        x = torch.from_numpy(np.ascontiguousarray(images)).to(self._device)
        x = ((x.float() - self._mean) / self._scale).permute(0, 3, 1, 2)  # (B, 3, S, S)
        if x.shape[-1] != side_px:
            x = F.interpolate(x, (side_px, side_px), mode="bicubic", antialias=True)
        with torch.inference_mode():
            hidden = _forward(self._model, x).last_hidden_state.float()
        if hidden.ndim == 4:  # a convolutional network: (B, C, h, w)
            return hidden
        side = int(hidden.shape[1] ** 0.5)  # tokens of the whole image, if any, come first: fewer than a row of patches
        return hidden[:, -side * side :].transpose(1, 2).unflatten(2, (side, side))


def _load(name: str) -> tuple[Any, dict[str, Any]]:
    """The part of a model that reads images, and how they are prepared. No code of a repository is run."""
    from transformers import AutoModel
    from transformers.image_processing_base import ImageProcessingMixin
    from transformers.utils import logging

    preprocessing, _ = ImageProcessingMixin.get_image_processor_dict(name)
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model = AutoModel.from_pretrained(name, use_safetensors=True, trust_remote_code=False)
    finally:
        if shown:
            logging.enable_progress_bar()
    return getattr(model, "vision_model", model), preprocessing


def _forward(model: Any, x: Tensor) -> Any:
    import inspect

    # Position embeddings are for one size of image; models that do not interpolate them by themselves have to be asked.
    known = inspect.signature(model.forward).parameters
    return model(pixel_values=x, **({"interpolate_pos_encoding": True} if "interpolate_pos_encoding" in known else {}))


def _side(preprocessing: dict[str, Any]) -> int | None:
    """The side of the images that a model was made for, from its preprocessor_config.json.

    Example:
        >>> _side({"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}}), _side({"size": 384})
        (224, 384)
    """
    size = preprocessing.get("crop_size") or preprocessing.get("size")
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge")
    return int(size) if size else None


def _explain(name: str, error: Exception) -> str:
    first_line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    if Path(name).is_dir():
        return f"backbone {name}: the folder holds no vision model of transformers ({first_line})"
    return (
        f"backbone {name}: neither a folder nor downloaded before, and not to be had from the Hugging Face Hub "
        f"({first_line}); correct the name, check the network, or use efficientnet-lite0, which is part of AugmentAI"
    )
