"""Text embeddings of prompts, each computed once and by itself, so that they do not depend on the batch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_MAX_CACHED = 256


class TextEmbeddings:
    """The text encoders of a pipeline, with a cache.

    Args:
        pipeline: The name of its diffusers class.
        guided: Guidance is on, so that a negative prompt is encoded as well.
    """

    def __init__(self, pipeline: str, guided: bool) -> None:
        self._pipeline, self._guided = pipeline, guided
        self._cache: OrderedDict[tuple[str, str], dict[str, Tensor]] = OrderedDict()

    def batch(self, pipe: Any, device: str, prompts: Iterable[tuple[str, str]]) -> dict[str, Tensor]:
        """Embed a batch of (prompt, negative prompt) pairs.

        Returns:
            Keyword arguments for the pipeline, each of shape (B, ...).
        """
        embedded = [self._cached(pipe, device, *pair) for pair in prompts]
        return {name: torch.cat([one[name] for one in embedded]) for name in embedded[0]}

    def _cached(self, pipe: Any, device: str, prompt: str, negative: str) -> dict[str, Tensor]:
        key = (prompt, negative)
        if key not in self._cache:
            self._cache[key] = self._encode(pipe, device, prompt, negative)
            while len(self._cache) > _MAX_CACHED:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return self._cache[key]

    def _encode(self, pipe: Any, device: str, prompt: str, negative: str) -> dict[str, Tensor]:
        request: dict[str, Any] = {"prompt": prompt, "device": device, "num_images_per_prompt": 1}
        names = ["prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds"]
        if self._pipeline.startswith("Flux"):
            values = pipe.encode_prompt(prompt_2=None, **request)
            names = ["prompt_embeds", "pooled_prompt_embeds"]
        else:
            request |= {"do_classifier_free_guidance": self._guided, "negative_prompt": negative or None}
            if self._pipeline.startswith("StableDiffusionXL"):
                request["prompt_2"] = None
            elif self._pipeline.startswith("StableDiffusion3"):
                request |= {"prompt_2": None, "prompt_3": None}
            values = pipe.encode_prompt(**request)
        return {name: value for name, value in zip(names, values, strict=False) if value is not None}
