"""Language tags (BCP 47), as far as they are compared."""

from __future__ import annotations

from collections.abc import Iterable


def matches(language: str, wanted: Iterable[str]) -> bool:
    """Say whether a tag is one of those wanted or a variant of one, as `zh-hant` is of `zh` (RFC 4647, basic filtering)."""
    return any(language == tag or language.startswith(tag + "-") for tag in wanted)
