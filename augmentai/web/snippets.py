"""Calls from code, filled with the settings that the page shows: Python, curl and the command line."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from html import escape
from typing import Any

from augmentai.recipe import Recipe

_FLAGS = {"output_format": "--format"}  # where the command line's word is not the field's own


def snippets(form: Mapping[str, Any], url: str) -> str:
    """Three calls that do what the page would do now, as HTML with a button to copy each."""
    usual = Recipe()
    values = {name: getattr(usual, name) if value is None else value for name, value in form.items()}
    values = {
        name: int(v) if isinstance(v, float) and v == int(v) and name != "strength" else v for name, v in values.items()
    }
    blocks = (
        ("Python", "pip install gradio_client", python_call(values, url)),
        ("curl", "and jq", curl_call(values, url)),
        ("Command line", "on the computer where AugmentAI is", command_line(values, usual)),
    )
    return "".join(_block(title, note, code) for title, note, code in blocks)


def _block(title: str, note: str, code: str) -> str:
    button = f'<button type="button" class="aug-button" data-copy aria-label="Copy the {title} call">Copy</button>'
    head = f'<div class="code-head"><h2>{title}</h2><span>{note}</span>{button}</div>'
    body = f'<pre tabindex="0" role="region" aria-label="{title} call"><code>{escape(code)}</code></pre>'
    return f'<section class="code">{head}{body}</section>'


def python_call(values: Mapping[str, Any], url: str) -> str:
    keywords = "".join(f"    {name}={_python(value)},\n" for name, value in values.items())
    return (
        "from gradio_client import Client, handle_file\n\n"
        f"client = Client({_python(url)})\n"
        "gallery, zip_path, report = client.predict(\n"
        '    files=[handle_file("photo.jpg"), handle_file("dataset.zip")],\n'
        f'{keywords}    api_name="/augment",\n)\n'
        'print(report["headline"], zip_path)'
    )


def _python(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def curl_call(values: Mapping[str, Any], url: str) -> str:
    body = json.dumps({"files": "FILES", **values}, ensure_ascii=False).replace("'", "'\\''")
    body = body.replace('"FILES"', '[{"path": \'"$FILE"\', "meta": {"_type": "gradio.FileData"}}]')
    root = url.rstrip("/")
    return (
        f"URL={shlex.quote(root)}\n"
        'FILE=$(curl -s -F files=@photo.jpg "$URL/gradio_api/upload" | jq ".[0]")\n'
        'ID=$(curl -s "$URL/gradio_api/call/v2/augment" -H "content-type: application/json" \\\n'
        f"  -d '{body}' | jq -r .event_id)\n"
        'curl -sN "$URL/gradio_api/call/augment/$ID"'
    )


def command_line(values: Mapping[str, Any], usual: Recipe) -> str:
    words = ["python", "-m", "augmentai", "photos/", "-o", "augmented"]
    for name, value in values.items():
        if name == "variations" or value != getattr(usual, name):
            words += [_FLAGS.get(name, "--" + name.replace("_", "-")), str(value)]
    return shlex.join(words)
