"""Licences under their usual names, however they are spelt."""

from __future__ import annotations

import re

from copilot.text.captions import word_set

_CC_URL = re.compile(r"creativecommons\.org/(?:licenses|publicdomain)/([a-z+-]+)(?:/(\d\.\d))?")
_CC_CLAUSES = {
    "by": "BY",
    "attribution": "BY",
    "nc": "NC",
    "noncommercial": "NC",
    "sa": "SA",
    "sharealike": "SA",
    "nd": "ND",
    "noderivs": "ND",
    "noderivatives": "ND",
}
_CC_ZERO = frozenset({"0", "zero"})
_CC_FILLERS = word_set(
    """cc creative commons license licence the deed universal international unported generic public domain
    dedication"""
)
_CC_JOINED = (
    (re.compile(r"non[\s-]+commercial"), "noncommercial"),
    (re.compile(r"share[\s-]+alike"), "sharealike"),
    (re.compile(r"no[\s-]+deriv"), "noderiv"),
)
_CC_WORD = re.compile(r"\d+\.\d+|\d+|[^\W\d_]+\+?")


def normalise_licence(licence: str) -> str:
    """Return the short name of a Creative Commons licence, with its version if any; others in capitals.

    `CC0`, `CC-BY-NC-4.0`, `CC-SAMPLING+-1.0`. A text with any other word is another licence.
    """
    return "-".join(filter(None, _parse_licence(licence)))


def accepts(wanted: str, licence: str) -> bool:
    """Return whether a licence is the wanted one: in any version, if `wanted` names none."""
    family, version = _parse_licence(wanted)
    given_family, given_version = _parse_licence(licence)
    return bool(family) and family == given_family and version in {"", given_version}


def _parse_licence(licence: str) -> tuple[str, str]:
    """Return the licence without its version, and the version."""
    text = licence.lower()
    if found := _CC_URL.search(text):
        family = {"zero": "CC0", "mark": "PUBLIC-DOMAIN"}.get(found[1], f"CC-{found[1].upper()}")
        return family, "" if family == "CC0" else found[2] or ""
    for spelling, word in _CC_JOINED:
        text = spelling.sub(word, text)
    words = _CC_WORD.findall(text)
    clauses = list(dict.fromkeys(_CC_CLAUSES[word] for word in words if word in _CC_CLAUSES))
    version = next((w if "." in w else f"{w}.0" for w in words if w[0].isdigit() and w != "0"), "")
    rest = {w for w in words if w not in _CC_CLAUSES and w not in _CC_FILLERS and not w[0].isdigit()}
    if not rest - _CC_ZERO - {"sampling+"} and words:
        if _CC_ZERO & set(words):
            return "CC0", ""
        if "sampling+" in rest:
            return "CC-SAMPLING+", version
        if clauses:
            return "-".join(["CC", *sorted(clauses, key=("BY", "NC", "SA", "ND").index)]), version
        if {"public", "domain"} <= set(words):
            return "PUBLIC-DOMAIN", ""
    return " ".join(licence.upper().split()), ""
