"""Language tags (BCP 47), as far as they are compared."""

from __future__ import annotations

from collections.abc import Iterable


def matches(language: str, wanted: Iterable[str]) -> bool:
    """Say whether a tag is one of those wanted or a variant of one, as `zh-hant` is of `zh` (RFC 4647, basic filtering)."""
    return any(language == tag or language.startswith(tag + "-") for tag in wanted)


def broader_tags(tag: str) -> list[str]:
    """Return the tags of which a tag is a variant, the nearest first: `zh-hant`, `zh` for `zh-hant-tw`."""
    pieces = tag.split("-")
    return ["-".join(pieces[:length]) for length in range(len(pieces) - 1, 0, -1)]
