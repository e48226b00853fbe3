"""What is measured on each kind of labelled set, each measure with interval, chance level and a baseline that reads nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU, CHRF

from scripts.evaluation.statistics import bootstrap_interval, ratio_interval
from scripts.lib.items import Item, wanted
from scripts.lib.likelihood import LanguageModel, encode_answer
from scripts.lib.progress import progress
from scripts.lib.seeds import seed_for

NEW_TOKENS = 64  # of a translation, at most
CHUNK = 64  # items between two movements of the progress bar
EXAMPLES, EXAMPLE_LENGTH = 4, 160
RESAMPLES = 200  # of translations, whose scores cost more to compute than a mean
F64 = NDArray[np.float64]
Items = Sequence[Item]


@dataclass
class Scores:
    """Measures of a task; scores of groups of its items by name; a row per item (id, prompt, answer, right, detail).

    `examples` are a few texts that the model wrote, for people to read.
    """

    measures: list[dict[str, Any]]
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    examples: list[dict[str, str]] = field(default_factory=list)


def share(hits: F64, seed: int) -> dict[str, Any]:
    """Return the mean of hits (each from 0 to 1), with its interval and number, in percent."""
    low, high = ratio_interval(hits, np.ones(len(hits)), seed)
    return {"score": 100 * float(hits.mean()), "low": 100 * low, "high": 100 * high, "n": len(hits), "unit": "%"}


def likelihoods(model: LanguageModel, pairs: Sequence[tuple[str, str]], together: bool) -> F64:
    """Return the log probability in nats of every answer given its prompt, with a bar for those who watch."""
    starts = range(0, len(pairs), CHUNK)
    parts = [model.log_likelihoods(pairs[start : start + CHUNK], together) for start in progress(starts, len(starts))]
    return np.concatenate(parts)


def choice_scores(model: LanguageModel, items: Items, train: Items, seed: int) -> Scores:
    """Accuracy of the more probable answer; the baseline is the commonest answer of the train split."""
    values = likelihoods(model, [(item["prompt"], choice) for item in items for choice in item["choices"]], True)
    rows, hits, place = [], [], 0
    for item in items:
        mine = values[place : place + len(item["choices"])]
        place += len(mine)
        picked = int(mine.argmax())
        hits.append(float(picked == item["answer"]))
        rows.append(_row(item, item["choices"][picked], wanted(item), {"nats": [-float(value) for value in mine]}))
    commonest = Counter(item["answer"] for item in train).most_common(1)[0][0] if train else None
    majority = 100 * sum(item["answer"] == commonest for item in items) / len(items) if train else None
    chance = 100 * sum(1 / len(item["choices"]) for item in items) / len(items)
    measure = {"name": "accuracy", **share(np.array(hits), seed), "chance": chance}
    return Scores([measure | {"baseline": majority, "baseline_name": "majority class"}], rows=rows)


def pair_scores(model: LanguageModel, items: Items, train: Items, seed: int) -> Scores:
    """Share of minimal pairs whose grammatical sentence is the more probable one (Warstadt et al. 2020), also by phenomenon."""
    values = likelihoods(model, [("", sentence) for item in items for sentence in item["choices"]], False)
    good, bad = values[0::2], values[1::2]
    hits = (good > bad).astype(np.float64)
    rows = [
        _row(item, item["choices"][0 if hit else 1], item["choices"][0], {"nats": [-float(one), -float(other)]})
        for item, hit, one, other in zip(items, hits, good, bad, strict=True)
    ]
    groups = _by_group([item["meta"]["phenomenon"] for item in items], hits, seed)
    return Scores([{"name": "accuracy", **share(hits, seed), "chance": 50.0}], groups, rows)


def stereotype_scores(model: LanguageModel, items: Items, train: Items, seed: int) -> Scores:
    """StereoSet's measures (Nadeem et al. 2021), by the mean log probability of a token.

    The language model score is the share of sensible sentences that beat the unrelated one, the stereotype score that of
    stereotypes that beat the anti-stereotype (50 % is even-handed), and ICAT joins both (100 is ideal, chance 50).
    """
    pairs = [
        (item["prompt"], (" " if item["prompt"] else "") + sentence) for item in items for sentence in item["choices"]
    ]
    lengths = np.array([len(encode_answer(model.tokenizer, *pair)[1]) for pair in pairs])
    means = (likelihoods(model, pairs, False) / lengths).reshape(-1, 3)
    stereotype, anti, unrelated = means.T
    sensible = ((stereotype > unrelated).astype(np.float64) + (anti > unrelated)) / 2
    leaning = (stereotype > anti).astype(np.float64)
    rows = [
        _row(item, item["choices"][int(row[:2].argmax())], "", {"mean_nats": [-float(value) for value in row]})
        for item, row in zip(items, means, strict=True)
    ]
    groups = _by_group([item["meta"]["bias_type"] for item in items], leaning, seed)
    low, high = bootstrap_interval(lambda drawn: icat(sensible[drawn], leaning[drawn]), len(items), seed)
    measures = [
        {"name": "language model score", **share(sensible, seed), "chance": 50.0},
        {"name": "stereotype score", **share(leaning, seed), "chance": 50.0},
        {
            "name": "ICAT",
            "score": icat(sensible, leaning),
            "low": low,
            "high": high,
            "n": len(items),
            "unit": "points",
            "chance": 50.0,
        },
    ]
    return Scores(measures, groups, rows)


def icat(sensible: F64, leaning: F64) -> float:
    """Return the idealised context association test score: 100 x sensible share x min(leaning, 1 - leaning) / 0.5."""
    lean = float(leaning.mean())
    return 100 * float(sensible.mean()) * min(lean, 1 - lean) / 0.5


def translation_scores(model: LanguageModel, items: Items, train: Items, seed: int) -> Scores:
    """chrF (Popović 2015) and BLEU by sacrebleu, of greedy translations, beside a copy of the source text."""
    said: list[str] = []
    for start in progress(range(0, len(items), CHUNK), -(-len(items) // CHUNK)):
        said += model.answers([item["prompt"] for item in items[start : start + CHUNK]], NEW_TOKENS)
    right = [wanted(item).strip() for item in items]
    copied = [str(item["meta"]["source"]) for item in items]
    measures = []
    for name, metric in (("chrF", CHRF()), ("BLEU", BLEU())):
        low, high = bootstrap_interval(partial(_corpus_score, metric, said, right), len(items), seed, RESAMPLES)
        measures.append(
            {
                "name": name,
                "score": _corpus_score(metric, said, right, range(len(items))),
                "low": low,
                "high": high,
                "n": len(items),
                "unit": "points",
                "chance": None,
                "baseline": metric.corpus_score(copied, [right]).score,
                "baseline_name": "copy of the source",
            }
        )
    rows = [_row(item, text, truth, {}) for item, text, truth in zip(items, said, right, strict=True)]
    examples = [
        {"source": shown(source), "answer": shown(text), "right": shown(truth)}
        for source, text, truth in list(zip(copied, said, right, strict=True))[:EXAMPLES]
    ]
    return Scores(measures, rows=rows, examples=examples)


def shown(text: str) -> str:
    """Return a text cut to what a page shows."""
    return text if len(text) <= EXAMPLE_LENGTH else text[: EXAMPLE_LENGTH - 1] + "…"


def _corpus_score(metric: Any, said: Sequence[str], right: Sequence[str], drawn: Iterable[int]) -> float:
    """Return a metric of sacrebleu over the numbered items of a corpus."""
    chosen = list(drawn)
    return float(metric.corpus_score([said[i] for i in chosen], [[right[i] for i in chosen]]).score)


def _by_group(names: Sequence[str], hits: F64, seed: int) -> dict[str, dict[str, Any]]:
    """Return the share of hits in each group that has two or more items."""
    found = {}
    for name in sorted(set(names)):
        mine = hits[[place for place, other in enumerate(names) if other == name]]
        if len(mine) > 1:
            found[name] = share(mine, seed_for(seed, name))
    return found


def _row(item: Item, answer: str, right: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {"id": item["id"], "prompt": item["prompt"], "answer": answer, "right": right, "detail": detail}


METHODS: dict[str, Callable[[LanguageModel, Items, Items, int], Scores]] = {
    "boolq": choice_scores,
    "sentiment": choice_scores,
    "minimal_pairs": pair_scores,
    "stereoset": stereotype_scores,
    "translation": translation_scores,
}
