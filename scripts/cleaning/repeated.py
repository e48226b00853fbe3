"""Paragraphs that stand in several documents of a corpus: all occurrences but the first go.

Paragraphs are equal when their words are. Slices of them by digest are sorted one after the other, so memory is that of the
largest slice and of what goes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scripts.cleaning.corpus import Corpus
from scripts.cleaning.spool import I64
from scripts.cleaning.survivors import firsts, ranked

REPEAT = np.dtype([("document", "<i8"), ("number", "<i4"), ("characters", "<i4"), ("survivor", "<i8")])


@dataclass(frozen=True)
class Repeats:
    """Paragraphs that go from documents that stay, by document and number, and the documents that go with all they have.

    `emptied` is int64 [documents, 2]: a document, and the one that keeps its first paragraph.
    """

    paragraphs: NDArray[np.void]
    emptied: I64


def repeated_paragraphs(corpus: Corpus, gone: NDArray[np.bool_]) -> Repeats:
    """Find the repeated paragraphs of the documents that are not `gone`."""
    found = np.concatenate([np.empty(0, REPEAT), *(_of_slice(corpus, part.load(), gone) for part in corpus.paragraphs)])
    found = found[np.lexsort((found["number"], found["document"]))]
    documents, starts, counts = np.unique(found["document"], return_index=True, return_counts=True)
    whole = corpus.worded.pick(documents) == counts
    emptied = np.stack([documents[whole], found["survivor"][starts[whole]]], axis=1)
    return Repeats(found[~np.repeat(whole, counts)], emptied)


def _of_slice(corpus: Corpus, occurrences: NDArray[np.void], gone: NDArray[np.bool_]) -> NDArray[np.void]:
    """Return what goes of a slice, in no order that means anything."""
    occurrences = _shared(occurrences[~gone[occurrences["document"]]])
    order = ranked(corpus, occurrences["document"], occurrences["digest"], occurrences["number"])
    occurrences = occurrences[order]
    first = firsts(occurrences["digest"])
    found = np.empty(len(occurrences), REPEAT)
    for name in ("document", "number", "characters"):
        found[name] = occurrences[name]
    found["survivor"] = occurrences["document"][first]
    goes: NDArray[np.bool_] = first != np.arange(len(first))
    return np.compress(goes, found)


def _shared(occurrences: NDArray[np.void]) -> NDArray[np.void]:
    """Return the paragraphs whose digest stands in more than one document, sorted by digest."""
    occurrences = occurrences[np.lexsort((occurrences["document"], occurrences["digest"]))]
    if not len(occurrences):
        return occurrences
    begins = firsts(occurrences["digest"])
    elsewhere = occurrences["document"] != occurrences["document"][begins]
    several = np.zeros(len(occurrences), np.bool_)
    several[begins[elsewhere]] = True
    return occurrences[several[begins]]
