"""Stems and samples in a notebook: escaped text, and players of the stored bytes."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from helpers.examples import with_turn
from helpers.made_runs import a_sample

from copilot.edit import Add
from copilot.sample import Sample
from copilot.scene import Scene, SoundElement

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)> & 'quotes'"


@pytest.fixture(scope="module")
def sample() -> Sample:
    return a_sample(1)


class Page(HTMLParser):
    """The tags of a page with their attributes, its text, and the files of its players."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def files(self) -> tuple[bytes, ...]:
        sources = [attributes["src"] or "" for tag, attributes in self.tags if tag == "audio"]
        assert all(source.startswith("data:audio/flac;base64,") for source in sources)
        return tuple(base64.b64decode(source.partition(",")[2], validate=True) for source in sources)


def shown(thing: object) -> Page:
    page = Page(thing._repr_html_())
    assert page.open == []
    return page


def test_a_sample_has_a_player_of_the_stored_mix_for_each_turn(sample):
    page = shown(sample)
    assert page.files == sample.mixes
    assert [tag for tag, _ in page.tags].count("svg") == 3


def test_a_sample_that_keeps_stems_alone_plays_the_same_files(sample):
    assert shown(a_sample(1, keep="stems")).files == sample.mixes


def test_a_stem_has_a_player_of_its_file(sample):
    for stem in sample.load_stems().values():
        page = shown(stem)
        assert page.files == (stem.flac,)
        assert stem.info.key[:12] in page.text
        assert [tag for tag, _ in page.tags].count("path") == len(stem.pcm)


def test_a_waveform_stays_in_its_picture(sample):
    stem = sample.load_stems()[1]
    heights = [float(y) for y in re.findall(r"M[\d.]+ (-?[\d.]+)V", stem._repr_html_())]
    assert len(heights) == 2 * 360
    assert 0 <= min(heights) <= max(heights) <= 2 * 48


def test_edits_are_marked(sample):
    html = sample._repr_html_()
    story, louder, replaced = html.split("<figure")[1:]
    marks = {turn: re.findall(r">([+~\N{MINUS SIGN}])</text>", turn) for turn in (story, louder, replaced)}
    assert marks == {story: [], louder: ["~"], replaced: ["+", "\N{MINUS SIGN}"]}
    assert "a door slams (loudness -18 \N{RIGHTWARDS ARROW} -12 LUFS)" in louder
    assert replaced.count("stroke-dasharray") == 1


def test_hostile_text_is_escaped_everywhere(sample):
    bang = SoundElement(id=9, role="effect", text=HOSTILE, loudness=-20, panning=0, start_time=0, duration=1)
    dialogue = with_turn(
        sample.dialogue, 0, user=HOSTILE, operations=(Add(element=bang),), scene=Scene(elements=(bang,))
    )
    hostile = replace(
        sample,
        id=HOSTILE,
        seed=replace(sample.seed, id=HOSTILE, text=HOSTILE),
        dialogue=dialogue,
        checks=(replace(sample.checks[0], name=HOSTILE, value=1.0),),
    )
    page = shown(hostile)
    assert {tag for tag, _ in page.tags} == EVERY_TAG
    # The id, the check, the seed's id and text, the request, the new sound, and its removal by the next turn.
    assert page.text.count("alert(1)") == 7


def test_hostile_facts_of_a_stem_are_escaped(sample):
    stem = sample.load_stems()[3]
    word = replace(stem.info.words[0], text=HOSTILE)
    info = replace(stem.info, backend=HOSTILE, voice=HOSTILE, words=(word,), detail={HOSTILE: HOSTILE})
    page = shown(replace(stem, info=info))
    assert {tag for tag, _ in page.tags} == {"figure", "figcaption", "b", "br", "svg", "path", "audio"}
    assert page.text.count("alert(1)") == 5


EVERY_TAG = {"div", "b", "br", "figure", "figcaption", "svg", "path", "rect", "text", "audio"}
