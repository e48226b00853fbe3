"""Which evaluation items a document holds: runs found in it, weighed as evidence, with their places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scripts.cleaning.cuts import Span, merged
from scripts.cleaning.runs import TOGETHER, UNSPACED_FACTOR, Rules, Runs
from scripts.cleaning.wording import I64, SINGLE, Folding, Words, joined
from scripts.lib.documents import read_batches
from scripts.lib.manifest import Artefact

_BROKEN = re.compile("[-\u2010\u2011](?<=\\w.)[^\\S\n]*\n[^\\S\n]*\\w")  # a hyphen at the end of a line between letters
# Apostrophes and hyphens within words, which some leave out.
_WITHIN = [re.compile(f"(?<=\\w)[{marks}](?=\\w)") for marks in ("'\u2018\u2019", "-\u2010\u2011")]
CHARACTERS = 1 << 20  # of the texts that are searched at once


@dataclass(frozen=True)
class Found:
    """One item in one document and where it stands there, in code points."""

    task: int
    item: int
    spans: list[Span]


class ItemIndex:
    """The texts of evaluation items, by task. `mask` narrows the hashes (see scripts.cleaning.runs)."""

    def __init__(self, tasks: Sequence[Artefact], rules: Rules, mask: int = 2**64 - 1) -> None:
        self.folding = Folding()
        self.ids: list[str] = []  # of items
        self.task_of: list[int] = []  # of items
        self._rules = rules
        owners: list[int] = []  # of texts
        self._given: list[bool] = []  # whether texts are as the items have them
        parts = [self.folding.words([])]
        for task, artefact in enumerate(tasks):
            path = artefact.path(f"{artefact.manifest_path.stem}.parquet")
            for batch in read_batches(path, ["id", "contamination_text"]):
                texts: list[str] = []
                for identifier, found in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    shorter = _without_marks(found)
                    owners += [len(self.ids)] * (len(found) + len(shorter))
                    self._given += [True] * len(found) + [False] * len(shorter)
                    texts += found + shorter
                    self.ids.append(identifier)
                    self.task_of.append(task)
                parts.append(self.folding.words(texts))
        self._owners = np.array(owners, np.int64)
        self.runs = Runs(joined(parts), rules, np.uint64(mask))

    def too_short(self, task: int) -> int:
        """Return how many texts of a task are not looked for."""
        tasks = np.array(self.task_of, np.int64)[self._owners]
        return int(((tasks == task) & (self.runs.text_length == 0) & self._given).sum())

    def together(self, task: int) -> int:
        """Return how many items of a task are so short that they are only evidence together with others."""
        looked_for = self.runs.text_length > 0
        alone = np.unique(self._owners[looked_for & (self.runs.text_manner != TOGETHER)])
        found = np.setdiff1d(self._owners[looked_for], alone)
        return int((np.array(self.task_of, np.int64)[found] == task).sum())

    def search(self, texts: Sequence[str]) -> Iterator[list[Found]]:
        """Yield for each text the items that it holds, by task and then id, with hyphens at the ends of lines read either way."""
        broken = [number for number, text in enumerate(texts) if _BROKEN.search(text)]
        apart = dict(zip(broken, self._search([texts[number] for number in broken], apart=True), strict=True))
        for number, found in enumerate(self._search(texts)):
            yield self._united([*found, *apart[number]]) if apart.get(number) else found

    def _united(self, found: Sequence[Found]) -> list[Found]:
        """Return finds in one text with those of the same item as one, by task and then id."""
        spans: dict[tuple[int, int], list[Span]] = {}
        for one in found:
            spans.setdefault((one.task, one.item), []).extend(one.spans)
        order = sorted(spans, key=lambda one: (one[0], self.ids[one[1]]))
        return [Found(*one, merged(spans[one])) for one in order]

    def _search(self, texts: Sequence[str], apart: bool = False) -> Iterator[list[Found]]:
        words = self.folding.words(texts, apart)
        hits = self.runs.find(words)
        weights = np.concatenate([[0], np.cumsum(np.where(words.flags & SINGLE, 1, UNSPACED_FACTOR))])
        edges = np.searchsorted(hits.starts, words.texts)
        for text in range(len(texts)):
            here = slice(edges[text], edges[text + 1])
            if edges[text] == edges[text + 1]:
                yield []
            else:
                yield self._weigh(words, text, hits.starts[here], hits.runs[here], weights)

    def _weigh(self, words: Words, text: int, starts: I64, runs: I64, weights: I64) -> list[Found]:
        """Return the items of which the runs in one text are evidence."""
        places: dict[int, list[Span]] = {}  # in words, by item
        alone: set[int] = set()
        by_task: dict[int, dict[int, Span]] = {}  # the first place of each run
        for start, run in zip(starts.tolist(), runs.tolist(), strict=True):
            span = start, start + int(self.runs.lengths[run])
            for item in sorted(set(self._owners[self.runs.texts_of(run)].tolist())):
                places.setdefault(item, []).append(span)
                by_task.setdefault(self.task_of[item], {}).setdefault(run, span)
                if self.runs.manners[run] != TOGETHER:
                    alone.add(item)
        whole = int(weights[words.texts[text + 1]] - weights[words.texts[text]])
        enough = {task for task, found in by_task.items() if self._enough(list(found.values()), whole, weights)}
        kept = [item for item in places if item in alone or self.task_of[item] in enough]
        base = int(words.places[text])
        return [
            Found(
                self.task_of[item],
                item,
                [
                    (int(words.starts[first]) - base, int(words.stops[last - 1]) - base)
                    for first, last in merged(places[item])
                ],
            )
            for item in sorted(kept, key=lambda one: (self.task_of[one], self.ids[one]))
        ]

    def _enough(self, spans: Sequence[Span], whole: int, weights: I64) -> bool:
        """Tell whether runs together are as many words as one long run, or half of the text."""
        distinct = sum(int(weights[stop] - weights[start]) for start, stop in spans)
        covered = sum(int(weights[stop] - weights[start]) for start, stop in merged(spans))
        return distinct >= UNSPACED_FACTOR * self._rules.ngram or 2 * covered >= whole


def _without_marks(texts: Sequence[str]) -> list[str]:
    """Return the texts without their apostrophes or hyphens within words, or both, as "dont" is written for "don't"."""
    shorter: list[str] = []
    for text in texts:
        forms = {text}
        for marks in _WITHIN:
            forms |= {marks.sub("", form) for form in forms}
        shorter += sorted(forms - {text})
    return shorter
