"""Prompts that vary: placeholders that stand for one of several words, and bundled sets of prompts.

`{weather}` stands for one of a bundled list, `{colour: red | blue}` for one of a list of one's own; a line `@driving`
stands for the lines of a bundled set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from augmentai.recipe.kinds import RecipeError, Text, shown

# Each reads well after the words that the bundled prompts have before it: in {weather}, at {time}, at {place}.
WORDS: Mapping[str, tuple[str, ...]] = {
    "weather": ("sunshine", "overcast weather", "light rain", "heavy rain", "fog", "haze", "snow"),
    "time": ("dawn", "sunrise", "noon", "golden hour", "sunset", "dusk", "night"),
    "place": (
        "a city street",
        "a country road",
        "a park",
        "the edge of a forest",
        "a meadow",
        "a beach",
        "a harbour",
        "a courtyard",
        "a car park",
        "a market square",
    ),
}

PROMPT_SETS: Mapping[str, tuple[str, ...]] = {
    "driving": (
        "a street scene in {weather} at {time}, photographed through the windscreen of a car",
        "a road with {surface: dry asphalt | wet asphalt | snow at its edges | fallen leaves} in {weather}",
        "traffic at {time}, {light: low sun ahead | street lamps | soft light | headlights}, photographed from a car",
    ),
    "retail": (
        "a shelf in a shop under {light: fluorescent light | warm spotlights | daylight from a window}",
        "products on {ground: a white counter | a wooden shelf | a metal shelf | a checkout belt}, product photograph",
        "a shop at {time: a quiet hour | a busy hour}, photographed with {camera: a phone | a ceiling camera}",
    ),
    "aerial": (
        "an aerial photograph of land in {season: spring | summer | autumn | winter}, seen straight from above",
        "a satellite image under {air: a clear sky | thin haze | scattered cloud shadows}, seen straight from above",
        "an aerial photograph at {sun: low sun with long shadows | high sun | diffuse light}, seen straight from above",
    ),
    "microscopy": (
        "a microscope image with {stain: a pale stain | a strong stain | an uneven stain}",
        "a bright-field microscope image, {light: even illumination | vignetting | slightly dim illumination}",
        "a microscope image, {focus: sharp focus | a slightly soft focus}, {ground: clean | dusty} background",
    ),
    "nature": (
        "a wildlife photograph in {weather} at {time}",
        "a photograph in {season: spring | summer | autumn | winter}, {ground: tall grass | leaf litter | sand}",
        "a nature photograph at {place: the edge of a forest | a river | a meadow | a lake shore} in {weather}",
    ),
}

_PLACEHOLDER = re.compile(r"\{\s*(?P<name>[A-Za-z_][\w-]*)\s*(?P<list>:(?P<choices>[^{}]*))?\}")
_SET = re.compile(r"@([\w-]+)")
LABEL, CAPTION = "label", "caption"  # placeholders that an image fills


def choices_in(line: str) -> dict[str, tuple[str, ...]]:
    """What may be drawn for each placeholder of a prompt: its own list, or a bundled one.

    Example:
        >>> choices_in("a {colour: red | blue} {label} or another {colour}")
        {'colour': ('red', 'blue')}
    """
    found: dict[str, tuple[str, ...]] = {}
    for match in _PLACEHOLDER.finditer(line):
        name = match["name"].lower()
        if match["list"] is not None:
            found[name] = _split(match["choices"])
        elif name in WORDS and name not in found:
            found[name] = WORDS[name]
    return found


def fill_in(line: str, words: Mapping[str, str]) -> str:
    """A prompt with words for its placeholders; those without a word stay.

    Example:
        >>> fill_in("a {colour: red | blue} {label}", {"colour": "blue"})
        'a blue {label}'
    """
    return _PLACEHOLDER.sub(lambda match: words.get(match["name"].lower(), match[0]), line)


def unknown_placeholders(prompt: str) -> tuple[str, ...]:
    """Placeholders of a prompt that stand for nothing, so that they would be sent as they are.

    Example:
        >>> unknown_placeholders("a {label} in {wether}")
        ('wether',)
    """
    unknown: dict[str, None] = {}
    for line in prompt.splitlines():
        known = {LABEL, CAPTION, *choices_in(line)}
        names = (match["name"] for match in _PLACEHOLDER.finditer(line))
        unknown |= dict.fromkeys(name for name in names if name.lower() not in known)
    return tuple(unknown)


def asks_for_caption(prompt: str) -> bool:
    """Whether a prompt has the caption of each image in it."""
    return any(match["name"].lower() == CAPTION for match in _PLACEHOLDER.finditer(prompt))


class PromptText(Text):
    """A prompt, or several lines of them. Names of bundled sets are replaced by their lines."""

    def check(self, name: str, value: object) -> str:
        text: str = Text.check(self, name, value)
        lines = [one for line in text.splitlines() for one in _expanded(name, line)]
        for line in lines:
            _check_lists(name, line)
        if lines == text.splitlines():
            return text
        expanded: str = Text.check(self, name, "\n".join(lines))
        return expanded


def _expanded(field: str, line: str) -> Iterator[str]:
    match = _SET.fullmatch(line.strip())
    if match is None:
        yield line
    elif match[1] in PROMPT_SETS:
        yield from PROMPT_SETS[match[1]]
    else:
        raise RecipeError(f"{field} has the line {line.strip()}; bundled sets are {_named_sets()}")


def _named_sets() -> str:
    return ", ".join(f"@{name}" for name in PROMPT_SETS)


def _check_lists(field: str, line: str) -> None:
    for match in _PLACEHOLDER.finditer(line):
        if match["list"] is not None and not _split(match["choices"]):
            expected = "words to choose from, such as {colour: red | blue}"
            raise RecipeError(f"{field} has {shown(match[0])}; expected {expected}")


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split("|") if word.strip())
