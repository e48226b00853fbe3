"""Paragraphs that stand in several documents of a corpus: all occurrences but the first go.

Paragraphs are equal when their words are. Their digests are sorted on disk, so memory grows with one document at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scripts.cleaning.clusters import CELLS, count_keys, repeated
from scripts.cleaning.corpus import Corpus
from scripts.cleaning.folding import I64, U64
from scripts.cleaning.sorting import Lookup, Sorter, firsts
from scripts.cleaning.spool import Spool
from scripts.cleaning.survivors import KINDS, best

DIGEST, DOCUMENT, NUMBER, CHARACTERS = range(4)  # columns of an occurrence
PARAGRAPH = KINDS.index("paragraph")


@dataclass(frozen=True)
class Repeats:
    """What goes: paragraphs of documents that stay, and documents with all that they have.

    `paragraphs` holds (document, number, characters, survivor), by document and number; `emptied` yields rows (document, the
    one that keeps its first paragraph, place of the kind).
    """

    paragraphs: Spool
    emptied: Spool


def repeated_paragraphs(corpus: Corpus, gone: Iterator[U64], folder: Path) -> Repeats:
    """Find the repeated paragraphs of documents; those that are `gone`, (document, …) in order, have no part in it."""
    found = Repeats(Spool(folder / "lost", "<u8", 4), Spool(folder / "emptied", "<u8", 3))
    if corpus.paragraphs is None:
        return found
    shared = Spool(folder / "shared", "<u8", 4)
    for rows in _shared(_occurrences(corpus.paragraphs, gone, folder / "occurrences").blocks()):
        shared.append(rows)
    kept = Lookup(best(corpus, (rows[:, : NUMBER + 1] for rows in shared.blocks())), 3)
    lost = Sorter(folder / "repeats", 4)
    for rows in shared.blocks():
        stays = kept.of(rows[:, DIGEST], rows[:, [DOCUMENT, NUMBER]])
        goes = (rows[:, [DOCUMENT, NUMBER]] != stays).any(axis=1)
        lost.add(np.concatenate([rows[goes, DOCUMENT:], stays[goes, :1]], axis=1))
    for rows in _whole_documents(lost.blocks()):
        documents, starts, counts = np.unique(rows[:, 0], return_index=True, return_counts=True)
        whole = corpus.worded.pick(documents.astype(np.int64)) == counts
        kinds = np.full(int(whole.sum()), PARAGRAPH, np.uint64)
        found.emptied.append(np.stack([documents[whole], rows[starts[whole], 3], kinds], axis=1))
        found.paragraphs.append(rows[~np.repeat(whole, counts)])
    return found


def _occurrences(paragraphs: Spool, gone: Iterator[U64], path: Path) -> Sorter:
    """Return the paragraphs that may repeat as (digest, document, number, characters), without those of documents that go."""
    cells = np.zeros(CELLS, np.uint8)
    for block in paragraphs.blocks():
        count_keys(np.ascontiguousarray(block["digest"]), cells)
    found, leaves = Sorter(path, 4), Lookup((rows[:, [0, 0]] for rows in gone), 2)
    for block in paragraphs.blocks():
        names = ("digest", "document", "number", "characters")
        rows = np.stack([block[name].astype(np.uint64) for name in names], axis=1)
        nowhere = np.full(len(rows), np.iinfo(np.uint64).max, np.uint64)
        stays = leaves.of(rows[:, DOCUMENT], nowhere)[:, 0] == nowhere
        found.add(rows[stays & repeated(rows[:, DIGEST], cells)])
    return found


def _shared(blocks: Iterable[U64]) -> Iterator[U64]:
    """Yield the paragraphs whose digest stands in more than one document; `blocks` are sorted."""
    waiting, known = np.empty((0, 4), np.uint64), np.empty(0, np.uint64)
    for block in blocks:
        rows = np.concatenate([waiting, block])
        first = firsts(rows[:, DIGEST])
        several = np.zeros(len(rows), np.bool_)
        several[first[rows[:, DOCUMENT] != rows[first, DOCUMENT]]] = True
        several = several[first] | np.isin(rows[:, DIGEST], known)
        yield rows[several]
        known = rows[-1:, DIGEST] if several[-1] else known[:0]
        waiting = rows[first[-1] :] if not several[-1] else rows[:0]


def _whole_documents(blocks: Iterable[U64]) -> Iterator[U64]:
    """Yield the same rows such that no document is in two blocks."""
    waiting = np.empty((0, 4), np.uint64)
    for block in blocks:
        rows = np.concatenate([waiting, block])
        last: I64 = firsts(rows[:, 0])[-1:]
        yield rows[: int(last[0])]
        waiting = rows[int(last[0]) :]
    yield waiting
