"""Models that hear sound: the contract, the registry, and a module for each backend.

    from listeners import Clip, create

    recogniser = create("faster-whisper:models/whisper-tiny", "recogniser")
    recogniser.prepare()
    [transcript] = recogniser.hear([Clip(audio)])     # float32, (samples,), at recogniser.rate_hz

The names below are imported when they are first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from listeners.contract import Clip as Clip
    from listeners.contract import Detection as Detection
    from listeners.contract import Embedding as Embedding
    from listeners.contract import HeardWord as HeardWord
    from listeners.contract import HearingFailure as HearingFailure
    from listeners.contract import Kind as Kind
    from listeners.contract import Listener as Listener
    from listeners.contract import ListenerInfo as ListenerInfo
    from listeners.contract import Ratings as Ratings
    from listeners.contract import Scores as Scores
    from listeners.contract import Transcript as Transcript
    from listeners.registry import create as create
    from listeners.registry import create_for_hearing as create_for_hearing
    from listeners.registry import list_names as list_names
    from listeners.testing import check_listener as check_listener
else:
    from copilot.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "listeners.contract": (
                "Clip",
                "Detection",
                "Embedding",
                "HeardWord",
                "HearingFailure",
                "Kind",
                "Listener",
                "ListenerInfo",
                "Ratings",
                "Scores",
                "Transcript",
            ),
            "listeners.registry": ("create", "create_for_hearing", "list_names"),
            "listeners.testing": ("check_listener",),
        },
    )
