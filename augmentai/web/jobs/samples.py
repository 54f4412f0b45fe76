"""The bundled photos, for a first run without files of one's own."""

from __future__ import annotations

from augmentai.settings import EXAMPLES
from augmentai.web.jobs.uploads import Upload

# The class folders of the bundled photos, so that a first run with them shows what labels do.
_SAMPLES = {
    "outdoors": ("china.jpg", "dandelions_clemens_engelhardt.jpg", "flower.jpg"),
    "indoors": ("chelsea.png", "coffee.png"),
    "science": ("hubble_deep_field.jpg", "retina.jpg", "rocket.jpg"),
}


def samples() -> list[Upload]:
    """The bundled photos as if a folder of three classes had been uploaded."""
    label_of = {name: label for label, names in _SAMPLES.items() for name in names}
    photos = sorted(path for path in EXAMPLES.iterdir() if path.suffix.lower() in {".jpg", ".png"})
    return [(f"{label_of.get(path.name, 'more')}/{path.name}", str(path)) for path in photos]
