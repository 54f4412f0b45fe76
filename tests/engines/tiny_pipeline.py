"""A real Stable Diffusion pipeline with random weights, small enough for a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SIZES = {"tiny": (32, 64), "wide": (64, 128)}


def write_tokenizer(folder: Path, words: int = 1000) -> Any:
    """A byte-level CLIP tokenizer with no merges. Returns it."""
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in range(33, 127)]
    vocabulary = {token: i for i, token in enumerate([*letters, *[letter + "</w>" for letter in letters]])}
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    assert len(vocabulary) <= words
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    # Without a length CLIP's tokenizer pads to 10^30 tokens.
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77)


def build(folder: Path, scheduler: str = "EulerDiscreteScheduler", seed: int = 0, **scheduler_options: Any) -> Any:
    """The pipeline itself: latents at half the size of the picture, trained, so to say, at 32 x 32 px."""
    import diffusers
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(seed)
    options: dict[str, Any] = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    options["steps_offset"] = 1  # diffusers asks for it in every pipeline of this kind
    if scheduler.startswith("Euler"):
        options["timestep_spacing"] = "trailing"
    narrow, wide = _SIZES["tiny"]
    return diffusers.StableDiffusionPipeline(
        unet=diffusers.UNet2DConditionModel(
            sample_size=16,
            block_out_channels=(narrow, wide),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=32,
            attention_head_dim=8,
        ),
        vae=diffusers.AutoencoderKL(
            block_out_channels=(32, 32),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4,
            sample_size=32,
        ),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                hidden_size=32,
                intermediate_size=37,
                num_attention_heads=4,
                num_hidden_layers=2,
                vocab_size=1000,
                bos_token_id=188,
                eos_token_id=189,
                pad_token_id=189,
            )
        ),
        tokenizer=write_tokenizer(folder / "words"),
        scheduler=getattr(diffusers, scheduler)(**(options | scheduler_options)),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def write(folder: Path, scheduler: str = "EulerDiscreteScheduler", seed: int = 0, **scheduler_options: Any) -> Path:
    """The pipeline as a diffusers folder with safetensors weights. Returns the folder."""
    build(folder / "parts", scheduler, seed, **scheduler_options).save_pretrained(folder, safe_serialization=True)
    return folder
