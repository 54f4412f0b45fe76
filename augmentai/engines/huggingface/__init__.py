"""Instruction editors of hosted providers, by Hugging Face's inference client; paid by the owner's token."""

from __future__ import annotations

from augmentai.engines.huggingface.engine import HuggingFaceEngine

__all__ = ["HuggingFaceEngine"]
