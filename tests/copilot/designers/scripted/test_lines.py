"""Lines of speech out of seeds."""

import re

import pytest

from copilot.designers.contract import DesignerContext
from copilot.designers.scripted import ScriptedDesigner
from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.lexicon_data import load_lexicon
from copilot.designers.scripted.lines import Line, LineCutter
from copilot.frozen_model import Range
from copilot.scene import SceneLimits
from copilot.seed import STARTER_SEEDS, Seed
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
        ("WHAT DO YOU MEAN BY THAT SIR", "What do you mean by that, sir?"),
        ("WILL THE HURONS HEAR HIS GROANS", "Will the Hurons hear his groans?"),
        ("YES", "Yes."),
        ("Where are you, Anna? I cannot see you.", "Where are you, Anna?"),
        (
            "\u201cWe are late,\u201d he said, \u201cbut not too late.\u201d",
            "We are late.",
        ),
        ("THIS IS THE END OF THE", "This is the end."),
        ("WE SHALL SAIL TO NEW ORLEANS IN MAY", "We shall sail to New Orleans in May."),
        ("I THANK GOD THAT CAPTAIN HARDING IS HERE", "I thank God that Captain Harding is here."),
        ("OH DON'T GO TO NIGHT", "Oh, don't go tonight."),
        ("HUSH SHE WHISPERED IN SILENCE", "Hush."),
        ("WHAT A NOISE THOSE CHILDREN MAKE", "What a noise those children make!"),
        ("DO YOU THINK SO SHE REPLIED WITH INDIFFERENCE", "Do you think so?"),
        ("I CAN'T SEE IT IN THAT LIGHT SAID THE OLD LAWYER", "I can't see it in that light."),
        ("BUT NOW NOTHING COULD HOLD ME BACK", "Now nothing could hold me back."),
        ("WHO TAUGHT YOU TO SCRUB A FLOOR", "Who taught you to scrub a floor?"),
        ("DON'T LOOK BACK", "Don't look back."),
        ("YOU KNOW MORE ABOUT THAT THAN I DO SIR", "You know more about that than I do, sir."),
        ("IT IS STILL EARLY MY FRIEND", "It is still early, my friend."),
    ],
)
def test_a_short_seed_is_spoken_as_one_would_write_it(cutter, seed, line):
    assert cutter.cut_lines(seed, Dice(1))[0].text == line


def test_capitals_that_the_seed_has_are_kept(cutter):
    assert cutter.quote("Where are you,  Anna?") == "Where are you, Anna?"


@pytest.mark.parametrize("seed", ["", "  ", "...", "\x00\u2028", "THE OF AND"])
def test_no_line_without_words(cutter, seed):
    assert cutter.cut_lines(seed, Dice(1)) == []


def test_a_seed_without_a_line_gets_lines_of_its_setting():
    designer = ScriptedDesigner(DesignerContext(speech_share=1))
    settings = load_lexicon()[0].settings
    own = {setting.key: {*setting.lines} for setting in settings}
    for number in range(100):
        seed = Seed(f"text/{number}", "WHICH WAS THE MOST CURIOUS PART")
        story = designer.design(seed, number).dialogue.turns[0]
        spoken = {e.text for e in story.scene.elements if e.role == "speech"}
        assert spoken
        places = [s.key for s in settings if any(place in story.description for place in s.places)]
        assert any(spoken <= own[key] for key in places), story.description


def test_a_long_seed_is_cut_into_clauses(cutter):
    seed = (
        "I THINK I MUST SHOW YOU MY PATCHWORK GIRL SAID MARGOLOTTE LAUGHING AT THE BOY'S ASTONISHMENT "
        "FOR SHE IS RATHER DIFFICULT TO EXPLAIN"
    )
    lines = [line.text.rstrip("!.?") for line in cutter.cut_lines(seed, Dice(1))]
    assert lines[0] in ("I think I must show you my patchwork girl", "She is rather difficult to explain")
    assert all(3 <= count_words(line) <= 14 for line in lines)


