"""Marks of wikitext for languages that are written in several ways, as Chinese is: `-{zh-hans:计算机;zh-hant:電腦}-`."""

from __future__ import annotations

import regex

MAX_NESTING = 40
_MARK = regex.compile(r"-\{(?![{|])([^{}]*)\}-")
_FLAGS = regex.compile(r"[A-Za-z;\s-]{0,100}+\|")
_CODES = "zh|sr|sh|crh|gan|iu|kk|ku|mni|shi|tg|tly|uz|wuu"
_VARIANT = regex.compile(rf"(?:\A|;)\s*+(?:[^;:=]*+=>\s*+)?(?:{_CODES})(?:-[a-z]{{1,8}})*+\s*+:")
_HIDDEN = frozenset("HT-")  # rules for the rest of the page, its title, and the end of a rule


def resolve_variants(text: str) -> str:
    """Return a page with what a reader of its first way of writing sees of such marks; rules alone show nothing."""
    for _ in range(MAX_NESTING):
        text, count = _MARK.subn(lambda match: _shown(match[1]), text)
        if not count:
            break
    return text


def _shown(content: str) -> str:
    flags = _FLAGS.match(content)
    if flags is not None:
        if not _HIDDEN.isdisjoint(flag.strip() for flag in flags[0][:-1].split(";")):
            return ""
        content = content[flags.end() :]
    first = _VARIANT.match(content)
    if first is None:
        return content
    following = _VARIANT.search(content, first.end())
    return content[first.end() : following.start() if following else None].rstrip().removesuffix(";").strip()
