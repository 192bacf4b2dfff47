"""Lines of speech out of seeds."""

import pytest

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.lexicon_data import load_lexicon
from copilot.designers.scripted.lines import Line, LineCutter
from copilot.frozen_model import Range
from copilot.scene import SceneLimits
from copilot.text.counting import count_words


@pytest.fixture(scope="module")
def cutter() -> LineCutter:
    return LineCutter(load_lexicon()[0].voices)


@pytest.mark.parametrize(
    ("seed", "line"),
    [
        ("MISTER POPHAM LAID DOWN HIS BRUSH", "Mr Popham laid down his brush."),
        ("AFTER ALL I'M SURE THAT I WAS YOUNG", "After all I'm sure that I was young."),
        ("AND THEY WERE PROUD OF IT IN PARIS", "They were proud of it in Paris."),
        ("WHAT DO YOU MEAN BY THAT SIR", "What do you mean by that sir?"),
        ("WILL THE HURONS HEAR HIS GROANS", "Will the hurons hear his groans?"),
        ("YES", "Yes."),
        ("Where are you, Anna? I cannot see you.", "Where are you, Anna?"),
        (
            "\u201cWe are late,\u201d he said, \u201cbut not too late.\u201d",
            "We are late, he said, but not too late.",
        ),
        ("THIS IS THE END OF THE", "This is the end."),
    ],
)
def test_a_short_seed_is_spoken_as_one_would_write_it(cutter, seed, line):
    assert cutter.cut_lines(seed, Dice(1))[0].text == line


def test_capitals_that_the_seed_has_are_kept(cutter):
    assert cutter.quote("Where are you,  Anna?") == "Where are you, Anna?"


@pytest.mark.parametrize("seed", ["", "  ", "...", "\x00\u2028", "THE OF AND"])
def test_no_line_without_words(cutter, seed):
    assert cutter.cut_lines(seed, Dice(1)) == []


def test_a_long_seed_is_cut_into_clauses(cutter):
    seed = (
        "I THINK I MUST SHOW YOU MY PATCHWORK GIRL SAID MARGOLOTTE LAUGHING AT THE BOY'S ASTONISHMENT "
        "FOR SHE IS RATHER DIFFICULT TO EXPLAIN"
    )
    lines = [line.text.rstrip("!.?") for line in cutter.cut_lines(seed, Dice(1))]
    assert lines[0] in ("I think I must show you my patchwork girl", "She is rather difficult to explain")
    assert all(3 <= count_words(line) <= 14 for line in lines)


def test_a_sentence_without_clauses_is_cut_before_a_preposition(cutter):
    seed = "THE SILENT RECTOR OF AN OLD PARISH DESCRIBED AT GREAT LENGTH THE PECULIAR NATURE OF HIS GARDEN"
    text = "The silent rector of an old parish described at great length the peculiar nature."
    assert cutter.cut_lines(seed, Dice(1))[0].text == text


def test_a_quote_ends_in_dots_where_it_is_cut(cutter):
    assert cutter.quote("ONE TWO THREE") == "One two three"
    assert cutter.quote("BELL " * 60) == " ".join(["Bell", *["bell"] * 21]) + " ..."
    assert cutter.quote("") == ""


@pytest.mark.parametrize(
    ("seed", "emotion"),
    [
        ("HE WEPT FOR SORROW AT HER GRAVE", "sad"),
        ("YOU SCOUNDREL AND TRAITOR TO YOUR KING", "angry"),
        ("THEY TREMBLED WITH TERROR IN THE DARK", "fearful"),
        ("HUSH SHE WHISPERED IN SILENCE", "whispered"),
        ("THERE ARE SEVEN OF THESE IN ALL", "neutral"),
    ],
)
def test_the_words_suggest_the_emotion(cutter, seed, emotion):
    assert cutter.cut_lines(seed, Dice(1))[0].emotion == emotion


def test_a_line_needs_time_by_its_words_and_by_its_letters():
    limits = SceneLimits()
    assert Line("One two three four.", "neutral").needs_s(limits) == pytest.approx(4 / 2.2 + 0.5)
    long = "Incomprehensibilities notwithstanding."
    assert Line(long, "neutral").needs_s(limits) == pytest.approx(len(long) / 13 + 0.5)
    slow = limits.model_copy(update={"words_per_s": Range(low=0.5, high=1.0)})
    assert Line("One two three four.", "neutral").needs_s(slow) == pytest.approx(4.01)


def test_words_of_mixing_are_not_quoted(cutter):
    assert not cutter.is_quotable("She turned to the Left.")
    assert cutter.is_quotable("She turned around.")
