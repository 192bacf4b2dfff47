"""What the documents show works as they show it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from renderers.base import Renderer, RenderFailure, RenderRequest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def example(page: str) -> dict:
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    names: dict = {}
    exec(code[1], names)
    return names


def test_the_example_of_a_renderer_is_one():
    renderer = example("backends.md")["MySounds"]()
    assert isinstance(renderer, Renderer)
    sound, failure = renderer.render([RenderRequest("wind", 0.5, 1), RenderRequest("silence", 1.0, 2)])
    assert sound.audio.shape == (1, 24_000)
    assert failure == RenderFailure("no-sound", "silence has no sound")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_reached_from_the_readme():
    text = (ROOT / "README.md").read_text()
    assert [page.name for page in PAGES[1:] if f"docs/{page.name}" not in text] == []
