"""AugmentAI's entry: `python app.py`, and what a Space starts."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # nothing is sent anywhere unless somebody asks for it


def main() -> None:
    from augmentai.settings import SettingsError, load_settings
    from augmentai.web.serve import serve

    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(f"AugmentAI cannot start: {error}")
    serve(settings)


if __name__ == "__main__":
    main()
