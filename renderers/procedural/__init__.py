"""The backend `procedural`: sounds synthesised from their captions by rules.

The names below are imported when they are first used; the other modules are the backend's own.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from renderers.procedural.renderer import FALLBACK as FALLBACK
    from renderers.procedural.renderer import LONGEST_S as LONGEST_S
    from renderers.procedural.renderer import ProceduralRenderer as ProceduralRenderer
    from renderers.procedural.renderer import make_sound as make_sound
else:
    from copilot.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {"renderers.procedural.renderer": ("FALLBACK", "LONGEST_S", "ProceduralRenderer", "make_sound")},
    )
