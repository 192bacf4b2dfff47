"""A small lexicon of a user: one setting, with families and moods of those shipped."""

from __future__ import annotations

from pathlib import Path

SETTINGS = """
[yard]
triggers = "yard farm"
places = ["in a farm yard", "behind the barn"]
where = "open"
people = { farmer = "male", "farmer's wife" = "female" }
lines = ["The cows are restless.", "Rain before noon.", "Shut the gate, will you?"]
[yard.ambiences]
wind = "wind sweeping through a farm yard"
birdsong = "sparrows chirping under the eaves"
[yard.effects]
rooster = "a rooster crowing from the dung heap"
cow = "a cow lowing in the shed"
dog = "a farm dog barking at the gate"
door_creak = "a barn door creaking open"
pouring = "milk being poured into a can"
hammer = "someone hammering a fence post"
"""


def write_lexicon(folder: Path, settings: str = SETTINGS) -> Path:
    """Write the lexicon into a folder, and return the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "settings.toml").write_text(settings, encoding="utf-8")
    return folder
