"""`copilot lexicon check`: what it counts, tries and finds wrong."""

from __future__ import annotations

import json

from helpers.lexicons import SETTINGS, write_lexicon


def test_a_lexicon_is_counted_and_tried(copilot, tmp_path):
    path = str(write_lexicon(tmp_path / "lexicon"))
    code, said, _ = copilot("lexicon", "check", path, "--num", "12", "--json")
    found = json.loads(said)
    assert (code, found["faults"], found["settings"]) == (0, [], 1)
    assert (found["n_tried"], found["n_valid"]) == (12, 12)
    code, said, _ = copilot("lexicon", "check", path, "--num", "12")
    assert (code, "12 dialogues tried: 12 valid" in said, found["content"][:16] in said) == (0, True, True)


def test_the_shipped_one_is_checked_without_a_path(copilot):
    code, said, _ = copilot("lexicon", "check", "--num", "3", "--json")
    assert (code, json.loads(said)["n_valid"]) == (0, 3)


def test_faults_are_listed_and_the_code_is_1(copilot, tmp_path):
    path = str(write_lexicon(tmp_path / "lexicon", SETTINGS.replace("dog = ", "dragon = ")))
    code, said, _ = copilot("lexicon", "check", path)
    assert (code, "settings.yard.effects.dragon: " in said) == (1, True)
    code, said, _ = copilot("lexicon", "check", path, "--json")
    assert (code, json.loads(said)["faults"][0]["place"]) == (1, "settings.yard.effects.dragon")


def test_a_run_with_a_wrong_lexicon_is_refused_before_it_starts(copilot, tmp_path):
    path = write_lexicon(tmp_path / "lexicon", SETTINGS.replace("dog = ", "dragon = "))
    call = (
        "generate",
        "--seeds",
        "starter",
        "--designer",
        f"scripted:{path}",
        "--out",
        str(tmp_path / "run"),
    )
    code, _, said = copilot(*call)
    assert (code, said.startswith("copilot: --designer: "), "copilot lexicon check" in said) == (
        2,
        True,
        True,
    )
    assert not (tmp_path / "run").exists()


def test_a_preview_is_made_of_the_lexicon(copilot, tmp_path):
    path = write_lexicon(tmp_path / "lexicon")
    call = ("preview", "--seeds", "starter", "--designer", f"scripted:{path}", "--num", "2", "--json")
    code, said, _ = copilot(*call)
    assert code == 0
    for line in said.splitlines():
        description = json.loads(line)["dialogue"]["turns"][0]["description"]
        assert "in a farm yard" in description or "behind the barn" in description
