"""Calls to copy, filled with the settings of the page: Python, curl and the command line."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from html import escape
from typing import Any

from augmentai.recipe.fields import by_name
from augmentai.recipe.kinds import WholeNumber


def snippets(form: Mapping[str, Any], url: str, user: str = "") -> str:
    """Three calls that do what the page would do now, as HTML with a button to copy each.

    Args:
        form: {field name: what its control holds}.
        url: the page's address.
        user: the name that goes with the password, if the page asks for one.
    """
    values = {name: _plain(name, value) for name, value in form.items()}
    blocks = (
        ("Python", "pip install gradio_client", python_call(values, url, user)),
        ("curl", "on Linux and macOS", curl_call(values, url, user)),
        ("Command line", "on the machine where AugmentAI is installed", command_line(values)),
    )
    return "".join(_block(title, note, code) for title, note, code in blocks)


def _plain(name: str, value: Any) -> Any:
    """A control's value: the field's default for an empty one, and whole numbers as int (Gradio has floats)."""
    field = by_name(name)
    if value is None:
        return field.default
    return int(value) if isinstance(field.kind, WholeNumber) and value == int(value) else value


def _block(title: str, note: str, code: str) -> str:
    button = f'<button type="button" class="aug-button" data-copy aria-label="Copy the {title} call">Copy</button>'
    head = f'<div class="code-head"><h2>{title}</h2><span>{note}</span>{button}</div>'
    body = f'<pre tabindex="0" role="region" aria-label="{title} call"><code>{escape(code)}</code></pre>'
    return f'<section class="code">{head}{body}</section>'


def python_call(values: Mapping[str, Any], url: str, user: str = "") -> str:
    keywords = "".join(f"    {name}={_python(value)},\n" for name, value in values.items())
    login = f', auth=({_python(user)}, "PASSWORD")' if user else ""
    return (
        "from gradio_client import Client, handle_file\n\n"
        f"client = Client({_python(url)}{login})\n"
        "gallery, zip_path, report = client.predict(\n"
        '    files=[handle_file("photo.jpg"), handle_file("dataset.zip")],\n'
        f'{keywords}    api_name="/augment",\n)\n'
        'print(report["headline"], zip_path)'
    )


def _python(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def curl_call(values: Mapping[str, Any], url: str, user: str = "") -> str:
    """Upload, call, wait, save. What it needs of the answers is extracted with tools that every shell has."""
    body = json.dumps({"files": "FILES", **values}, ensure_ascii=False, indent=1).replace("'", "'\\''")
    body = body.replace('"FILES"', '[{"path": "\'"$FILE"\'", "meta": {"_type": "gradio.FileData"}}]', 1)
    curl = "curl -sS -b cookies.txt" if user else "curl -sS"
    login = f'curl -sS -c cookies.txt -d username={shlex.quote(user)} -d password=PASSWORD "$URL/login"\n'
    return (
        f"URL={shlex.quote(url.rstrip('/'))}\n"
        f"{login if user else ''}"
        f'FILE=$({curl} -F files=@photo.jpg "$URL/gradio_api/upload" | cut -d \'"\' -f 2)\n'
        f'ID=$({curl} "$URL/gradio_api/call/v2/augment" -H "content-type: application/json" \\\n'
        f"  --data-raw '{body}' | cut -d '\"' -f 4)\n"
        f'ZIP=$({curl} -N "$URL/gradio_api/call/augment/$ID" | tee answer.txt \\\n'
        """  | sed -n 's/.*"path": "\\([^"]*\\.zip\\)".*/\\1/p' | tail -n 1)\n"""
        f'{curl} -o augmented.zip "$URL/gradio_api/file=$ZIP"'
    )


def command_line(values: Mapping[str, Any]) -> str:
    words = ["augmentai", "photos/", "-o", "augmented"]
    for name, value in values.items():
        field = by_name(name)
        if name == "variations" or value != field.default:
            words += field.words(value)
    return shlex.join(words)
