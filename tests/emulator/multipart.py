"""multipart/form-data (RFC 7578) into fields and files."""

from __future__ import annotations

import re


def parse(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    """Fields as text and files as bytes. Raises ValueError where it is no multipart form."""
    match = re.search(r'boundary="?([^";]+)"?', content_type)
    if not content_type.lower().startswith("multipart/form-data") or not match:
        raise ValueError("not multipart/form-data")
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    line = b"--" + match[1].encode()
    for part in (b"\r\n" + body).split(b"\r\n" + line)[1:]:
        if part.startswith(b"--"):
            break
        head, blank, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not blank:
            continue
        headers = head.decode("utf-8", "replace")
        name = re.search(r'name="([^"]*)"', headers)
        if name is None:
            continue
        if "filename=" in headers:
            files[name[1]] = content
        else:
            fields[name[1]] = content.decode("utf-8", "replace")
    return fields, files
