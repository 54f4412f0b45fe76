"""Models of today in their real shapes with random weights: what they need of a GPU, without a download.

Random weights take exactly as much memory and time as trained ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from tests.support import tiny_transformers

# From the configuration files of the models; the text encoder of both is Qwen3 4B.
QWEN3_4B = {
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151_936,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
KLEIN_4B = {
    "num_layers": 5,
    "num_single_layers": 20,
    "num_attention_heads": 24,
    "joint_attention_dim": 7680,
    "guidance_embeds": False,
}
_VAE_BLOCKS = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
}


def klein_4b(device: str) -> Any:
    """FLUX.2 klein 4B."""
    import diffusers
    import transformers

    with _random_weights(device):
        transformer = diffusers.Flux2Transformer2DModel(**KLEIN_4B)
        vae = diffusers.AutoencoderKLFlux2()
        text_encoder = transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**QWEN3_4B))
    return diffusers.Flux2KleinPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0),
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=_tokenizer(),
        transformer=transformer,
        is_distilled=True,
    )


def z_image_turbo(device: str) -> Any:
    """Z-Image-Turbo, 6B."""
    import diffusers
    import transformers

    with _random_weights(device):
        transformer = diffusers.ZImageTransformer2DModel()
        torch.nn.init.normal_(transformer.x_pad_token, std=0.02)
        torch.nn.init.normal_(transformer.cap_pad_token, std=0.02)
        vae = diffusers.AutoencoderKL(
            **_VAE_BLOCKS, latent_channels=16, shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False
        )
        text_encoder = transformers.Qwen3Model(transformers.Qwen3Config(**QWEN3_4B))
    return diffusers.ZImageImg2ImgPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=_tokenizer(),
        transformer=transformer,
    )


def _tiny_klein(device: str) -> Any:
    with tempfile.TemporaryDirectory() as scratch:
        return tiny_transformers.build_klein(Path(scratch))


def _tiny_z_image(device: str) -> Any:
    import diffusers

    with tempfile.TemporaryDirectory() as scratch:
        pipe = tiny_transformers.build_z_image(Path(scratch))
    return diffusers.ZImageImg2ImgPipeline(**pipe.components)


# By the id of the model whose shape it is, which says which family it is of.
SHAPES: dict[str, Callable[[str], Any]] = {
    "black-forest-labs/FLUX.2-klein-4B": klein_4b,
    "Tongyi-MAI/Z-Image-Turbo": z_image_turbo,
}
TINY: dict[str, Callable[[str], Any]] = {
    "black-forest-labs/FLUX.2-klein-4B": _tiny_klein,
    "Tongyi-MAI/Z-Image-Turbo": _tiny_z_image,
}


def _tokenizer() -> Any:
    with tempfile.TemporaryDirectory() as scratch:
        return tiny_transformers.write_tokenizer(Path(scratch))


@contextmanager
def _random_weights(device: str) -> Iterator[None]:
    """In 16 bits, made where they will be used, which is much faster on a GPU."""
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(before)
