"""Measures are what their papers say, on a model whose opinions are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import sacrebleu

from scripts.evaluation import measures


class Opinion:
    """Stands for a model that finds a text the likelier the fewer times "x" is in it."""

    class tokenizer:
        @staticmethod
        def encode(text: str, add_special_tokens: bool) -> list[int]:
            return [ord(letter) for letter in text]

    def log_likelihoods(self, pairs: Sequence[tuple[str, str]], together: bool) -> Any:
        return np.array([-float(answer.count("x")) for _, answer in pairs])


def item(number: int, choices: list[str], answer: int | None = 0, **meta: Any) -> dict[str, Any]:
    return {"id": f"t:{number}", "prompt": "", "choices": choices, "answer": answer, "target": None, "meta": meta}


MODEL: Any = Opinion()


def test_accuracy_stands_beside_chance_and_the_majority_of_training() -> None:
    items = [item(n, ["good", "x"], 0 if n < 6 else 1) for n in range(8)]
    train = [item(n, ["good", "x"], 1) for n in range(3)] + [item(9, ["good", "x"], 0)]
    (measure,) = measures.choice_scores(MODEL, items, train, 1).measures
    assert (measure["score"], measure["chance"], measure["baseline"]) == (75, 50, 25)
    assert measure["low"] < 75 < measure["high"]


def test_pairs_are_counted_by_phenomenon_and_ties_are_no_hits() -> None:
    items = [item(n, ["a", "x"], phenomenon="one") for n in range(4)]
    items += [item(n + 4, ["a", "a"], phenomenon="two") for n in range(4)]
    scores = measures.pair_scores(MODEL, items, [], 1)
    assert scores.measures[0]["score"] == 50
    assert (scores.groups["one"]["score"], scores.groups["two"]["score"]) == (100, 0)


def test_stereotype_scores_are_those_of_the_paper() -> None:
    fair = [item(n, ["aa", "ax", "xx"] if n % 2 else ["ax", "aa", "xx"], None, bias_type="race") for n in range(10)]
    found = {one["name"]: one["score"] for one in measures.stereotype_scores(MODEL, fair, [], 1).measures}
    assert found == {"language model score": 100, "stereotype score": 50, "ICAT": 100}
    biased = [item(n, ["aa", "ax", "xx"], None, bias_type="race") for n in range(10)]
    found = {one["name"]: one["score"] for one in measures.stereotype_scores(MODEL, biased, [], 1).measures}
    assert found == {"language model score": 100, "stereotype score": 100, "ICAT": 0}


class Writer:
    """Stands for a model that writes the same whatever it is asked."""

    def __init__(self, said: list[str]) -> None:
        self.said = said

    def answers(self, prompts: Sequence[str], new_tokens: int) -> list[str]:
        return self.said[: len(prompts)]


@pytest.mark.parametrize("said", [["ja", "nein"], ["", ""], ["Der Hund läuft schnell nach Hause .", "ja"]])
def test_translations_are_scored_as_sacrebleu_scores_a_corpus(said: list[str]) -> None:
    right = ["Der Hund läuft schnell nach Hause .", "ja"]
    items = [{**item(n, [], source="x y"), "target": f" {text}"} for n, text in enumerate(right)]
    writer: Any = Writer(said)
    found = {one["name"]: one["score"] for one in measures.translation_scores(writer, items, [], 1).measures}
    wanted = {"BLEU": sacrebleu.corpus_bleu(said, [right]), "chrF": sacrebleu.corpus_chrf(said, [right])}
    assert found == {name: pytest.approx(score.score) for name, score in wanted.items()}


def test_icat_of_a_model_that_guesses() -> None:
    assert measures.icat(np.array([0.5]), np.array([0.5])) == pytest.approx(50)
