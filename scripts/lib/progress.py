"""A bar for long steps, on the terminal of the user and nowhere else.

Programs' standard error goes to a log, so the bar is drawn on the controlling terminal; without one nothing is drawn.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], total: int | None = None, label: str = "") -> Iterator[T]:
    """Yield the items, showing how far it is when a person watches (`total` in items)."""
    terminal = _terminal()
    if terminal is None:
        yield from items
        return
    with open(terminal, "w", encoding="utf-8") as stream:
        yield from tqdm(items, total=total, desc=label, file=stream, leave=False, dynamic_ncols=True, mininterval=0.5)


def _terminal() -> str | None:
    """Return the device of the controlling terminal when this process may write to it."""
    if os.environ.get("CI"):
        return None
    try:
        descriptor = os.open("/dev/tty", os.O_WRONLY | os.O_NOCTTY)
    except OSError:
        return None
    os.close(descriptor)
    return "/dev/tty"
