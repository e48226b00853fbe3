"""How the files of a source, and the records of files that are shared, are divided among its parts.

Files go to parts in turn. Where there are fewer files than parts, parts go to files in turn, and those of one file share its
records. Nothing of it depends on what the files hold.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
_MIX = 0x9E3779B97F4A7C15  # 2**64 by the golden ratio


@dataclass(frozen=True, slots=True)
class Share:
    """Which records of a file are those of a part, where `parts` parts share the file: this is number `part` of them."""

    part: int = 0
    parts: int = 1

    def of(self, records: Iterable[T]) -> Iterator[T]:
        """Yield the records whose number modulo `parts` is `part`."""
        return itertools.islice(records, self.part, None, self.parts)

    def takes(self, number: int) -> bool:
        """Tell whether the record with this number is one of them."""
        return number % self.parts == self.part

    def holds(self, number: int) -> bool:
        """Tell whether a thread is one of them, by its own number: mixed first (Knuth 1998, 6.4), as samples keep every tenth."""
        return self.takes((number * _MIX & (1 << 64) - 1) >> 32)

    def within(self, size: int) -> tuple[int, int]:
        """Return where the share of a range of this size starts and stops."""
        return size * self.part // self.parts, size * (self.part + 1) // self.parts


WHOLE = Share()


def divided(files: int, part: int, parts: int) -> tuple[range, Share]:
    """Return the places of the files that part `part` of `parts` has of so many, and its share of them."""
    if files >= parts or not files:
        return range(part, files, parts), WHOLE
    turn, file = divmod(part, files)
    return range(file, file + 1), Share(turn, -(-(parts - file) // files))
