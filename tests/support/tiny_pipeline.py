"""A real Stable Diffusion pipeline with random weights, small enough for a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_tokenizer(folder: Path, words: int = 1000) -> Any:
    """Write a byte-level CLIP tokenizer without merges, and return it."""
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in range(33, 127)]
    vocabulary = {token: i for i, token in enumerate([*letters, *[letter + "</w>" for letter in letters]])}
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    assert len(vocabulary) <= words
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    # Without a maximum length CLIP's tokenizer pads to 10^30 tokens.
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77)


def build(folder: Path, scheduler: str = "EulerDiscreteScheduler", seed: int = 0, **scheduler_options: Any) -> Any:
    """Stable Diffusion itself: latents at half the size of the image, nominally trained at 32 x 32 px."""
    import diffusers
    import torch

    torch.manual_seed(seed)
    options: dict[str, Any] = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    options["steps_offset"] = 1  # diffusers expects it in every pipeline of this class
    if scheduler.startswith("Euler"):
        options["timestep_spacing"] = "trailing"
    return diffusers.StableDiffusionPipeline(
        unet=_unet(),
        vae=_vae(),
        text_encoder=_text_encoder("CLIPTextModel"),
        tokenizer=write_tokenizer(folder / "words"),
        scheduler=getattr(diffusers, scheduler)(**(options | scheduler_options)),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def build_sdxl(folder: Path) -> Any:
    """SDXL: two text encoders, and the sizes of the image as a condition."""
    import diffusers
    import torch

    torch.manual_seed(0)
    sizes = {"addition_embed_type": "text_time", "addition_time_embed_dim": 8}
    tokenizer = write_tokenizer(folder / "words")
    return diffusers.StableDiffusionXLPipeline(
        unet=_unet(cross_attention_dim=64, projection_class_embeddings_input_dim=6 * 8 + 32, **sizes),
        vae=_vae(force_upcast=True),
        text_encoder=_text_encoder("CLIPTextModel"),
        text_encoder_2=_text_encoder("CLIPTextModelWithProjection"),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        scheduler=diffusers.EulerDiscreteScheduler(timestep_spacing="leading", steps_offset=1),
    )


def build_sd3(folder: Path) -> Any:
    """SD3.5: a transformer and flow matching. Without the third text encoder, which may be omitted only in memory."""
    import diffusers
    import torch

    torch.manual_seed(0)
    tokenizer = write_tokenizer(folder / "words")
    return diffusers.StableDiffusion3Img2ImgPipeline(
        transformer=diffusers.SD3Transformer2DModel(
            sample_size=16,
            patch_size=2,
            in_channels=16,
            out_channels=16,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=64,
            caption_projection_dim=32,
            pooled_projection_dim=64,
            pos_embed_max_size=32,
        ),
        vae=_vae(16, shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=_text_encoder("CLIPTextModelWithProjection"),
        text_encoder_2=_text_encoder("CLIPTextModelWithProjection"),
        text_encoder_3=None,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        tokenizer_3=None,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
    )


def build_flux(folder: Path) -> Any:
    """FLUX.1: latents in packs of four. Its second tokenizer is CLIP's here, which only truncates the text."""
    import diffusers
    import torch
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    tokenizer = write_tokenizer(folder / "words")
    transformer = diffusers.FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=(4, 4, 8),
        guidance_embeds=True,
    )
    transformer.register_to_config(sample_size=16)  # the real one does not state it and runs at 128
    return diffusers.FluxImg2ImgPipeline(
        transformer=transformer,
        vae=_vae(4, shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=_text_encoder("CLIPTextModel"),
        text_encoder_2=T5EncoderModel(
            T5Config(d_model=32, d_ff=37, d_kv=8, num_heads=4, num_layers=1, vocab_size=1000, is_encoder_decoder=False)
        ),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    )


def _unet(**options: Any) -> Any:
    import diffusers

    defaults: dict[str, Any] = {
        "sample_size": 16,
        "block_out_channels": (32, 64),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 32,
        "attention_head_dim": 8,
    }
    return diffusers.UNet2DConditionModel(**(defaults | options))


def _vae(latent_channels: int = 4, **options: Any) -> Any:
    import diffusers

    return diffusers.AutoencoderKL(
        block_out_channels=(32, 32),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=latent_channels,
        sample_size=32,
        **options,
    )


def _text_encoder(kind: str) -> Any:
    import transformers

    config = transformers.CLIPTextConfig(
        hidden_size=32,
        intermediate_size=37,
        projection_dim=32,
        num_attention_heads=4,
        num_hidden_layers=3,
        vocab_size=1000,
        bos_token_id=188,
        eos_token_id=189,
        pad_token_id=189,
    )
    return getattr(transformers, kind)(config)


def write(folder: Path, scheduler: str = "EulerDiscreteScheduler", seed: int = 0, **scheduler_options: Any) -> Path:
    """Write Stable Diffusion as a diffusers folder with safetensors weights; return the folder."""
    build(folder / "parts", scheduler, seed, **scheduler_options).save_pretrained(folder, safe_serialization=True)
    return folder


def write_single_file(pipe: Any, file: Path) -> Path:
    """Write the weights of `build` to one file under the original Stable Diffusion code's names; return the file."""
    from safetensors.torch import save_file

    weights = {}
    for name, tensor in pipe.unet.state_dict().items():
        weights["model.diffusion_model." + _unet_name(name)] = tensor
    for name, tensor in pipe.vae.state_dict().items():
        original = _vae_name(name)
        if ".attn_1." in original and name.endswith("weight") and tensor.ndim == 2:
            tensor = tensor[:, :, None, None]  # attention was a 1 x 1 convolution there
        weights["first_stage_model." + original] = tensor
    for name, tensor in pipe.text_encoder.state_dict().items():
        prefix = "" if name.startswith("text_model.") else "text_model."
        weights["cond_stage_model.transformer." + prefix + name] = tensor
    save_file({name: tensor.contiguous().clone() for name, tensor in weights.items()}, file)
    return file


_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}


