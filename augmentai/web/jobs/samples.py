"""The bundled photos, for a first run without files of one's own."""

from __future__ import annotations

from augmentai.settings import EXAMPLES
from augmentai.web.jobs.upload_places import Upload

# The class folders of the bundled photos, so that a first run with them shows what labels do. A mirrored retina would
# be of the other eye, which its folder tells. It is alone in its class: the colours of a galaxy would be wrong for it.
_SAMPLES = {
    "outdoors": (
        *("china.jpg", "dandelions_clemens_engelhardt.jpg", "flower.jpg"),
        *("hubble_deep_field.jpg", "rocket.jpg"),
    ),
    "indoors": ("chelsea.png", "coffee.png"),
    "retina/science": ("retina.jpg",),
}


def samples() -> list[Upload]:
    """The bundled photos as if a folder of three classes had been uploaded."""
    folder_of = {name: folder for folder, names in _SAMPLES.items() for name in names}
    photos = sorted(path for path in EXAMPLES.iterdir() if path.suffix.lower() in {".jpg", ".png"})
    return [(f"{folder_of.get(path.name, 'more')}/{path.name}", str(path)) for path in photos]
