"""The story turn: the setting and the sounds that a seed's words call for, and the first scene."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.draft import Draft, Tools, get_naming
from copilot.designers.scripted.grid import Placement
from copilot.designers.scripted.lexicon import Setting, Sound
from copilot.designers.scripted.phrasing import Phrasing, add_article, fill, join_list, name_length
from copilot.designers.scripted.placing import draw_side, place_ambience, place_sound
from copilot.designers.scripted.talking import add_speech
from copilot.designers.scripted.understood import settle_story
from copilot.edit import Add
from copilot.masking import list_lines
from copilot.scene import Element

_MOST_TRIGGERED = 3
_BORROWED_MUSIC = 0.15
"""Share of stories whose music is not their setting's own."""

_VOICELESS = 0.5
"""Share of stories without speech whose user wants no voices at all."""

_FURTHER: Mapping[int, float] = {2: 1, 3: 2, 4: 3, 5: 3, 6: 2}
"""Weights of the number of sounds beside the ambience, in a scene of the published duration."""

_MOST_BORROWED = 4
"""Effects that are not their setting's own, unless a long scene needs more of them."""

_MOST_AT_ONCE = 2
_FEWEST_FURTHER, _MOST_FURTHER = 2.5, 6


def find_called_sounds(
    tools: Tools, setting: Setting, tags: Sequence[str], dice: Dice, *, keeps_all: bool
) -> tuple[Sound, ...]:
    """Return a sound for each family that the seed calls for: the setting's, or one that fits anywhere.

    Families that do not belong into such a place are left out, unless a user's own request keeps them.
    """
    own = {sound.tag: sound for sound in reversed(setting.sounds)}
    families = tools.lexicon.families
    fitting = [t for t in tags if keeps_all or t in own or setting.where in families[t].where]
    return tuple(own.get(tag) or dice.pick(tools.lexicon.anywhere[tag]) for tag in fitting)


def write_story(draft: Draft, dice: Dice) -> tuple[str, list[Add]]:
    """Return the user's request and the sounds of the first scene, and add them to the draft."""
    tools, removals = draft.tools, draft.tasks_left.count("remove")
    draft.is_voiceless = draft.is_voiceless or _draw_voiceless(draft, dice)
    most = tools.limits.n_elements - draft.tasks_left.count("add") - 1
    further = _draw_size(draft, dice, most)
    room = min(most, round(_MOST_FURTHER * max(tools.grid.stretch, 1.0)) + removals) - further

    _add_ambience(draft, dice)
    n_called = sum(sound.role == "ambience" for sound in draft.triggered)
    if room > 0 and (n_called > 1 or dice.chance(0.3)):
        _add_second_ambience(draft, dice)
    if draft.speaks:
        add_speech(draft, dice, further)
    wanted = further - len(draft.list_foreground())
    _add_sounds(draft, dice, wanted)
    draft.scene = settle_story(draft.scene, dice, tools.grid)
    operations = [Add(element=element) for element in draft.scene.elements]
    return _write_request(draft, dice), operations


def _draw_size(draft: Draft, dice: Dice, most: int) -> int:
    """Draw the number of sounds beside the ambience: in a long scene as many more as it is longer."""
    stretch = draft.tools.grid.stretch
    natural = round(dice.pick_weighted(_FURTHER) * (stretch if stretch > 1 else math.sqrt(stretch)))
    least = max(int(_FEWEST_FURTHER * max(stretch, 1.0)), draft.tasks_left.count("remove") + 1)
    return max(min(least, most), min(most, max(natural, _count_called(draft))))


def _draw_voiceless(draft: Draft, dice: Dice) -> bool:
    """Draw whether the user wants no voices; not if the seed calls for some."""
    may = not draft.speaks and not draft.is_requested and dice.chance(_VOICELESS)
    called = any("voices" in sound.traits for sound in draft.triggered)
    return may and not called and any("voices" not in sound.traits for sound in draft.setting.ambiences)


def _list_called(draft: Draft) -> list[Sound]:
    """Return the sounds beside the ambience that the story should have: all of them if a user requests it."""
    called = [sound for sound in draft.triggered if sound.role != "ambience"]
    return called if draft.is_requested else called[:_MOST_TRIGGERED]


def _count_called(draft: Draft) -> int:
    return len(_list_called(draft)) + draft.speaks if draft.is_requested else 0


def _add(draft: Draft, element: Element) -> None:
    draft.advance((Add(element=element),))


def _add_ambience(draft: Draft, dice: Dice) -> None:
    wanted = [sound for sound in draft.triggered if sound.role == "ambience"]
    called = _list_called(draft)
    own = list(draft.filter_allowed(draft.setting.ambiences)) or draft.setting.ambiences
    # An ambience is left out if one name could mean both it and a sound that the seed calls for.
    apart = [s for s in own if not any(s.naming.clashes(other.naming) for other in called)]
    sound = dice.pick(wanted or apart or own)
    _add(draft, draft.make_element(sound, place_ambience(draft.tools, dice)))


def _add_second_ambience(draft: Draft, dice: Dice) -> None:
    wanted = [sound for sound in draft.triggered if sound.role == "ambience"]
    for sound in draft.filter_free((*wanted, *dice.shuffle(draft.setting.ambiences))):
        _add(draft, draft.make_element(sound, place_ambience(draft.tools, dice)))
        return