def _unet_name(name: str) -> str:
    """The original name of a weight of diffusers' UNet with one layer per block: blocks are numbered throughout."""
    parts = name.split(".")
    if parts[0] not in {"down_blocks", "up_blocks", "mid_block"}:
        base = ".".join(parts[:-1])
        return f"{_ENDS[base]}.{parts[-1]}"
    if parts[0] == "mid_block":
        position = f"middle_block.{1 if parts[1] == 'attentions' else 2 * int(parts[2])}"
        rest = parts[3:]
    else:
        block, kind, number, rest = int(parts[1]), parts[2], int(parts[3]), parts[4:]
        if parts[0] == "down_blocks":
            if kind == "downsamplers":
                return f"input_blocks.{2 * (block + 1)}.0.op.{rest[-1]}"
            position = f"input_blocks.{1 + 2 * block + number}.{1 if kind == 'attentions' else 0}"
        else:
            if kind == "upsamplers":
                return f"output_blocks.{2 * block + 1}.2.conv.{rest[-1]}"
            position = f"output_blocks.{2 * block + number}.{1 if kind == 'attentions' else 0}"
    return ".".join([position, _RESNET.get(rest[0], rest[0]), *rest[1:]])


def _vae_name(name: str) -> str:
    """The original code's name for a weight of diffusers' VAE with two blocks: the decoder is numbered upwards."""
    for part, original in (
        ("mid_block.resnets.0", "mid.block_1"),
        ("mid_block.resnets.1", "mid.block_2"),
        ("mid_block.attentions.0", "mid.attn_1"),
        ("group_norm", "norm"),
        ("to_out.0", "proj_out"),
        ("to_q", "q"),
        ("to_k", "k"),
        ("to_v", "v"),
        ("conv_norm_out", "norm_out"),
        ("conv_shortcut", "nin_shortcut"),
        ("downsamplers.0", "downsample"),
        ("upsamplers.0", "upsample"),
        ("resnets", "block"),
        ("down_blocks", "down"),
        ("up_blocks.0", "up.1"),
        ("up_blocks.1", "up.0"),
    ):
        name = name.replace(part, original)
    return name
