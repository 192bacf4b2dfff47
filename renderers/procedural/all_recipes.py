"""All recipes of the package in one catalogue: the only list of the families."""

from __future__ import annotations

from renderers.procedural.catalogue import Catalogue
from renderers.procedural.recipes import (
    animals,
    birds,
    body,
    domestic,
    fire,
    footsteps,
    impacts,
    insects,
    instruments,
    kitchen,
    livestock,
    machines,
    music,
    office,
    people,
    percussion,
    signals,
    transport,
    vessels,
    water,
    weapons,
    weather,
)

NATURE = (weather, water, fire, birds, insects, animals, livestock)
PEOPLE = (people, body, footsteps)
THINGS = (domestic, kitchen, office, impacts, weapons, signals, machines, transport, vessels)
MUSIC = (music, instruments, percussion)

CATALOGUE = Catalogue([recipe for family in (*NATURE, *PEOPLE, *THINGS, *MUSIC) for recipe in family.RECIPES])