def _add_sounds(draft: Draft, dice: Dice, n_sounds: int) -> None:
    """Add effects and music: first those that the seed calls for, then those of the setting."""
    chosen: list[Sound] = []
    triggered = _list_called(draft)
    own = dice.shuffle(draft.setting.effects)
    if list_lines(draft.scene):
        # What lasts is heard under all that is said: it has to be quiet, and is for want of other sounds.
        own.sort(key=lambda sound: sound.lasts)
    music = _pick_music(draft, dice) if dice.chance(0.55) and n_sounds > 1 else ()
    for sound in (*triggered, *music, *own, *draft.setting.music):
        _choose(draft, chosen, sound, n_sounds)
    n_fewest = int(_FEWEST_FURTHER * draft.tools.grid.stretch) - len(draft.list_foreground())
    n_sounds = min(n_sounds, max(len(chosen) + _MOST_BORROWED, n_fewest))
    if len(chosen) < n_sounds:
        anywhere = dice.shuffle(draft.tools.lexicon.effects)
        for sound in (*draft.filter_common(anywhere), *draft.filter_plausible(anywhere)):
            _choose(draft, chosen, sound, n_sounds)
    for element in _place_sounds(draft, dice, chosen):
        _add(draft, element)


def _pick_music(draft: Draft, dice: Dice) -> tuple[Sound, ...]:
    """Return one piece of music, or none if the lexicon has none there."""
    pieces = draft.tools.lexicon.music if dice.chance(_BORROWED_MUSIC) else draft.setting.music
    return (dice.pick(pieces),) if pieces else ()


def _choose(draft: Draft, chosen: list[Sound], sound: Sound, n_sounds: int) -> None:
    if len(chosen) == n_sounds or sound.caption in draft.heard:
        return
    if not any(draft.filter_allowed((sound,))):
        return
    naming = get_naming(sound)
    if draft.fits(naming) and not any(naming.clashes(get_naming(other)) for other in chosen):
        chosen.append(sound)


def _place_sounds(draft: Draft, dice: Dice, sounds: Sequence[Sound]) -> list[Element]:
    """Place sounds: lasting ones start early, events follow each other over the possible starts."""
    events = [s for s in sounds if not s.lasts and s.role == "effect"]
    order = dice.shuffle(events)
    slots: dict[str, tuple[float, float]] = {
        s.caption: (i / len(order), (i + 0.8) / len(order)) for i, s in enumerate(order)
    }
    sign = dice.pick((-1, 1))
    lines = list_lines(draft.scene)
    elements: list[Element] = []
    n_lasting = 0
    for sound in sounds:
        when = slots.get(sound.caption, (0.0, 0.2 if sound.role == "music" else 0.3))
        if sound.lasts and sound.role == "effect":
            # Of many lasting sounds in a long scene some come later.
            when = (0.0, 0.3) if n_lasting < _MOST_AT_ONCE else (0.3, 0.9)
            n_lasting += 1
        if lines and sound.caption in slots:
            # Not one after another, but when nobody speaks.
            when = (0.0, 1.0)
        at: Placement = place_sound(draft.tools, dice, sound, draw_side(dice, sound, sign), when, lines=lines)
        sign = -sign
        elements.append(draft.make_element(sound, at))
    return elements


def _write_request(draft: Draft, dice: Dice) -> str:
    """Write the user's request, in words that fit the seed and the scene."""
    quote = draft.tools.cutter.quote(draft.seed_text)
    sounds = [(i, called.sound) for i, called in draft.names_by_id.items() if called.sound]
    effects = [(i, sound) for i, sound in sounds if sound.role == "effect"]
    chosen = dice.shuffle(effects or sounds)[:2]
    named = [dice.pick(sound.asks) for _, sound in chosen]
    kinds = ["place", "sounds", *(("quote", "both") if quote else ())]
    phrasing = draft.draw_phrasing(dice, "story", kinds)
    request = _fill_request(draft, phrasing, quote, named)
    if phrasing.kind in ("sounds", "both"):
        draft.wanted.update(i for i, _ in chosen)
    if len(request) > draft.tools.limits.user_chars:
        request = _fill_request(draft, draft.draw_phrasing(dice, "story", ("place",)), "", named)
    speakers = [e.speaker for e in draft.scene.elements if e.role == "speech"]
    if draft.is_voiceless or (speakers and dice.chance(0.5)):
        draft.wanted.update(e.id for e in draft.scene.elements if e.role == "speech")
        talk = ("talking",) if len(speakers) > len({*speakers}) else ()
        kinds = [*talk, "spoken"] if speakers else ["silent"]
        tail = draft.draw_phrasing(dice, "story_tail", kinds)
        who = add_article(dice.pick(speakers)) if speakers else ""
        longer = f"{request} {fill(tail.text, who=who)}"
        request = longer if len(longer) <= draft.tools.limits.user_chars else request
    return request[: draft.tools.limits.user_chars]


def _fill_request(draft: Draft, phrasing: Phrasing, quote: str, named: list[str]) -> str:
    full = quote if quote.endswith((".", "!", "?")) else f"{quote}."
    return fill(
        phrasing.text,
        place=draft.place,
        quote=f'"{full}"',
        words=f'"{quote}"',
        sounds=join_list(named),
        length=name_length(draft.tools.limits.duration_s),
    )
