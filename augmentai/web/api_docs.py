"""What the API's documentation ("Use via API", the clients' `view_api`) says of each keyword and of what is returned.

Gradio derives it from components, whose labels would have to be names and explanations at once. Here a keyword has its
own explanation, its Python type and an example, and what is returned has short names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from augmentai.recipe.fields import RecipeField
from augmentai.recipe.kinds import Fraction, WholeNumber

# What the page of documentation puts into its code to copy; Gradio's own example is a PDF.
_IMAGE = "https://raw.githubusercontent.com/gradio-app/gradio/main/test/test_files/bus.png"
EXAMPLE_FILE = {"path": _IMAGE, "meta": {"_type": "gradio.FileData"}, "orig_name": "bus.png", "url": _IMAGE}


@dataclass(frozen=True)
class KeywordDocs:
    """One keyword of an endpoint.

    Attributes:
        help: what it does, in one line.
        python_type: as a hint would say it; "" for what its component says.
        example: for code to copy; None for its default.
    """

    help: str
    python_type: str = ""
    example: Any = None


EndpointDocs = Mapping[str, KeywordDocs]  # by keyword


def field_docs(field: RecipeField) -> KeywordDocs:
    """The documentation of a recipe field as a keyword.

    Example:
        >>> from augmentai.recipe.fields import by_name
        >>> field_docs(by_name("strength")).python_type
        "Literal['auto'] | float"
    """
    kind, python_type = field.kind, ""
    if isinstance(kind, WholeNumber):
        python_type = "int"
    elif isinstance(kind, Fraction):
        words = f"Literal[{', '.join(map(repr, kind.words))}] | " if kind.words else ""
        python_type = f"{words}float"
    bounds = f" ({kind.values()})" if python_type else ""
    return KeywordDocs(field.setting.help.removesuffix(".") + bounds + ".", python_type)


def document(info: dict[str, Any], endpoints: Mapping[str, EndpointDocs]) -> dict[str, Any]:
    """Gradio's description of the API, with what is known of its keywords.

    Args:
        info: as `Blocks.get_api_info` returns it; changed in place.
        endpoints: by the name of the endpoint, without its slash.
    """
    for name, docs in endpoints.items():
        for parameter in info["named_endpoints"].get(f"/{name}", {}).get("parameters", ()):
            known = docs[parameter["parameter_name"]]
            parameter["label"] = parameter["parameter_name"]
            parameter["python_type"]["description"] = known.help
            if known.python_type:
                parameter["python_type"]["type"] = known.python_type
            example = parameter["parameter_default"] if known.example is None else known.example
            parameter["example_input"] = example
    return info
