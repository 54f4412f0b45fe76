"""Dataset formats: `base` is what each offers, one module or package a format, `detect` chooses."""

# Read by `augmentai.registry`; nothing is imported until a format is used.
BUILT_IN: dict[str, str] = {}
