"""The words of a prompt that the local GAN can follow: it changes light and air, and paints no objects."""

from __future__ import annotations

import re
from collections.abc import Mapping

from augmentai.recipe.prompt_words import choices_in, fill_in

# Of each preset the words that ask for it; a word that says more ("snow") is followed as far as its light goes.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "dusk": ("dusk", "sunset", "twilight", "evening"),
    "night": ("night", "midnight", "nighttime", "nocturnal"),
    "noon": ("noon", "midday", "sunshine", "sunny", "bright sun"),
    "fog": ("fog", "foggy", "mist", "misty", "haze", "hazy"),
    "overcast": ("overcast", "cloudy", "rain", "rainy", "thunderstorm"),
    "warm": ("warm light", "warm", "golden hour", "dawn", "sunrise"),
    "cold": ("cold light", "cold", "snow", "snowy", "winter"),
}
_IN_PART = frozenset({"rain", "rainy", "thunderstorm", "snow", "snowy", "winter"})  # of these only the light
_MOST = 2  # a time and a weather
_FIND = {
    preset: re.compile(rf"(?i)(?<![\w-])(?:{'|'.join(map(re.escape, words))})(?![\w-])")
    for preset, words in _WORDS.items()
}
_NO_SCENE = re.compile(r"(?i)[\s,.;:]+|\b(?:an?|the|in|at|of|on|with|and|under|photo|photograph|image|light|weather)\b")


def presets_in(prompt: str) -> tuple[str, ...]:
    """The presets that a prompt asks for, at most two, in the order of their words.

    Example:
        >>> presets_in("a street at night, in fog"), presets_in("a red car")
        (('night', 'fog'), ())
    """
    found = {preset: match.start() for preset, pattern in _FIND.items() if (match := pattern.search(prompt))}
    return tuple(sorted(found, key=found.__getitem__)[:_MOST])


def follows_any(prompt: str) -> bool:
    """Whether any line of a prompt asks for a preset, whatever words are drawn."""
    return any(presets_in(variant) for line in prompt.splitlines() for variant in _variants(line))


def not_followed(prompt: str) -> tuple[str, ...]:
    """What of a prompt cannot be followed, in its own words; nothing if it is all light and air.

    Example:
        >>> not_followed("a {label} in heavy rain"), not_followed("at dusk")
        (('heavy rain',), ())
    """
    left: dict[str, None] = {}
    for line in prompt.splitlines():
        for variant in _variants(line):
            left |= dict.fromkeys(_rest_of(variant))
    return tuple(left)


def _rest_of(text: str) -> list[str]:
    phrases = (part for part in re.split(r"[,.;]|\b(?:in|at|of|on|with|and|under|while)\b", text))
    return [words for phrase in phrases if (words := " ".join(phrase.split())) and not _is_followed(words)]


def _is_followed(phrase: str) -> bool:
    """Whether a phrase is of words that a preset follows entirely, or of none at all."""
    rest = re.sub(r"(?i)\{\s*label\s*\}", " ", phrase)
    for pattern in _FIND.values():
        rest = pattern.sub(lambda match: match[0] if match[0].lower() in _IN_PART else " ", rest)
    return not _NO_SCENE.sub("", rest).strip()


def _variants(line: str) -> list[str]:
    """A line once for each word of each of its placeholders."""
    choices = choices_in(line)
    most = max(map(len, choices.values()), default=1)
    drawn = [{name: words[number % len(words)] for name, words in choices.items()} for number in range(most)]
    return [fill_in(line, words) for words in drawn]
