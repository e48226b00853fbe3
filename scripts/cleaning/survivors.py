"""The total order of documents, by which the first of several copies survives.

A document stands before another by the priority of its source, then by its quality, then by its id. Its quality is what was
learned, where the selection gives it, and among equals, as all are without that, the length of its text. Neither arrival nor
the number of parts counts. (Two documents of one id and one length differ by the digests of their texts, and only then by their
parts.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scripts.cleaning.components import Components
from scripts.cleaning.corpus import Corpus
from scripts.cleaning.folding import U64
from scripts.cleaning.sorting import Lookup, Sorter, firsts, sliced
from scripts.lib.versions import source_ids

KINDS = ("id", "exact", "near", "paragraph")
RANKED = 1 << 15  # documents that are ranked at a time


def ranked(corpus: Corpus, rows: U64) -> U64:
    """Return rows (group, position, …) by group and, within each, by the total order and then by what else the rows hold."""
    positions = rows[:, 1].astype(np.int64)
    exact = corpus.exact.pick(positions)
    columns = {"group": pa.array(rows[:, 0]), "source": pa.array(corpus.sources(positions))}
    if corpus.quality is not None:
        columns["quality"] = pa.array(corpus.quality.pick(positions))
    columns["characters"] = pa.array(corpus.characters.pick(positions))
    columns["id"] = source_ids(corpus.names.pick(positions))
    columns |= {f"exact{place}": pa.array(np.ascontiguousarray(exact[:, place])) for place in range(exact.shape[1])}
    columns |= {f"number{place}": pa.array(rows[:, place].copy()) for place in range(1, rows.shape[1])}
    falling = ("quality", "characters")
    keys = [(name, "descending" if name in falling else "ascending") for name in columns]
    found: U64 = rows[pc.sort_indices(pa.table(columns), sort_keys=keys).to_numpy()]
    return found


def best(corpus: Corpus, blocks: Iterable[U64]) -> Iterator[U64]:
    """Yield of each group of rows (group, position, …), sorted by group, the one that stands first in the total order."""
    waiting: U64 | None = None  # the first of the last group so far
    for block in sliced(blocks, RANKED):
        rows = ranked(corpus, block if waiting is None else np.concatenate([waiting, block]))
        rows = rows[np.unique(firsts(rows[:, 0]))]
        yield rows[:-1]
        waiting = rows[-1:]
    if waiting is not None:
        yield waiting


@dataclass
class Copies:
    """The documents that go: rows (position, survivor, place of the kind in KINDS), and how many clusters have which size."""

    rows: Sorter
    sizes: Counter[int] = field(default_factory=Counter)


def copies(corpus: Corpus, components: Components, exact: bool, folder: Path) -> Copies:
    """Return which documents go and which survive; with `exact`, those of equal texts are told from the others."""
    members = Sorter(folder / "members", 2)
    for stars in components.stars():
        members.add(stars[:, ::-1])
    found = Copies(Sorter(folder / "copies", 3))
    survivors = Lookup(best(corpus, _with_roots(members.blocks())), 2)
    for block in sliced(_with_roots(members.blocks()), RANKED):
        survivor = survivors.of(block[:, 0], block[:, 1:])[:, 0]
        goes = block[:, 1] != survivor
        found.rows.add(_with_kinds(corpus, block[goes, 1], survivor[goes], exact))
    for size in _sizes(members.blocks()):
        found.sizes[size + 1] += 1
    members.remove()
    return found


def _with_roots(blocks: Iterable[U64]) -> Iterator[U64]:
    """Yield rows (root, member) and before those of each root one of itself."""
    last: U64 = np.empty(0, np.uint64)
    for block in blocks:
        roots = np.concatenate([last, block[:, 0]])
        new = np.flatnonzero(roots[1:] != roots[:-1]) if len(last) else np.unique(firsts(roots))
        yield np.insert(block, new, np.stack([block[new, 0]] * 2, axis=1), axis=0)
        last = block[-1:, 0]


def _with_kinds(corpus: Corpus, documents: U64, survivors: U64, exact: bool) -> U64:
    places, kept = documents.astype(np.int64), survivors.astype(np.int64)
    kinds = np.full(len(documents), KINDS.index("near"), np.uint64)
    if exact:
        kinds[(corpus.exact.pick(places) == corpus.exact.pick(kept)).all(axis=1)] = KINDS.index("exact")
    kinds[(corpus.ids.pick(places) == corpus.ids.pick(kept)).all(axis=1)] = KINDS.index("id")
    return np.stack([documents, survivors, kinds], axis=1)


def _sizes(blocks: Iterable[U64]) -> Iterator[int]:
    """Yield the number of rows of each group, blocks being sorted by group."""
    last, count = np.empty(0, np.uint64), 0
    for block in blocks:
        groups, counts = np.unique(block[:, 0], return_counts=True)
        if count and groups[0] != last[0]:
            yield count
            count = 0
        counts[0] += count
        yield from counts[:-1].tolist()
        last, count = groups[-1:], int(counts[-1])
    if count:
        yield count
