"""Items that were planted in documents are found in every form, and what only looks like one is left alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.real_text import module_documents
from tests.unit.cleaning.planted import FORMS, canaries
from tests.unit.cleaning.test_decontaminate import DEFAULTS, held
from tests.unit.cleaning.test_wording import spelled


def spaced(item: str) -> bool:
    """Tell whether an item is of a script with spaces between words."""
    return len(spelled(item)) < 2 * len(item.split())


@pytest.mark.parametrize("form", FORMS)
def test_planted_items_are_recalled(form: str, tmp_path: Path) -> None:
    chance, items = random.Random(5), canaries()
    hosts = [document["text"] for document in module_documents()]
    texts = {}
    for number, item in enumerate(items):
        paragraphs = chance.choice(hosts)[:1500].split("\n\n")
        paragraphs.insert(chance.randint(0, len(paragraphs)), FORMS[form](item, chance))
        texts[str(number)] = "\n\n".join(paragraphs)
    found = held(texts, items, tmp_path)
    recalled = sum(str(number) in found.get(str(number), ()) for number in range(len(items)))
    assert recalled >= 0.99 * len(items)


@pytest.mark.parametrize(
    "form",
    [
        *("as it is", "wrapped", "upper", "no punctuation", "decomposed", "hyphenated", "zero width"),
        *("hyphens of WikiText", "punctuation to spaces", "Penn Treebank"),
    ],
)
def test_items_within_a_paragraph_are_recalled(form: str, tmp_path: Path) -> None:
    """From the least number of words on that may stand anywhere, an item is found between any two words of another text."""
    chance, least = random.Random(7), DEFAULTS["minimum_words"]
    items = [item for item in canaries() if len(item.split()) >= least and spaced(item)]
    hosts = [document["text"] for document in module_documents()]
    texts = {}
    for number, item in enumerate(items):
        words = chance.choice(hosts)[:1500].split(" ")
        words.insert(chance.randint(1, len(words) - 1), FORMS[form](item, chance))
        texts[str(number)] = " ".join(words)
    found = held(texts, items, tmp_path)
    recalled = sum(str(number) in found.get(str(number), ()) for number in range(len(items)))
    assert len(items) >= 200
    assert recalled >= 0.99 * len(items)


def test_look_alikes_are_left_alone(tmp_path: Path) -> None:
    """Every eleventh word is another one, halves are swapped, or a sentence goes on."""
    items = [item for item in canaries() if len(spelled(item)) == len(item.split())]
    texts = {}
    for number, item in enumerate(items):
        words = item.split()
        other = [
            f"zq{word}" if place % 11 == 5 or place == len(words) - 1 else word for place, word in enumerate(words)
        ]
        texts[f"edited {number}"] = f"{' '.join(other)}."
        if len(words) < 8 and words[0].isalnum() and words[-1].isalnum():
            texts[f"longer {number}"] = f"They wrote that {item} zqnever without saying zqwhy it was zqso."
    assert len(texts) > 100
    found = held(texts, items, tmp_path)
    assert {key: value for key, value in found.items() if key.split()[1] in value} == {}
