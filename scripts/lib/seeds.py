"""Seeds derive from names, never from parts, positions or process numbers.

Another number of parts or processes therefore gives the same choices (see "Determinism" in docs/how-reruns-work.md).
"""

from __future__ import annotations

import hashlib


def seed_for(seed: int, *names: str) -> int:
    """Return a 64-bit seed for the thing that `names` identify (stage, name, document id, ...).

    The names are length-prefixed, so that ("ab", "c") and ("a", "bc") differ.
    """
    digest = hashlib.blake2b(str(seed).encode("ascii"), digest_size=8, person=b"groundwork")
    for name in names:
        data = name.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return int.from_bytes(digest.digest(), "little")


def unit_interval(seed: int, *names: str) -> float:
    """Return a number in [0, 1) that depends only on the seed and the names (53 random bits)."""
    return (seed_for(seed, *names) >> 11) / float(1 << 53)
