"""Masked positions depend on seed, step and sample alone, in the published shares."""

from __future__ import annotations

import numpy as np

from scripts.lib.masking import IGNORED, mask_tokens
from scripts.lib.pieces import word_continuations
from scripts.lib.special_tokens import MASK, SPECIAL_COUNT

VOCABULARY = 5000
TOKENS = np.random.default_rng(0).integers(0, VOCABULARY, (64, 256))


def masked(rows: slice = slice(None), step: int = 3) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    samples = np.arange(64)[rows]
    return mask_tokens(TOKENS[rows], seed=1, step=step, samples=samples, vocabulary=VOCABULARY, rate=0.15)


def test_the_shares_are_those_of_the_paper() -> None:
    inputs, labels = masked()
    chosen = labels != IGNORED
    ordinary = TOKENS >= SPECIAL_COUNT
    assert abs(chosen.sum() / ordinary.sum() - 0.15) < 0.01
    assert not (chosen & ~ordinary).any()
    assert np.array_equal(labels[chosen], TOKENS[chosen])
    assert np.array_equal(inputs[~chosen], TOKENS[~chosen])
    assert abs((inputs[chosen] == MASK).mean() - 0.8) < 0.03
    assert abs((inputs[chosen] == TOKENS[chosen]).mean() - 0.1) < 0.03
    assert (inputs[chosen & (inputs != MASK)] >= SPECIAL_COUNT).all()


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    whole = masked()
    part = masked(slice(16, 32))
    assert np.array_equal(whole[0][16:32], part[0])
    assert np.array_equal(whole[1][16:32], part[1])
    assert not np.array_equal(whole[1], masked(step=4)[1])


def test_whole_words_are_chosen_and_the_shares_stay() -> None:
    """A third of the pieces continue words; every piece of a chosen word is asked for, and no other."""
    continues = np.arange(VOCABULARY) % 3 == 0
    continues[:SPECIAL_COUNT] = False
    options = {"seed": 1, "step": 3, "samples": np.arange(64), "vocabulary": VOCABULARY, "rate": 0.15}
    inputs, labels = mask_tokens(TOKENS, **options, continues=continues)
    chosen, ordinary = labels != IGNORED, TOKENS >= SPECIAL_COUNT
    assert abs(chosen.sum() / ordinary.sum() - 0.15) < 0.01
    assert abs((inputs[chosen] == MASK).mean() - 0.8) < 0.03
    inner = continues[TOKENS[:, 1:]] & ordinary[:, :-1]
    assert np.array_equal(chosen[:, 1:][inner], chosen[:, :-1][inner])
    separate = mask_tokens(TOKENS, **options)[1] != IGNORED
    assert not np.array_equal(separate[:, 1:][inner], separate[:, :-1][inner])
    heads = ~continues[TOKENS]
    assert np.array_equal(chosen[heads], separate[heads])  # a word goes as its first piece would


def test_which_pieces_continue_a_word() -> None:
    special = ["<unk>"] * SPECIAL_COUNT
    pieces = ["\u2581the", "\u2581", "re", "\u00e9t", "\u0301", "7", ",", "\n", "\u6c34", "\u0e19", "<0xE2>", "<0x0A>"]
    told = [False, False, True, True, True, True, False, False, False, False, True, False]
    assert word_continuations([*special, *pieces]).tolist() == [False] * SPECIAL_COUNT + told
