"""Which identifiers were there before, in 8 bytes each: a part of a crawl has millions."""

from __future__ import annotations

import hashlib

import numpy as np

RECENT = 100_000  # kept apart, and merged into the sorted array when there are so many


class Seen:
    """A set of identifiers by 64 bits of their digest; two of ten million differ in them but for a chance in 400,000."""

    def __init__(self, recent: int = RECENT) -> None:
        self._sorted = np.empty(0, np.uint64)
        self._recent: set[int] = set()
        self._limit = recent

    def add(self, key: str) -> bool:
        """Add an identifier; tells whether it is new."""
        digest = int.from_bytes(hashlib.blake2b(key.encode("utf-8"), digest_size=8).digest(), "little")
        if digest in self._recent:
            return False
        if len(self._sorted):
            at = int(np.searchsorted(self._sorted, np.uint64(digest)))
            if at < len(self._sorted) and int(self._sorted[at]) == digest:
                return False
        self._recent.add(digest)
        if len(self._recent) >= self._limit:
            fresh = np.fromiter(self._recent, np.uint64, len(self._recent))
            self._sorted = np.sort(np.concatenate([self._sorted, fresh]))
            self._recent.clear()
        return True
