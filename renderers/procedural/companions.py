"""Words that may stand beside a recipe's keywords, and how much of a caption a recipe must explain.

Both belong to the honesty of a match, not to its choice: none of these words calls for a recipe.
"""

from __future__ import annotations

from collections.abc import Mapping

from copilot.text.clauses import Latitude

_TUNE = """
    tune melody song waltz lament chord note music solo phrase lullaby ballad theme piece dance polka jig
    reel chorale hymn march fanfare rhythm pulse pattern groove score arpeggio folk country pluck strum blow
    slide drive advance flow stomp mechanism bow overture call riff
    perform player
    pick busk"""
_FLIES = "fly flies flew"

COMPANIONS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *(
                "accordion",
                "bass_drone",
                "brass",
                "choir",
                "drum_kit",
                "drums",
                "flute",
                "guitar",
                "hand_drum",
            ),
            *("harp", "jazz_combo", "music_box", "organ", "pad", "piano", "shaker", "strings", "tambourine"),
            *("timpani", "violin_solo"),
        ),
        _TUNE,
    ),
    "airplane": f"{_FLIES} engine",
    "alarm": "pulse chirp clock fire smoke car beep buzzer",
    "anvil": "blow stroke",
    "applause": "wave burst audience dance hand",
    "beep": "copier device",
    "bees": f"swarm land {_FLIES} whine close flower",
    "birdsong": f"{_FLIES} forest tree",
    "boat_engine": "throb motor",
    "broom": "straw porch board doorstep flour dust leaf snow shaving",
    "bubbles": "stream mud hull",
    "car_horn": "truck",
    "cart": "load mine rail",
    "cat": "studio",
    "chainsaw": "cut log tree",
    "chains": "sack hoist anchor",
    "children_playing": "street",
    "cicadas": "swarm shrill",
    "clock": "step",
    "coins": "count hand pocket spill",
    "cow": "bawl",
    "crash": "break free",
    "crickets": "trill buzz",
    "crow": _FLIES,
    "crowd": "terminal shuffle mill guest people",
    "curtain": "rustle aside draw shut",
    "cutlery": "scrape plate",
    "dishes": "sink stack cup",
    "dog": "sledge sled bay farm",
    "door_creak": "open slide compartment wardrobe cupboard garden",
    "door_slam": "storm",
    "drill": "bore concrete bite",
    "elevator": "cage service door slide open ding",
    "explosion": "deeper",
    "factory": "press",
    "fire": "camp stove",
    "footsteps_leaves": "shuffle",
    "footsteps_stone": "click clack tap armoured",
    "gulls": f"{_FLIES} scream screech squabble",
    "hammer": "peg tap drive street",
    "hand_bell": "deck seller teacher bicycle ding",
    "helicopter": _FLIES,
    "horse_hooves": "sleigh road cart",
    "laughter": "burst roar shriek",
    "leaves": "animal",
    "lock": "click open",
    "machine_hum": "dough mixer belt baggage submarine clockwork",
    "metal_impact": "hatch shut type",
    "motorcycle": "engine accelerate drive",
    "page_turn": "hymn",
    "paper": "tear torn",
    "pouring": "bucket height",
    "propeller": _FLIES,
    "radio_static": "broken break fragment",
    "rain": "lash drum",
    "room_tone": "ward shop",
    "saw": "rasp cut plank",
    "ship_horn": "blast",
    "siren": "block drive fire truck engine ambulance police emergency vehicle",
    "splash": "crate slide crocodile",
    "stone_impact": "chip chisel",
    "switch_click": "flip flick lamp light computer",
    "thud": "ball",
    "torch": "flare",
    "train": "engine subway screech",
    "tram": "electric round curve",
    "typewriter": "story",
    "whisper_crowd": "congregation service",
    "wind_chimes": "stir",
    "wings": f"{_FLIES} parrot heron",
    "cloth": "swish",
    "heartbeat": "quicken throb",
    "phone": "unanswered",
    "pump": "draw",
    "writing": "note",
    "bicycle": "coast",
    "sword": "sheath sharpen",
    "wolf": "yip",
    "church_bell": "hour noon",
    "fan": "spin",
    "rowing": "splash dip",
    "wood_chop": "vegetable log",
}
"""Words, by recipe, that say nothing else than it makes."""

_BY_LATITUDE: Mapping[Latitude, str] = {
    Latitude.STRICT: """
        birdsong gulls crow owl rooster crickets cicadas bees frogs dog wolf cat cow sheep horse_hooves
        horse_neigh rat_scurry crowd whisper_crowd children_playing choir cough breathing laughter
    """,
    Latitude.ANY_VERB: """
        rain drizzle thunder wind snowstorm leaves surf stream waterfall fire torch underwater room_tone
    """,
    Latitude.ANY_THING: """
        splash thud crash glass_break sizzle knock wood_impact metal_impact stone_impact page_turn
        door_creak wood_creak pouring
    """,
}

LATITUDES: Mapping[str, Latitude] = {
    name: latitude for latitude, names in _BY_LATITUDE.items() for name in names.split()
}
"""The latitude of recipes; `THING` for all others."""
