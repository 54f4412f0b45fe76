"""Prompts for engines that read one: a template with the class name filled in, or a neutral default."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from augmentai.recipe import MAX_PROMPT_CHARS
from augmentai.recipe.prompt_words import CAPTION, choices_in, fill_in

if TYPE_CHECKING:
    from augmentai.engines.base import Task
    from augmentai.recipe import Recipe

# Neutral on purpose: it names the subject and asks for nothing else, so that the image's own content decides. Vivid
# wording would change the label's meaning, and triggers the moderation of hosted services for harmless images.
DEFAULT = "a realistic photograph of {label}, natural light"
# Of a part of an image. A background is described without the class, or another object would be painted into it.
_DEFAULTS = {"all": DEFAULT, "objects": DEFAULT, "background": "a realistic photograph of {place}, natural light"}
NAMELESS = "subject"  # stands for the class of an image that has none

_PLACE = re.compile(r"(?i)(?:\b(?P<article>an?|the)(?P<gap>\s+))?\{\s*label\s*\}")
_CAPTION = re.compile(r"(?i)\{\s*caption\s*\}")
_SYNSET = re.compile(r"^n\d{8}[\s_.-]+")  # ImageNet: "n02123045-tabby"
_NUMBERED = re.compile(r"^\d+[\s_.-]+(?=.*[^\W\d_])")  # CUB-200: "001.Black_footed_Albatross"
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")  # "GoldenRetriever"
_LINE = re.compile(r"[\r\n\u2028\u2029]+")
_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f{}]+")


def readable(label: str | None) -> str:
    """A class name in words; empty if there is none, or one that means nothing to a model ("17").

    Example:
        >>> readable("001.golden_retriever"), readable("n02123045-tabby"), readable("17")
        ('golden retriever', 'tabby', '')
    """
    words = _SYNSET.sub("", label or "")
    words = _NUMBERED.sub("", words)
    words = _HUMPS.sub(" ", words)
    words = re.sub(r"[\s_+.\-]+", " ", _UNWANTED.sub(" ", words)).strip()
    return words if re.search(r"[^\W\d_]", words) else ""


@dataclass(frozen=True)
class Prompt:
    """The prompt of one variation.

    Attributes:
        text: one line of 1 to 10,000 characters.
        drawn: the word that was drawn for each placeholder.
    """

    text: str
    drawn: Mapping[str, str] = field(default_factory=dict)

    def as_details(self) -> dict[str, Any]:
        """What the manifest says of it besides the text."""
        return {"drawn": dict(self.drawn)} if self.drawn else {}


def prompt_of(task: Task) -> Prompt:
    """The prompt of a task, drawn by its seed; without any text, a default keeps the image's subject or scene."""
    recipe = task.recipe
    part = "all" if task.region is None else task.region.of
    return draw_prompt(recipe.prompt, task.source.label, task.index, task.seed, _DEFAULTS[part], task.caption)


def preview_prompt(recipe: Recipe, label: str | None, index: int, seed: int, caption: str = "") -> Prompt:
    """The prompt that a variation will have, before there is a task for it."""
    return draw_prompt(recipe.prompt, label, index, seed, _DEFAULTS[recipe.repaint], caption)


def negative_prompt_of(task: Task) -> str:
    """What not to show, by the words that are drawn for the task."""
    template = task.recipe.negative_prompt
    return negative_prompt_for(fill_in(template, draw_words(template, task.seed)), task.source.label)


def draw_prompt(
    template: str, label: str | None, index: int, seed: int, default: str = DEFAULT, caption: str = ""
) -> Prompt:
    """The prompt of one variation.

    Args:
        template: see `prompt_for`; `{weather}` and `{colour: red | blue}` stand for one of several words.
        label: the class of the source, if it has one.
        index: counts the variations of a source from 1.
        seed: draws the words. A word depends on the seed and its placeholder's name alone.
        default: used for an empty template.
        caption: replaces `{caption}`; without one the class does, or "the subject".

    Example:
        >>> draw_prompt("a {colour: red | blue} {label}", "car", index=1, seed=7)
        Prompt(text='a blue car', drawn={'colour': 'blue'})
    """
    line = _line(template or default, index, default)
    drawn = draw_words(line, seed)
    words = " ".join(_UNWANTED.sub(" ", caption).split())
    described = fill_in(line, {CAPTION: words}) if words else _CAPTION.sub("{label}", line)
    return Prompt(prompt_for(fill_in(described, drawn), label, 1), drawn)


def draw_words(line: str, seed: int) -> dict[str, str]:
    """A word for each placeholder that stands for one of several."""
    return {name: words[_drawn(name, seed, len(words))] for name, words in choices_in(line).items()}


def _drawn(name: str, seed: int, count: int) -> int:
    digest = hashlib.sha256(f"{seed}:prompt:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % count


def _line(template: str, index: int, default: str = DEFAULT) -> str:
    """The line of a template whose turn it is."""
    lines = [line.strip() for line in _LINE.split(template) if line.strip()] or [default]
    return lines[(index - 1) % len(lines)]


def prompt_for(template: str, label: str | None, index: int) -> str:
    """The prompt of one variation: one line of 1 to 10,000 characters.

    Args:
        template: what the user wrote: one prompt per line, used in turn. `{label}` becomes the class in words, or "the
            subject" without a class; other braces stay. Without any text, a default keeps the image's subject.
        label: the class of the source, if it has one.
        index: counts the variations of a source from 1.

    Example:
        >>> prompt_for("a {label} at dusk", "owls_barn", index=1)
        'an owls barn at dusk'
    """
    filled = _PLACE.sub(_filler(readable(label)), _line(template, index))
    filled = re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", filled).strip()
    return filled[:MAX_PROMPT_CHARS].strip() or prompt_for(DEFAULT, label, 1)


def negative_prompt_for(template: str, label: str | None) -> str:
    """What not to show, in one line, with `{label}` filled in as in a prompt; empty for an empty template."""
    line = " ".join(part.strip() for part in _LINE.split(template) if part.strip())
    return _PLACE.sub(_filler(readable(label)), line)[:MAX_PROMPT_CHARS].strip()


def _filler(words: str):  # type: ignore[no-untyped-def]
    def fill(match: re.Match[str]) -> str:
        article = match["article"]
        if not words:  # "a {label}" reads "a subject", "of {label}" reads "of the subject"
            return f"{_fitting(article, NAMELESS)}{match['gap']}{NAMELESS}" if article else f"the {NAMELESS}"
        return f"{_fitting(article, words)}{match['gap']}{words}" if article else words

    return fill


def _fitting(article: str, words: str) -> str:
    """The article that goes with the words: "an apple". A wrong one would be in every prompt of the class."""
    if article.lower() == "the":
        return article
    return article[0] + ("n" if words[0].lower() in "aeio" else "")