@pytest.mark.parametrize(
    "seed",
    [
        "AND AS HE STROVE TO",
        "HUNG THE POT",
        "WHOSE FEET ARE AS THE FEET OF HARTS",
        "WHICH WAS THE MOST CURIOUS PART",
        "THE SOMBRE OLD TREES LIKE GIGANTIC PLUMES BLACK AND AWFUL",
        "HE HAS GIVEN",
        "SHE WAS SURE THAT HIS TALENT",
        "IF I CAN GET PATIENTS",
        "THE DIALOGUE WAS CONCERNED WITH A MORE DREARY",
        "RUTH WAS GLAD TO BE ABLE TO TAKE",
        "THE STORY TOLD BY THE MEN",
        "HE WAS ABOUT TO INCUR",
        "THOU ART NOT SUCH A LOVER",
        "IN DEEP THOUGHT",
        "AT LAST I THOUGHT",
        "A COUSIN WHOSE NAME WAS JANE",
        "SHE ASKED IMPULSIVELY",
        "THE YOUNG MEN OF THE TOWN AND HE AND",
    ],
)
def test_nothing_torn_is_spoken(cutter, seed):
    assert cutter.cut_lines(seed, Dice(1)) == []


def test_who_says_something_is_a_name_in_a_quote(cutter):
    assert cutter.quote("NAY NAY ANSWERED WARRENTON ALOUD") == "Nay nay answered Warrenton aloud"
    assert (
        cutter.quote("HE SAID NOTHING TO MISTER POPHAM OF NEW YORK")
        == "He said nothing to Mr Popham of New York"
    )


def test_a_quote_ends_in_dots_where_it_is_cut(cutter):
    assert cutter.quote("ONE TWO THREE") == "One two three"
    assert cutter.quote("BELL " * 60) == " ".join(["Bell", *["bell"] * 21]) + " ..."
    assert cutter.quote("") == ""


@pytest.mark.parametrize(
    ("seed", "emotion"),
    [
        ("HE WEPT FOR SORROW AT HER GRAVE", "sad"),
        ("YOU ARE A TRAITOR TO YOUR KING", "angry"),
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


TORN_ENDS = re.compile(
    r"\b(?:an?|the|my|your|our|their|of|to|and|but|or|nor|than|because|although|very|i|he|she|we|they)\W*$"
)
TORN_STARTS = re.compile(r"(?:Which|Whose|Whom|Than|Of|That (?:the|his|her|a)|And|Because of)\b")


def tear(number: int) -> str:
    """Return part of a sentence in capitals without punctuation, as pauses cut the speech of a corpus."""
    sentences = STARTER_SEEDS.read_text("utf-8").split("\n")
    words = re.findall(
        r"[\w']+", sentences[number % len(sentences)] + " " + sentences[number * 7 % len(sentences)]
    )
    dice = Dice("torn", number)
    first = int(dice.between(0, 5))
    return " ".join(words[first : first + 4 + int(dice.between(0, 14))]).upper()


def test_no_line_of_two_thousand_torn_seeds_is_torn(cutter):
    lines = [(line.text, seed) for seed in map(tear, range(2000)) for line in cutter.cut_lines(seed, Dice(1))]
    assert len(lines) > 400
    for text, seed in lines:
        assert text[-1] in ".!?", text
        assert text[0].isupper(), text
        words = re.findall(r"[\w']+", text)
        assert 1 <= len(words) <= 14, text
        assert not TORN_ENDS.search(text.lower()), text
        assert not TORN_STARTS.match(text), text
        assert not any(word.isupper() for word in words if len(word) > 1), text
        spoken = re.sub("[.!?,]", "", text).upper()
        assert spoken in re.sub("TO (?=NIGHT|DAY)", "TO", seed), text
