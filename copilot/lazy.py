"""Public names of a package, imported when they are first used (PEP 562).

Importing the package then costs nothing. A package's `__init__` states its names twice, once for type
checkers and editors and once for Python; a test holds the two equal:

    from typing import TYPE_CHECKING

    if TYPE_CHECKING:
        from copilot.edit import apply as apply
        from copilot.scene import Scene as Scene
    else:
        from copilot.lazy import lazy_exports

        __getattr__, __dir__, __all__ = lazy_exports(
            __name__, {"copilot.edit": ("apply",), "copilot.scene": ("Scene",)}
        )
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_exports(
    package: str, exports: Mapping[str, tuple[str, ...]]
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` for a package.

    `exports` holds, by module, the public names that it defines. An unknown name raises AttributeError, so
    that `from package import submodule` still works.
    """
    modules = {name: module for module, names in exports.items() for name in names}

    def get_attribute(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return get_attribute, list_names, sorted(modules)
