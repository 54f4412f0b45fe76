"""Text embeddings: each prompt is encoded once, whatever batch it is in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from augmentai.engines.diffusion.text_embeddings import TextEmbeddings
from tests.support import tiny_pipeline

SD = "StableDiffusionImg2ImgPipeline"


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tiny_pipeline.build(tmp_path_factory.mktemp("model"))


@torch.inference_mode()
def test_rows_do_not_depend_on_the_batch(pipe: Any) -> None:
    pairs = [("a cat", "blurry"), ("a dog", ""), ("a cat", "")]
    together = TextEmbeddings(SD, guided=True).batch(pipe, "cpu", pairs)
    assert set(together) == {"prompt_embeds", "negative_prompt_embeds"}
    for row, pair in enumerate(pairs):
        alone = TextEmbeddings(SD, guided=True).batch(pipe, "cpu", [pair])
        assert all(torch.equal(together[name][row], alone[name][0]) for name in together)


@torch.inference_mode()
def test_each_prompt_is_encoded_once(pipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    encode = pipe.encode_prompt

    def counting(prompt: str, **options: Any) -> Any:
        encoded.append(prompt)
        return encode(prompt, **options)

    monkeypatch.setattr(pipe, "encode_prompt", counting)
    embeddings = TextEmbeddings(SD, guided=False)
    for _ in range(2):
        assert len(embeddings.batch(pipe, "cpu", [("a cat", ""), ("a dog", ""), ("a cat", "")])["prompt_embeds"]) == 3
    assert encoded == ["a cat", "a dog"]


@torch.inference_mode()
def test_the_cache_is_bounded(pipe: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("augmentai.engines.diffusion.text_embeddings._MAX_CACHED", 2)
    embeddings = TextEmbeddings(SD, guided=False)
    embeddings.batch(pipe, "cpu", [(f"prompt {number}", "") for number in range(5)])
    assert [prompt for prompt, _ in embeddings._cache] == ["prompt 3", "prompt 4"]
