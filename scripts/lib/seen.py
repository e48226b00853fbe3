"""The record of what a training run was fed: samples by source, and one digest over all batches.

The digest is a chain: SHA-256 of the digest before (empty at first) and the batch's token ids as little-endian int32, row by
row. Two runs with one digest saw the same tokens in the same order, and anyone who has the shards can compute it again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from scripts.lib.canonical import canonical_json
from scripts.lib.indexed import Ids
from scripts.lib.publish import write_atomic
from scripts.lib.special_tokens import PAD

SEEN = "seen.json"


class Seen:
    """What was fed so far."""

    def __init__(
        self,
        steps: int = 0,
        samples: Mapping[str, int] = MappingProxyType({}),
        tokens: Mapping[str, int] = MappingProxyType({}),
        digest: str = "",
    ) -> None:
        self.steps, self.samples, self.tokens, self.digest = steps, Counter(samples), Counter(tokens), digest

    def add(self, step: int, tokens: Ids, sources: Sequence[str]) -> None:
        """Record the batch of a step [n, length + 1] and the source of each row. Steps come one by one from 0."""
        if step != self.steps:
            raise AssertionError(f"step {step} follows {self.steps} recorded steps")
        chain = hashlib.sha256(bytes.fromhex(self.digest))
        chain.update(tokens.astype("<i4").tobytes())
        self.steps, self.digest = step + 1, chain.hexdigest()
        self.samples.update(sources)
        for source, count in zip(sources, np.count_nonzero(tokens[:, 1:] != PAD, axis=1).tolist(), strict=True):
            self.tokens[source] += count

    def record(self) -> dict[str, Any]:
        """Return the record as a summary: steps, samples and tokens (after the first of each row, without padding) by source, and
        the digest of the batches.
        """
        sources = {
            name: {"samples": count, "tokens": self.tokens[name]} for name, count in sorted(self.samples.items())
        }
        return {"steps": self.steps, "sources": sources, "batches": self.digest}

    def save(self, folder: Path) -> None:
        """Write the state into a folder."""
        state = {"steps": self.steps, "samples": self.samples, "tokens": self.tokens, "digest": self.digest}
        write_atomic(folder / SEEN, canonical_json(state).encode("utf-8"))

    @classmethod
    def load(cls, folder: Path) -> Seen:
        """Read what `save` wrote."""
        return cls(**json.loads((folder / SEEN).read_text("utf-8")))
