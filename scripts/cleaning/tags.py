"""Language tags and which of them a wanted one covers (basic filtering of RFC 4647, section 3.3.1).

This module is read when the workflow is planned, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterable


def covers(wanted: str, label: str | None) -> bool:
    """Tell whether a wanted tag covers a label: it is equal, or the label refines it (`zh` covers `zh-hans`)."""
    return label is not None and (label == wanted or label.startswith(f"{wanted}-"))


def any_covers(wanted: Iterable[str], label: str | None) -> bool:
    """Tell whether one of the wanted tags covers a label."""
    return any(covers(one, label) for one in wanted)
