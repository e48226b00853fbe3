"""Words of a text, whatever its script.

A word is a run of letters, marks and digits, with apostrophes and hyphens inside. Scripts that are written without spaces
(`SCRIPTS`) have a word per character: a Chinese page has not one word.
"""

from __future__ import annotations

import regex

from scripts.lib.unspaced import SCRIPTS

_TOKEN = regex.compile(
    rf"[{SCRIPTS}]\p{{M}}*|[\p{{L}}\p{{M}}\p{{N}}--[{SCRIPTS}]]+(?:['’\-.@/][\p{{L}}\p{{M}}\p{{N}}--[{SCRIPTS}]]+)*"
    r"|\p{P}+|\p{S}+",
    regex.VERSION1,
)
_PUNCTUATION = regex.compile(r"[\p{P}\p{S}]+")


def words(text: str) -> list[str]:
    """Return the words without punctuation, in order."""
    return [token for token in _TOKEN.findall(text) if not _PUNCTUATION.fullmatch(token)]
