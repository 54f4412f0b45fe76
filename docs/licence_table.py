"""Writes docs/licences.md: the licence of every package of requirements.lock, as the installed package states it.

python docs/licence_table.py
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "licences.md"
# What wheels bring beside their own code, which their metadata does not say.
BUNDLED = {
    "av": "wheels hold FFmpeg with libx264 and libx265: GPL-2.0-or-later",
    "pillow-heif": "wheels hold libx265: GPL-2.0-or-later, and libheif and libde265: LGPL-3.0",
    "opencv-python-headless": "wheels hold FFmpeg: LGPL-2.1",
    "numpy": "wheels hold OpenBLAS: BSD-3-Clause, and libgfortran: GPL-3.0 with the GCC exception",
    "scipy": "wheels hold OpenBLAS: BSD-3-Clause, and libgfortran: GPL-3.0 with the GCC exception",
    "shapely": "wheels hold GEOS: LGPL-2.1",
}
_HEAD = """# Licences of packages

What `requirements.lock` installs, and PyTorch, with the licence that each package states. `make lock` writes it.

Two wheels hold codecs under the GPL, though their metadata does not say so: **pillow-heif**, which reads HEIC and AVIF,
and **av**, which `supervision` requires. Whoever redistributes an image or an installation with them must follow the
GPL for these libraries. AugmentAI's own wheel holds neither, and nothing here uses `av`: it may be uninstalled.

| package | version | licence | besides |
| --- | --- | --- | --- |
"""


def locked() -> dict[str, str]:
    """The version of each package."""
    found = re.findall(r"^([a-z0-9._-]+)==([^\s]+)", (ROOT / "requirements.lock").read_text(), re.M)
    torch = re.findall(r"^(torch)==(\S+)", (ROOT / "requirements.txt").read_text(), re.M)
    return dict(sorted([*found, *torch]))


def licence(package: str) -> str:
    """The licence that an installed package states; "not installed here" if it is not."""
    try:
        about = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return "not installed here"
    stated = about.get("License-Expression") or ""
    classes = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or () if line.startswith("License")]
    first = (about.get("License") or "").strip().splitlines()[:1]
    found = stated or ", ".join(one for one in classes if one != "OSI Approved") or "".join(first)
    return found[:80].replace("|", "/") or "not stated"


def table() -> str:
    """The page."""
    rows = (f"| {one} | {version} | {licence(one)} | {BUNDLED.get(one, '')} |" for one, version in locked().items())
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    TARGET.write_text(table(), encoding="utf-8")
