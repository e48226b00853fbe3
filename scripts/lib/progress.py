"""A bar for long steps, on the terminal of the user and nowhere else.

Programs' standard error goes to a log, so the bar is drawn on the controlling terminal; without one nothing is drawn.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], total: int | None = None, label: str = "") -> Iterator[T]:
    """Yield the items, showing how far it is when a person watches (`total` in items)."""
    with _drawn(total=total, desc=label) as drawn:
        for item in items:
            yield item
            if drawn is not None:
                drawn.update()


def byte_progress(pieces: Iterable[bytes], total: int | None, label: str, have: int = 0) -> Iterator[bytes]:
    """Yield pieces of a file of `total` bytes, `have` of which are there already, showing how far it is as above."""
    with _drawn(total=total, desc=label, initial=have, unit="B", unit_scale=True) as drawn:
        for piece in pieces:
            yield piece
            if drawn is not None:
                drawn.update(len(piece))


@contextmanager
def _drawn(**options: Any) -> Iterator[Any]:
    """Give a bar on the controlling terminal; None where there is none."""
    terminal = _terminal()
    if terminal is None:
        yield None
        return
    with (
        open(terminal, "w", encoding="utf-8") as stream,
        tqdm(file=stream, leave=False, dynamic_ncols=True, mininterval=0.5, **options) as drawn,
    ):
        yield drawn


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
