"""Real pipelines of the transformer families with random weights, small enough for a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|image_pad|>", "<|vision_end|>")
_WORDS = 512


def build_klein(folder: Path, is_distilled: bool = True) -> Any:
    """FLUX.2 klein: latents in packs of four, the image itself among what the transformer reads."""
    import diffusers
    import torch

    torch.manual_seed(0)
    transformer = diffusers.Flux2Transformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=3 * 32,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )
    transformer.register_to_config(sample_size=48)  # the real one does not state it and runs at 128; 64 px is the least
    return diffusers.Flux2KleinPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0),
        vae=diffusers.AutoencoderKLFlux2(
            block_out_channels=(32, 32),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            layers_per_block=1,
            latent_channels=4,
        ),
        text_encoder=_qwen3(layers=28),
        tokenizer=write_tokenizer(folder),
        transformer=transformer,
        is_distilled=is_distilled,
    )


def build_z_image(folder: Path) -> Any:
    """Z-Image: one stream of text and image."""
    import diffusers
    import torch

    torch.manual_seed(0)
    transformer = diffusers.ZImageTransformer2DModel(
        in_channels=4,
        dim=32,
        n_layers=1,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=32,
        axes_dims=[4, 6, 6],
        axes_lens=[1024, 64, 64],
    )
    torch.nn.init.normal_(transformer.x_pad_token, std=0.02)
    torch.nn.init.normal_(transformer.cap_pad_token, std=0.02)
    transformer.register_to_config(sample_size=16)
    return diffusers.ZImagePipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_vae(),
        text_encoder=_qwen3(layers=2, causal=False),
        tokenizer=write_tokenizer(folder),
        transformer=transformer,
    )


def build_kontext(folder: Path) -> Any:
    """FLUX Kontext: FLUX.1 with the image among what the transformer reads."""
    import diffusers

    from tests.support.tiny_pipeline import build_flux

    flux = build_flux(folder)
    return diffusers.FluxKontextPipeline(**{name: one for name, one in flux.components.items() if one is not None})


def build_qwen_image(folder: Path) -> Any:
    """Qwen-Image: a VAE of videos, and a language model that sees."""
    import diffusers

    return diffusers.QwenImageImg2ImgPipeline(**_qwen_parts(folder))


def build_qwen_image_edit(folder: Path) -> Any:
    """Qwen-Image-Edit: the language model sees the image."""
    import diffusers

    parts = _qwen_parts(folder)
    return diffusers.QwenImageEditPipeline(**parts, processor=_processor(parts["tokenizer"]))


def build_qwen_image_edit_plus(folder: Path) -> Any:
    """Its successor, which takes several images."""
    import diffusers

    parts = _qwen_parts(folder)
    return diffusers.QwenImageEditPlusPipeline(**parts, processor=_processor(parts["tokenizer"]))


def _qwen_parts(folder: Path) -> dict[str, Any]:
    import diffusers
    import torch

    torch.manual_seed(0)
    transformer = diffusers.QwenImageTransformer2DModel(
        in_channels=16,
        out_channels=4,
        num_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=(4, 6, 6),
    )
    transformer.register_to_config(sample_size=16)
    vae = diffusers.AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 1],
        num_res_blocks=1,
        temperal_downsample=[False],
        latents_mean=[0.0] * 4,
        latents_std=[1.0] * 4,
    )
    return {
        "scheduler": diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        "vae": vae,
        "text_encoder": _qwen_vl(),
        "tokenizer": write_tokenizer(folder),
        "transformer": transformer,
    }


def write_tokenizer(folder: Path) -> Any:
    """Qwen's byte-level tokenizer without merges, and the files it is made of."""
    from transformers import Qwen2Tokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {letter: i for i, letter in enumerate(bytes_to_unicode().values())}
    (folder / "qwen.json").write_text(json.dumps(vocabulary))
    (folder / "qwen.txt").write_text("#version: 0.2\n")
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[], model_max_length=2048)
    tokenizer.add_special_tokens({"additional_special_tokens": list(_SPECIAL), "pad_token": _SPECIAL[0]})
    tokenizer.chat_template = _CHAT
    assert len(tokenizer) <= _WORDS
    return tokenizer


def _qwen3(layers: int, causal: bool = True) -> Any:
    import transformers

    config = transformers.Qwen3Config(
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        vocab_size=_WORDS,
    )
    return (transformers.Qwen3ForCausalLM if causal else transformers.Qwen3Model)(config)


def _qwen_vl() -> Any:
    import transformers

    config = transformers.Qwen2_5_VLConfig(
        text_config={
            "hidden_size": 32,
            "intermediate_size": 37,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "vocab_size": _WORDS,
            "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3], "rope_type": "default"},
        },
        vision_config={
            "depth": 1,
            "hidden_size": 32,
            "intermediate_size": 37,
            "num_heads": 2,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [0],
        },
        image_token_id=256 + _SPECIAL.index("<|image_pad|>"),
        vision_start_token_id=256 + _SPECIAL.index("<|vision_start|>"),
        vision_end_token_id=256 + _SPECIAL.index("<|vision_end|>"),
    )
    return transformers.Qwen2_5_VLForConditionalGeneration(config)


class _Processor:
    """The real processors of text and images; Qwen's own, which joins them, wants torchvision for videos."""

    def __init__(self, tokenizer: Any) -> None:
        import transformers

        self.tokenizer = tokenizer
        self.images = transformers.Qwen2VLImageProcessor(min_pixels=56 * 56, max_pixels=56 * 56)

    def __call__(self, text: list[str], images: Any, padding: bool, return_tensors: str) -> Any:
        from transformers import BatchFeature

        seen = self.images(images=images, return_tensors=return_tensors)
        count = int(seen["image_grid_thw"][0].prod()) // self.images.merge_size**2
        text = [one.replace("<|image_pad|>", "<|image_pad|>" * count) for one in text]
        return BatchFeature({**self.tokenizer(text, padding=padding, return_tensors=return_tensors), **seen})


def _processor(tokenizer: Any) -> Any:
    return _Processor(tokenizer)


def _vae(latent_channels: int = 4) -> Any:
    import diffusers

    return diffusers.AutoencoderKL(
        block_out_channels=(32, 32),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=latent_channels,
        sample_size=32,
        shift_factor=0.06,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )
