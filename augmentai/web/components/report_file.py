"""The report as one HTML file that needs nothing else: to keep, to send, to print."""

from __future__ import annotations

import base64
from html import escape

from augmentai.web.assets import asset

_STYLES = ("page.css", "lift.css")
_USED = (".report", ".plot", ".code-head h2, .plot h2", ".bar-", ".aug-table", ".aug-line", ".lift-", ":root")


def with_save_link(html: str, title: str) -> str:
    """The report with a link that saves it, the file being in the link itself.

    Args:
        html: of the report.
        title: of the file.
    """
    data = base64.b64encode(report_file(html, title).encode()).decode()
    link = f"data:text/html;base64,{data}"
    save = f'<a class="aug-button" download="augmentai-report.html" href="{link}">Save as HTML</a>'
    return f'<p class="report-save">{save}</p>{html}'


def report_file(html: str, title: str) -> str:
    """The file.

    Example:
        >>> page = report_file("<p>16 variations</p>", "Report & more")
        >>> page.startswith("<!doctype html>"), "<h1>Report &amp; more</h1><p>16 variations</p>" in page
        (True, True)
    """
    styles = "\n".join((*(_used(asset(name)) for name in _STYLES), asset("report.css")))
    name = escape(title)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{name}</title>'
    head += f"<style>{styles}</style>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{name}</h1>{html}</body></html>'


def _used(styles: str) -> str:
    """The lines of a style sheet that a report needs; those for narrow screens stay within their condition."""
    lines = styles.splitlines()
    conditions = tuple(line for line in lines if line.startswith("@media") and line.rstrip().endswith("{"))
    return "\n".join(line for line in lines if line.strip().startswith((*_USED, *conditions, "}")))
