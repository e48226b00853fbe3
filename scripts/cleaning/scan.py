"""Everything that the published filters count in some texts, as integers: one pass over their characters, in compiled steps.

The steps are called one by one from here, since a compiled function is compiled again with each that calls it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from scripts.cleaning import counts as at
from scripts.cleaning.characters import Codes, character_classes, code_points
from scripts.cleaning.counts import Table
from scripts.cleaning.english import Lexicon, lexicon, stop_words
from scripts.cleaning.hashing import hash_text
from scripts.cleaning.lines import measure_lines
from scripts.cleaning.phrases import join_phrases
from scripts.cleaning.prose import measure_edited, measure_prose, no_lines, wanted
from scripts.cleaning.repetition import measure_words
from scripts.cleaning.split import Offsets, Tokens, describe, split
from scripts.lib.compiled import compiled
from scripts.lib.tables import Hashes


def count_all(texts: Sequence[str]) -> Table:
    """Return what is counted in some texts: a row each, the columns of scripts.cleaning.counts."""
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=starts[1:])
    codes, classes = code_points("".join(texts)), character_classes()
    table = np.zeros((len(texts), at.SIZE), np.int64)
    tokens = tokens_of(codes, starts)
    measure_lines(codes, starts, classes, table)
    edited = no_lines(len(codes))
    measure_prose(codes, starts, classes, wanted(), tokens, table, edited)
    lines = int(edited.size[0])
    if lines:
        starts = edited.starts[: lines + 1]
        measure_edited(tokens_of(edited.codes[: starts[lines]], starts), edited, table)
    measure_words(tokens, _stop_words(), table)
    return table


def tokens_of(codes: Codes, starts: Offsets) -> Tokens:
    """Return the tokens of texts: text n has the characters from `starts[n]` to before `starts[n + 1]`."""
    room = len(codes)
    tokens = Tokens(
        np.empty((room, 2), np.int32),
        np.empty(room, np.uint64),
        np.empty(room, np.uint8),
        np.zeros(len(starts), np.int64),
    )
    _tokenize(codes, starts, character_classes(), lexicon(), tokens)
    return tokens


@compiled
def _tokenize(codes: Codes, starts: Offsets, classes: Codes, lexicon: Lexicon, tokens: Tokens) -> None:
    """Split texts into tokens; there is room for as many as they have characters."""
    begin = int(np.int64(0))
    for text in range(len(starts) - 1):
        end = split(codes, starts[text], starts[text + 1], classes, lexicon, tokens, begin)
        joined = join_phrases(lexicon, tokens.bounds, tokens.hashes, begin, end)
        if joined >= 0:
            end = joined
            describe(codes, classes, tokens, begin, end)
        begin = end
        tokens.firsts[text + 1] = end


@functools.cache
def _stop_words() -> Hashes:
    return np.array([hash_text(word) for word in stop_words()], np.uint64)
