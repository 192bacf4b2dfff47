"""Backends that turn elements into sounds: the contract, the registry, and a package for each backend.

    from renderers import RenderRequest, create

    renderer = create("procedural", "sfx")
    renderer.prepare()
    [sound] = renderer.render([RenderRequest("rain on a tin roof", duration_s=4.0, random_seed=7)])

The names below are imported when they are first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from renderers.contract import BatchTooLargeError as BatchTooLargeError
    from renderers.contract import Reference as Reference
    from renderers.contract import RenderedSound as RenderedSound
    from renderers.contract import Renderer as Renderer
    from renderers.contract import RendererInfo as RendererInfo
    from renderers.contract import RenderFailure as RenderFailure
    from renderers.contract import RenderRequest as RenderRequest
    from renderers.contract import RenderSettings as RenderSettings
    from renderers.contract import Tool as Tool
    from renderers.contract import Voice as Voice
    from renderers.contract import Word as Word
    from renderers.contract import get_info as get_info
    from renderers.contract import list_problems as list_problems
    from renderers.listing import ListedRenderer as ListedRenderer
    from renderers.listing import list_renderers as list_renderers
    from renderers.registry import create as create
    from renderers.registry import create_for_rendering as create_for_rendering
    from renderers.registry import list_names as list_names
    from renderers.testing import check_renderer as check_renderer
    from renderers.voice_bank import VoiceBank as VoiceBank
    from renderers.voice_bank import read_bank as read_bank
    from renderers.voice_quality import VoiceReport as VoiceReport
    from renderers.voice_quality import check_bank as check_bank
else:
    from copilot.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "renderers.contract": (
                "BatchTooLargeError",
                "Reference",
                "RenderFailure",
                "RenderRequest",
                "RenderSettings",
                "RenderedSound",
                "Renderer",
                "RendererInfo",
                "Tool",
                "Voice",
                "Word",
                "get_info",
                "list_problems",
            ),
            "renderers.listing": ("ListedRenderer", "list_renderers"),
            "renderers.registry": ("create", "create_for_rendering", "list_names"),
            "renderers.testing": ("check_renderer",),
            "renderers.voice_bank": ("VoiceBank", "read_bank"),
            "renderers.voice_quality": ("VoiceReport", "check_bank"),
        },
    )
