"""The record that travels through the stages: one per seed, from the seed to a sample or a reject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from copilot.designers.account import Account
from copilot.dialogue import Dialogue
from copilot.errors import RowFault
from copilot.mix import DialogueMix
from copilot.sample import CastVoice, Reject, Sample, sample_id
from copilot.seed import Seed
from copilot.stem import Stem
from copilot.vocabulary import Check
from pipelines.accounting.stage_times import StageTimes
from renderers.contract import Reference, Voice


@dataclass(frozen=True, slots=True)
class Cast:
    """A speaker's voice, and the reference that shows it in each emotion in which the speaker speaks."""

    known: CastVoice
    voice: Voice
    references: Mapping[str, Reference] = field(default_factory=dict)


@dataclass(slots=True)
class Record:
    """One seed on its way. Each stage fills in its part; a rejected record passes later stages untouched."""

    seed: Seed
    id: str
    dialogue: Dialogue | None = None
    account: Account = field(default_factory=Account)
    design_checks: tuple[Check, ...] = ()
    designed: Dialogue | None = field(default=None, repr=False)
    """The dialogue as a language model has written it; later stages may replace `dialogue`."""
    normalised: tuple[str, ...] = ()
    rule_checks: tuple[Check, ...] = ()
    voices: Mapping[str, Cast] = field(default_factory=dict)
    stems: dict[int, Stem] = field(default_factory=dict)
    mix: DialogueMix | None = None
    checks: tuple[Check, ...] = ()
    sample: Sample | None = None
    reject: Reject | None = None
    times: StageTimes = field(default_factory=StageTimes)
    """The time that the stages took so far. The first record of a batch has the time of the whole batch."""

    def __repr__(self) -> str:
        """Name the seed, and the parts that the stages have made so far."""
        parts = (
            ("dialogue", self.dialogue),
            ("stems", self.stems or None),
            ("mix", self.mix),
            ("sample", self.sample),
        )
        made = [name for name, part in parts if part is not None]
        if self.reject is not None:
            made.append(f"rejected: {self.reject.stage}/{self.reject.reason}")
        return f"Record({', '.join([repr(self.seed.id), self.id, *made])})"

    def require_dialogue(self) -> Dialogue:
        """Return the dialogue. Raises RowFault `no-dialogue` if no stage has made one."""
        if self.dialogue is None:
            raise RowFault("no-dialogue", "no stage has given the record a dialogue")
        return self.dialogue

    def require_mix(self) -> DialogueMix:
        """Return the mix. Raises RowFault `no-mix` if no stage has made one."""
        if self.mix is None:
            raise RowFault("no-mix", "no stage has given the record a mix")
        return self.mix

    def refuse(self, stage: str, reason: str, detail: str) -> None:
        """Reject the seed, and drop its working data."""
        replies = self.account.raw_replies
        self.reject = Reject(self.id, self.seed, stage, reason, detail, replies, self.dialogue)
        self.stems, self.mix, self.sample = {}, None, None


def not_rejected(records: Sequence[Record]) -> list[Record]:
    """Return the records that no stage has rejected."""
    return [record for record in records if record.reject is None]


def new_record(seed: Seed, run_seed: int) -> Record:
    """Return the record of a seed that no stage has seen yet."""
    return Record(seed, sample_id(run_seed, seed.id))
