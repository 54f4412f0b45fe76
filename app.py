"""AugmentAI's entry: `python app.py`, and what a Space starts."""

from __future__ import annotations

import argparse
import os
import sys

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # nothing is sent anywhere unless somebody asks for it


def main() -> None:
    parser = argparse.ArgumentParser(description="Open AugmentAI's page. Everything else is set by the environment.")
    parser.add_argument("--share", action="store_true", help="also open a public link, behind a password")
    parser.add_argument("--no-password", action="store_true", help="let everybody in who has that link")
    parser.add_argument("--host", help="address to listen on; 127.0.0.1 unless set")
    parser.add_argument("--port", help="port; the first free one from 7860 unless set")
    given = parser.parse_args()
    flags = {"GRADIO_SHARE": "true" if given.share else None, "GRADIO_SERVER_NAME": given.host}
    flags |= {"GRADIO_SERVER_PORT": given.port, "AUGMENTAI_ASK_PASSWORD": "false" if given.no_password else None}
    os.environ.update({name: value for name, value in flags.items() if value})

    from augmentai.settings import SettingsError, load_settings
    from augmentai.web.server import serve

    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(f"AugmentAI cannot start: {error}")
    serve(settings)


if __name__ == "__main__":
    main()
