"""The domain: scenes, edits, stems, mixes and samples.

    from copilot import Change, Scene, SoundElement, SoundSpec, apply, make_stem, mix_dialogue

    rain = SoundElement(id=1, role="ambience", text="rain", loudness=-24, panning=0, start_time=0, duration=8)
    stem = make_stem(SoundSpec("sfx", "rain", 8.0, 7, {"backend": "mine"}), audio, rate_hz=44_100)
    scenes = [scene := Scene(elements=[rain]), apply(scene, [Change(id=1, panning=0.8)])]
    mix_dialogue(scenes, {1: stem}).turns[1].audio  # float32, (2, samples), 48 kHz

Nothing here imports an executor, a model server or a GPU library. The names below are imported when they
are first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from copilot.arrow import read_dialogue as read_dialogue
    from copilot.arrow import read_reject as read_reject
    from copilot.arrow import read_sample as read_sample
    from copilot.arrow import remix as remix
    from copilot.arrow import sample_row as sample_row
    from copilot.checks import run_audio_checks as run_audio_checks
    from copilot.designers.account import Account as Account
    from copilot.designers.account import Usage as Usage
    from copilot.designers.contract import AsyncDesigner as AsyncDesigner
    from copilot.designers.contract import Design as Design
    from copilot.designers.contract import Designer as Designer
    from copilot.designers.contract import DesignerContext as DesignerContext
    from copilot.designers.contract import DesignerInfo as DesignerInfo
    from copilot.designers.contract import DesignFault as DesignFault
    from copilot.designers.listing import list_designers as list_designers
    from copilot.designers.scripted import ScriptedDesigner as ScriptedDesigner
    from copilot.designers.testing import check_designer as check_designer
    from copilot.dialogue import Dialogue as Dialogue
    from copilot.dialogue import Mode as Mode
    from copilot.dialogue import Task as Task
    from copilot.dialogue import Turn as Turn
    from copilot.edit import Add as Add
    from copilot.edit import Change as Change
    from copilot.edit import Edit as Edit
    from copilot.edit import EditError as EditError
    from copilot.edit import Operation as Operation
    from copilot.edit import Remove as Remove
    from copilot.edit import Replace as Replace
    from copilot.edit import apply as apply
    from copilot.edit import compare as compare
    from copilot.edit import diff as diff
    from copilot.emotions import Emotion as Emotion
    from copilot.errors import BackendBrokenError as BackendBrokenError
    from copilot.errors import ConfigMismatchError as ConfigMismatchError
    from copilot.errors import CopilotError as CopilotError
    from copilot.errors import CorruptDataError as CorruptDataError
    from copilot.errors import MissingExtraError as MissingExtraError
    from copilot.errors import RejectedError as RejectedError
    from copilot.errors import RowFault as RowFault
    from copilot.errors import RunInUseError as RunInUseError
    from copilot.errors import StorageError as StorageError
    from copilot.errors import UserError as UserError
    from copilot.frozen_model import Range as Range
    from copilot.mix import DialogueMix as DialogueMix
    from copilot.mix import PlacedStem as PlacedStem
    from copilot.mix import TurnMix as TurnMix
    from copilot.mix import compute_null_residual as compute_null_residual
    from copilot.mix import mix_dialogue as mix_dialogue
    from copilot.normalise import normalise_dialogue as normalise_dialogue
    from copilot.parse import parse_dialogue as parse_dialogue
    from copilot.rules import check_dialogue as check_dialogue
    from copilot.rules.rule import Violation as Violation
    from copilot.sample import Provenance as Provenance
    from copilot.sample import Reject as Reject
    from copilot.sample import Sample as Sample
    from copilot.sample import StoredStem as StoredStem
    from copilot.sample import sample_id as sample_id
    from copilot.scene import Element as Element
    from copilot.scene import Scene as Scene
    from copilot.scene import SceneLimits as SceneLimits
    from copilot.scene import SoundElement as SoundElement
    from copilot.scene import SpeechElement as SpeechElement
    from copilot.seed import Seed as Seed
    from copilot.stem import SoundSpec as SoundSpec
    from copilot.stem import Stem as Stem
    from copilot.stem import StemInfo as StemInfo
    from copilot.stem import load_stem as load_stem
    from copilot.stem import make_stem as make_stem
    from copilot.units import SAMPLE_RATE_HZ as SAMPLE_RATE_HZ
    from copilot.version import __version__ as __version__
    from copilot.vocabulary import Check as Check
    from copilot.vocabulary import Tier as Tier
    from copilot.vocabulary import Word as Word
else:
    from copilot.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "copilot.arrow": ("read_dialogue", "read_reject", "remix", "read_sample", "sample_row"),
            "copilot.checks": ("run_audio_checks",),
            "copilot.designers.account": ("Account", "Usage"),
            "copilot.designers.contract": (
                "AsyncDesigner",
                "Design",
                "DesignFault",
                "Designer",
                "DesignerContext",
                "DesignerInfo",
            ),
            "copilot.designers.listing": ("list_designers",),
            "copilot.designers.scripted": ("ScriptedDesigner",),
            "copilot.designers.testing": ("check_designer",),
            "copilot.dialogue": ("Dialogue", "Mode", "Task", "Turn"),
            "copilot.edit": (
                "Add",
                "Change",
                "Edit",
                "EditError",
                "Operation",
                "Remove",
                "Replace",
                "apply",
                "compare",
                "diff",
            ),
            "copilot.emotions": ("Emotion",),
            "copilot.errors": (
                "BackendBrokenError",
                "ConfigMismatchError",
                "CopilotError",
                "CorruptDataError",
                "MissingExtraError",
                "RejectedError",
                "RowFault",
                "RunInUseError",
                "StorageError",
                "UserError",
            ),
            "copilot.frozen_model": ("Range",),
            "copilot.mix": ("DialogueMix", "PlacedStem", "TurnMix", "mix_dialogue", "compute_null_residual"),
            "copilot.normalise": ("normalise_dialogue",),
            "copilot.parse": ("parse_dialogue",),
            "copilot.rules": ("check_dialogue",),
            "copilot.rules.rule": ("Violation",),
            "copilot.sample": ("Provenance", "Reject", "Sample", "StoredStem", "sample_id"),
            "copilot.scene": ("Element", "Scene", "SceneLimits", "SoundElement", "SpeechElement"),
            "copilot.seed": ("Seed",),
            "copilot.stem": ("SoundSpec", "Stem", "StemInfo", "load_stem", "make_stem"),
            "copilot.units": ("SAMPLE_RATE_HZ",),
            "copilot.vocabulary": ("Check", "Tier", "Word"),
            "copilot.version": ("__version__",),
        },
    )
