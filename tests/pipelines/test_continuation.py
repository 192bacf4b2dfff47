"""Further turns on a sample that exists: its turns, its sounds and its voices stay as they are."""

from __future__ import annotations

import pytest

from copilot.edit import Add, Change, Remove
from copilot.errors import ConfigMismatchError, UserError
from copilot.mix import compute_null_residual
from copilot.scene import SoundElement, SpeechElement
from pipelines.config import RunConfig
from pipelines.continuation import continue_dialogue
from pipelines.inspection.verify.run import verify
from pipelines.main_job import GenerateRequest, generate
from pipelines.run.open import open_run
from pipelines.stages.worker_spec import ExecutionSettings

STAND_INS = RunConfig(seeds="starter", designer="stand-in", sfx="noise", tts="murmur", run_seed=7)
LOUDER = Change(id=4, loudness=-14)
"""Of the bell that the stand-in's last turn brings."""


def a_bird(number=5):
    return SoundElement(
        id=number, role="effect", text="a bird", loudness=-20, panning=-0.4, start_time=0.2, duration=0.8
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("old") / "run"
    generate(GenerateRequest(config=STAND_INS, out=place, num=2))
    return open_run(place)


@pytest.fixture
def go_on(run, tmp_path):
    def call(requests, operations, out="new", **more):
        place = tmp_path / out
        outcome = continue_dialogue(run.place, run.ids()[0], place, requests, operations=operations, **more)
        assert outcome.n_left == 0
        return open_run(place)

    return call


def only(run):
    (sample_id,) = run.ids()
    return run[sample_id]


def the_reject(run):
    (reject,) = run.rejects()
    return (reject.stage, reject.reason)


def test_the_old_turns_and_their_sounds_stay(run, go_on):
    old = run[run.ids()[0]]
    new = only(go_on(["A bird, please.", "Make the bell louder."], [[Add(element=a_bird())], [LOUDER]]))
    n_old = len(old.dialogue.turns)
    assert new.dialogue.turns[:n_old] == old.dialogue.turns
    assert [(turn.task, turn.user) for turn in new.dialogue.turns[n_old:]] == [
        ("add", "A bird, please."),
        ("volume", "Make the bell louder."),
    ]
    stems = {stem.element_id: (stem.info.key, stem.flac) for stem in new.stems}
    assert stems.keys() == {1, 2, 3, 4, 5}
    assert {stem.element_id: stems[stem.element_id] for stem in old.stems} == {
        stem.element_id: (stem.info.key, stem.flac) for stem in old.stems
    }
    assert new.seed.id.startswith(f"{old.seed.id}/")
    assert new.seed.text == old.seed.text
    assert new.provenance.designer == "given"
    assert new.provenance.voices == old.provenance.voices


def test_the_first_new_turn_differs_by_its_edit_alone(run, go_on):
    old = run[run.ids()[0]]
    new = only(go_on(["A bird, please."], [[Add(element=a_bird())]]))
    n_old = len(old.dialogue.turns)
    assert new.headroom_db == old.headroom_db
    assert new.mixes[:n_old] == old.mixes
    before, after = new.mix_again().turns[n_old - 1 : n_old + 1]
    assert compute_null_residual(before, after, frozenset({5})) == 0
    assert compute_null_residual(before, after, frozenset()) > 0


def test_one_gain_for_all_turns_if_the_new_ones_need_headroom(run, go_on):
    old = run[run.ids()[0]]
    birds = ("a bird", "an owl", "a crow", "a gull", "a robin", "a wren")
    loud = [
        Add(element=a_bird(5 + k).model_copy(update={"loudness": -10.0, "panning": 1.0, "text": bird}))
        for k, bird in enumerate(birds)
    ]
    new = only(go_on(["More birds."], [loud]))
    assert new.headroom_db < old.headroom_db
    assert [turn.scene for turn in new.dialogue.turns[:3]] == [turn.scene for turn in old.dialogue.turns]


def test_nothing_that_was_rendered_is_rendered_again(run, go_on, monkeypatch):
    from renderers.testing import MurmurRenderer, NoiseRenderer

    rendered = []
    for renderer in (MurmurRenderer, NoiseRenderer):
        real = renderer.render
        monkeypatch.setattr(
            renderer,
            "render",
            lambda self, requests, real=real: (
                rendered.extend(r.text for r in requests) or real(self, requests)
            ),
        )
    go_on(["A bird, please."], [[Add(element=a_bird())]])
    assert rendered == ["a bird"]


def test_the_new_run_verifies_resumes_and_is_continued(run, go_on, tmp_path):
    edits = (["A bird, please."], [[Add(element=a_bird())]])
    new = go_on(*edits)
    assert verify(new.place).problems == ()
    assert go_on(*edits).ids() == new.ids()
    with pytest.raises(ConfigMismatchError):
        go_on(["Two birds, please."], edits[1])
    continue_dialogue(new.place, new.ids()[0], tmp_path / "third", ["No bird."], operations=[[Remove(id=5)]])
    third = only(open_run(tmp_path / "third"))
    assert third.dialogue.turns[:4] == only(new).dialogue.turns
    assert len(third.dialogue.turns) == 5


def test_a_speaker_keeps_the_voice_and_a_new_one_gets_another(run, go_on):
    old = run[run.ids()[0]]
    lines = [
        SpeechElement(
            id=number, text="It is me.", speaker=speaker, gender="female", emotion="happy",
            loudness=-15, panning=0, start_time=0.1, duration=1.5,
        )
        for number, speaker in ((5, "Woman"), (6, "girl"))
    ]  # fmt: skip
    edits = [[Add(element=lines[0])], [Remove(id=5), Add(element=lines[1])]]
    new = only(go_on(["An answer.", "Another."], edits))
    voices = {voice.speaker: voice.voice for voice in new.provenance.voices}
    assert voices["woman"] == old.provenance.voices[0].voice
    assert len(voices) == 2


def test_a_sample_of_mixes_alone_takes_its_stems_from_the_store(tmp_path):
    config = STAND_INS.model_copy(update={"keep": "mixes"})
    generate(GenerateRequest(config=config, out=tmp_path / "old", num=1))
    old = open_run(tmp_path / "old")
    continue_dialogue(old.place, old.ids()[0], tmp_path / "new", ["Louder."], operations=[[LOUDER]])
    assert only(open_run(tmp_path / "new")).mixes[:3] == only(old).mixes
    with pytest.raises(UserError) as caught:
        continue_dialogue(
            old.place, old.ids()[0], tmp_path / "other", ["Louder."], operations=[[LOUDER]],
            settings=ExecutionSettings(store=str(tmp_path / "empty")),
        )  # fmt: skip
    assert caught.value.field == "store"


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([Change(id=4, duration=1.0)], ("render-sounds", "longer-than-its-stem")),
        ([Remove(id=9)], ("design", "operations-make-scene")),
        ([Add(element=a_bird(3))], ("validate", "id-used-again")),
        ([Change(id=4, loudness=-3)], ("validate", "loudness-range")),
    ],
)
def test_an_edit_that_cannot_be_is_a_reject(go_on, operations, expected):
    assert the_reject(go_on(["Please."], [operations])) == expected


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"requests": ["One.", "Two."], "operations": [[LOUDER]]}, "operations"),
        ({"requests": [], "operations": [[LOUDER]]}, "operations"),
        ({"requests": [" "]}, "requests"),
        ({"requests": ["One."], "n_turns": 2}, "n_turns"),
        ({"n_turns": 0}, "n_turns"),
        ({"requests": ["One."]}, "designer"),
    ],
)
def test_what_cannot_be_continued_is_refused(run, tmp_path, arguments, field):
    with pytest.raises(UserError) as caught:
        continue_dialogue(run.place, run.ids()[0], tmp_path / "new", **arguments)
    assert caught.value.field == field


def test_an_unknown_sample_is_refused(run, tmp_path):
    with pytest.raises(KeyError):
        continue_dialogue(run.place, "nope", tmp_path / "new", ["One."])
