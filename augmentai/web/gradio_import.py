"""Imports Gradio without a slow step that no server needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_STUB_WRITER = "gradio.component_meta"


def import_gradio() -> ModuleType:
    """Import Gradio in about two thirds of the usual time.

    For each of its components, Gradio parses the source, compares it with an editor stub beside it, and writes into
    site-packages if they differ. This import skips that.
    """
    finder = _WithoutStubs()
    sys.meta_path.insert(0, finder)
    try:
        import gradio
    finally:
        sys.meta_path.remove(finder)
    return gradio


class _WithoutStubs(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != _STUB_WRITER:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_without_stubs(module: ModuleType) -> None:
            load(module)
            if hasattr(module, "create_or_modify_pyi"):
                module.create_or_modify_pyi = lambda *_, **__: None  # type: ignore[attr-defined]

        spec.loader.exec_module = load_without_stubs  # type: ignore[method-assign]
        return spec
