"""Masked positions depend on seed, step and sample alone, in the published shares."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from scripts.lib.masking import IGNORED, mask_tokens
from scripts.lib.pieces import word_continuations
from scripts.lib.special_tokens import MASK, SPECIAL_COUNT
from scripts.lib.vocabulary import Vocabulary
from scripts.tokenizer.train import Recipe, train_model
from tests.real_text import topic_documents

VOCABULARY = 5000
SPACES = re.compile("\u2581|<0x0A>")  # each is a character of text
BORDER = re.compile(r"[ (),\n]|(?<=[(,\n])")  # where a word or a mark of punctuation begins
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
    """A third of the pieces go on with words, a tenth end them; every piece of a chosen word is asked for, and no other."""
    continues = np.arange(VOCABULARY) % np.array([[3], [10]]) == np.array([[0], [9]])
    continues[1] ^= True
    continues[:, :SPECIAL_COUNT] = False
    options = {"seed": 1, "step": 3, "samples": np.arange(64), "vocabulary": VOCABULARY, "rate": 0.15}
    inputs, labels = mask_tokens(TOKENS, **options, continues=continues)
    chosen, ordinary = labels != IGNORED, TOKENS >= SPECIAL_COUNT
    assert abs(chosen.sum() / ordinary.sum() - 0.15) < 0.01
    assert abs((inputs[chosen] == MASK).mean() - 0.8) < 0.03
    inner = continues[0][TOKENS[:, 1:]] & continues[1][TOKENS[:, :-1]]
    assert np.array_equal(chosen[:, 1:][inner], chosen[:, :-1][inner])
    separate = mask_tokens(TOKENS, **options)[1] != IGNORED
    assert not np.array_equal(separate[:, 1:][inner], separate[:, :-1][inner])
    heads = ~np.pad(inner, ((0, 0), (1, 0)))
    assert np.array_equal(chosen[heads], separate[heads])  # a word goes as its first piece would


def test_which_pieces_continue_a_word() -> None:
    special = ["<unk>"] * SPECIAL_COUNT
    pieces = ["\u2581the", "\u2581", "re", "\u00e9t", "\u0301", "7", ",", "\n", "\u6c34", "\u0e19", "<0xE2>", "<0x0A>"]
    goes_on = [False, False, True, True, True, True, False, False, False, False, True, False]
    may_go_on = [True, True, True, True, True, True, False, False, True, True, True, False]
    found = word_continuations([*special, *pieces])
    assert found[:, SPECIAL_COUNT:].tolist() == [goes_on, may_go_on] and not found[:, :SPECIAL_COUNT].any()


WORDS = {
    "Arabic": ["كتابة", "المدرسة", "والطالب", "يستخدمون", "الجامعات", "می\u200cخواهم"],
    "Devanagari": ["विद्यालय", "पुस्तकालय", "विश्वविद्यालय", "हिन्दी"],
    "Hangul": ["안녕하세요", "대한민국", "사람들은"],
    "Hebrew": ["ירושלים", "האוניברסיטה"],
    "Latin": ["complicated", "e\u0301te\u0301s"],
    "brackets": ["(complicated", "ירושלים)", "statement\nThe", "complicated,wonderful"],
}


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    """A tokenizer with about a piece for each character, so that words have several."""
    model = tmp_path_factory.mktemp("masking") / "tokenizer.model"
    texts = [row["text"] for row in topic_documents()[:20]] + [" ".join(words) for words in WORDS.values()]
    settings = {"seed": 1, "corpus": "main", "algorithm": "bpe", "vocabulary": 500, "sample_bytes": 1, "weights": {}}
    more = {"character_coverage": 1.0, "language_weights": {}, "user_symbols": []}
    model.write_bytes(train_model({"all": texts}, Recipe.from_settings({**settings, **more})))
    return Vocabulary(model)


@pytest.mark.parametrize("script", WORDS)
def test_words_of_every_script_with_spaces_are_masked_whole(vocabulary: Vocabulary, script: str) -> None:
    text = " " + " ".join(WORDS[script])
    pieces = vocabulary.pieces()
    row = vocabulary.encode(text)
    ends = np.cumsum([len(SPACES.sub(" ", pieces[number])) for number in row])
    number_of = np.cumsum([bool(BORDER.match(text, end)) for end in range(len(text))])
    words = number_of[ends - 1]  # of each piece, by where it ends
    assert len(row) > 2 * words[-1]
    rows = np.tile(row, (400, 1))
    options = {"seed": 1, "step": 3, "samples": np.arange(400), "vocabulary": vocabulary.size, "rate": 0.3}
    chosen = mask_tokens(rows, **options, continues=word_continuations(pieces))[1] != IGNORED
    for first, second in itertools.pairwise(range(len(row))):
        assert np.array_equal(chosen[:, first], chosen[:, second]) == (words[first] == words[second])
