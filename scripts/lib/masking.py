"""Dynamic masking for masked language models (Devlin et al., 2019: 80 % mask, 10 % random, 10 % kept).

Which positions of a sample are masked, and how, depends on the seed, the step and the sample's place in the global
batch only: ranks, micro-batches and resumes see the same masks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scripts.lib.permutation import I64, U64, mix64
from scripts.lib.seeds import seed_for
from scripts.lib.special_tokens import MASK, SPECIAL_COUNT

IGNORED = -100  # torch's cross entropy skips this label
MASKED_SHARE, RANDOM_SHARE = 0.8, 0.1


def mask_tokens(
    tokens: I64,
    *,
    seed: int,
    step: int,
    samples: I64,
    vocabulary: int,
    rate: float,
    continues: NDArray[np.bool_] | None = None,
) -> tuple[I64, I64]:
    """Return model inputs and labels for a batch of token ids.

    `tokens` is [n, length]; `samples` [n] are the rows' numbers in the global batch; `rate` is the share of ordinary
    tokens to predict. Both results are int64 [n, length]; labels are -100 where nothing is to be predicted. Special
    tokens are neither masked nor drawn as random replacements. With `continues` [2, vocabulary], which tells the tokens that
    go on with a word and those behind which one may go on, words are chosen as a whole (as Cui et al., 2019, for BERT); each of
    their tokens is masked, replaced or kept for itself.
    """
    chosen, kind, drawn = (_uniform(tokens.shape, seed, step, samples, name) for name in ("which", "kind", "token"))
    if continues is not None:
        places = np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape)
        goes_on, may_go_on = continues
        inner = goes_on[tokens[:, 1:]] & may_go_on[tokens[:, :-1]]
        heads = np.maximum.accumulate(np.where(np.pad(inner, ((0, 0), (1, 0))), 0, places), axis=1)
        chosen = np.take_along_axis(chosen, heads, axis=1)
    selected = (chosen < rate) & (tokens >= SPECIAL_COUNT)
    labels = np.where(selected, tokens, IGNORED)
    random_ids = SPECIAL_COUNT + (drawn * (vocabulary - SPECIAL_COUNT)).astype(np.int64)
    inputs = np.where(selected & (kind < MASKED_SHARE), MASK, tokens)
    replaced = selected & (kind >= MASKED_SHARE) & (kind < MASKED_SHARE + RANDOM_SHARE)
    return np.where(replaced, random_ids, inputs), labels


def _uniform(shape: tuple[int, ...], seed: int, step: int, samples: I64, name: str) -> NDArray[np.float64]:
    """Return numbers in [0, 1), one per position: a hash of (seed, name, step) and of (sample, position)."""
    key = np.uint64(seed_for(seed, "masking", name, str(step)))
    rows: U64 = mix64(mix64(samples.astype(np.uint64)) ^ key)
    positions = np.arange(shape[1], dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits = mix64(mix64(rows[:, None] + positions[None, :]) ^ key)
    return (bits >> np.uint64(11)).astype(np.float64) / float(1 << 53)
