"""A tree as a double array leads from labels to words as a dictionary does, and nowhere else."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.double_array import NUMBER, PARENT, ROOT, WEIGHT, Tree, child, tree_of
from scripts.lib.tables import NONE

WORDS = st.dictionaries(
    st.lists(st.integers(1, 9) | st.integers(1, 300), min_size=1, max_size=6).map(tuple), st.integers(-9, 9)
)


def found(tree: Tree, word: tuple[int, ...]) -> tuple[int, int] | None:
    """Return number and weight of a word, None for one that is not in the tree."""
    node = ROOT
    for label in word:
        node = np.uint64(child(tree, node, np.uint64(label)))
        if node == ROOT:
            return None
    return None if tree[node + NUMBER] == NONE else (int(tree[node + NUMBER]), int(tree[node + WEIGHT]))


@settings(max_examples=100, deadline=None)
@given(words=WORDS, others=st.lists(st.lists(st.integers(0, 300), min_size=1, max_size=6).map(tuple), max_size=20))
def test_words_are_found_and_nothing_else_is(words: dict[tuple[int, ...], int], others: list[tuple[int, ...]]) -> None:
    tree = tree_of([(word, number, weight) for number, (word, weight) in enumerate(words.items())], 301)
    told = {word: (number, weight) for number, (word, weight) in enumerate(words.items())}
    for word in [*words, *others, *(word[:-1] for word in words if len(word) > 1), *((*word, 300) for word in words)]:
        assert found(tree, word) == told.get(word), word


def test_a_large_tree_leaves_few_rows_empty() -> None:
    generator = np.random.default_rng(1)
    words = {tuple(np.minimum(generator.zipf(1.3, generator.integers(1, 9)), 2000).tolist()): 0 for _ in range(20_000)}
    tree = tree_of([(word, number, 0) for number, word in enumerate(words)], 2001)
    assert all(found(tree, word) == (number, 0) for number, word in enumerate(words))
    nodes = int((tree[int(PARENT) :: 4] != NONE).sum()) + 1
    assert nodes == len({word[:size] for word in words for size in range(len(word) + 1)})
    assert len(tree) // 4 < 2 * nodes + 2001
