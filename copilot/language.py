"""Languages, by their BCP-47 tags: `de`, `pt-BR`. What counts is the first part, unless two voices differ."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

ENGLISH = "en"
UNSPACED = frozenset({"ja", "km", "lo", "my", "th", "yue", "zh"})
"""Languages that are written without spaces between words."""

_MOST_NAMES = 6
_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)
_OLD: Mapping[str, str] = {"no": "nb", "cmn": "zh", "iw": "he", "in": "id", "fil": "tl"}
"""Other tags of languages that have one here."""

_NAMES: Mapping[str, str] = {
    "af": "Afrikaans", "am": "Amharic", "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian",
    "bg": "Bulgarian", "bn": "Bengali", "bs": "Bosnian", "ca": "Catalan", "cs": "Czech", "cy": "Welsh",
    "da": "Danish", "de": "German", "el": "Greek", "en": "English", "eo": "Esperanto", "es": "Spanish",
    "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French", "ga": "Irish",
    "gl": "Galician", "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian",
    "hy": "Armenian", "id": "Indonesian", "is": "Icelandic", "it": "Italian", "ja": "Japanese",
    "ka": "Georgian", "kk": "Kazakh", "km": "Khmer", "kn": "Kannada", "ko": "Korean", "la": "Latin",
    "lb": "Luxembourgish", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian", "mk": "Macedonian",
    "ml": "Malayalam", "mn": "Mongolian", "mr": "Marathi", "ms": "Malay", "mt": "Maltese", "my": "Burmese",
    "nb": "Norwegian", "ne": "Nepali", "nl": "Dutch", "nn": "Norwegian Nynorsk", "no": "Norwegian",
    "or": "Odia", "pa": "Punjabi", "pl": "Polish", "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sd": "Sindhi", "si": "Sinhala", "sk": "Slovak", "sl": "Slovenian", "so": "Somali",
    "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu",
    "th": "Thai", "tl": "Filipino", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek",
    "vi": "Vietnamese", "xh": "Xhosa", "yo": "Yoruba", "zh": "Chinese", "zu": "Zulu",
}  # fmt: skip


def normalise_tag(given: str) -> str:
    """Return a tag with the usual case, such as `pt-BR`. Raises ValueError for a text that is no tag."""
    named = {name.lower(): tag for tag, name in _NAMES.items()}
    if tag := named.get(given.strip().lower()):
        raise ValueError(f"give the language by its tag, {tag}")
    first, *others = given.strip().replace("_", "-").split("-")
    first = _OLD.get(first.lower(), first)
    tag = "-".join([first.lower(), *(_fix_case(part) for part in others)])
    if not _TAG.fullmatch(tag) or (len(first) == 2 and first.lower() not in _NAMES):
        raise ValueError("not the tag of a language; give one such as de, en-GB or pt-BR")
    return tag


def get_primary(tag: str) -> str:
    """Return a tag's language alone, without script and region."""
    return tag.partition("-")[0].lower()


def name_language(tag: str) -> str:
    """Return the English name of a language, with its tag if it has more parts or no known name."""
    name = _NAMES.get(get_primary(tag))
    if name is None:
        return tag
    return f"{name} ({tag})" if "-" in tag else name


def is_among(tag: str, languages: Collection[str]) -> bool:
    """Return whether a language is one of several, whatever the regions are."""
    return get_primary(tag) in map(get_primary, languages)


def name_languages(tags: Collection[str]) -> str:
    """Return the names of languages, each once, for messages: English first, and a few of many."""
    names = sorted(
        {name_language(get_primary(tag)) for tag in tags}, key=lambda name: (name != "English", name)
    )
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_NAMES])} and {len(names) - _MOST_NAMES} more languages"


def _fix_case(part: str) -> str:
    if len(part) == 4:
        return part.title()
    return part.upper() if len(part) == 2 else part.lower()
