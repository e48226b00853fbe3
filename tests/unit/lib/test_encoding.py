"""The compiled encoder gives the ids of sentencepiece, or refuses the model."""

from __future__ import annotations

import functools
import io
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.encoding import FastEncoder
from scripts.lib.errors import UserError
from scripts.lib.nasty import NASTY
from scripts.lib.run_cache import SLOT_BITS
from scripts.lib.sentencepiece_model import (
    SCORE_STEP,
    Algorithm,
    Kind,
    Piece,
    Unsuited,
    algorithm_of,
    read_model,
    with_pieces,
)
from tests.real_text import module_documents, topic_documents

TEXTS = [row["text"] for row in topic_documents()] + [row["text"] for row in module_documents()[:10]]


def in_other_scripts() -> list[str]:
    """Return texts of invented words in scripts of two and three bytes a character, with and without spaces between words."""
    generator = np.random.default_rng(1)
    texts = []
    for first, count, space in (
        (0x3B1, 24, " "),
        (0x430, 32, " "),
        (0x905, 53, " "),
        (0xE01, 58, ""),
        (0x3042, 80, ""),
    ):
        sizes = generator.integers(1, 9, 400)
        letters = np.minimum(generator.geometric(0.1, sizes.sum()), count) - 1 + first
        words = ["".join(map(chr, word)) for word in np.split(letters, np.cumsum(sizes)[:-1])]
        texts += [space.join(words[number % 400] for number in generator.zipf(1.3, 300)) + "." for _ in range(20)]
    return texts


SCRIPTS = in_other_scripts()
LONG = (
    "\u5b66\u800c\u65f6\u4e60\u4e4b\u4e0d\u4ea6\u8bf4\u4e4e" * 400,
    "a" * 5000,
    " " * 3000,
    "the\u2581the " * 500,
    "\n".join(TEXTS[:3]),
    "\x00\x00null\x00",
    "\U0010ffff\ufffd\ue000",
    "<user><use<user>x <user> ",
)
SYMBOLS = st.sampled_from(
    [*"the and\n\t0159.,-", " the", "<user>", "\u2581", "\u00e9", "\u4f60", "\U0001f600", "\u0301"]
)
MIXED = st.lists(SYMBOLS, max_size=120).map("".join)


@functools.cache
def model_bytes(algorithm: str, vocabulary: int, scripts: bool = False, **more: Any) -> bytes:
    """Return a model trained on the texts with the settings of the tokenizer step; unigram scores in whole steps."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(
            line for text in [*TEXTS, *SCRIPTS[: len(SCRIPTS) * scripts]] for line in text.splitlines(keepends=True)
        ),
        model_writer=model,
        model_type=algorithm,
        vocab_size=vocabulary,
        minloglevel=2,
        **{
            "byte_fallback": True,
            "split_digits": True,
            "normalization_rule_name": "identity",
            "remove_extra_whitespaces": False,
            "add_dummy_prefix": False,
            "allow_whitespace_only_pieces": True,
            **more,
        },
    )
    data = model.getvalue()
    if algorithm == "unigram":
        pieces = read_model(data).pieces
        data = with_pieces(data, [Piece(p.text, round(p.score / SCORE_STEP) * SCORE_STEP, p.kind) for p in pieces])
    return data


MODELS: dict[str, tuple[str, int, tuple[tuple[str, Any], ...]]] = {
    "bpe": ("bpe", 2000, ()),
    "small bpe": ("bpe", 500, (("character_coverage", 0.98),)),
    "user symbols": ("bpe", 1000, (("user_defined_symbols", ("<user>", "the", "</user>")),)),
    "unsplit digits": ("bpe", 1500, (("split_digits", False), ("split_by_whitespace", False))),
    "unigram": ("unigram", 1500, ()),
    "small unigram": ("unigram", 600, (("character_coverage", 0.98),)),
    "bpe of scripts": ("bpe", 3000, (("scripts", True),)),
    "unigram of scripts": ("unigram", 2000, (("scripts", True),)),
}


def both(name: str) -> tuple[FastEncoder, Any]:
    algorithm, vocabulary, more = MODELS[name]
    data = model_bytes(algorithm, vocabulary, **dict(more))
    return FastEncoder(read_model(data)), sentencepiece.SentencePieceProcessor(model_proto=data)


PAIRS = {name: functools.cache(functools.partial(both, name)) for name in MODELS}


def check(name: str, texts: list[str]) -> None:
    fast, reference = PAIRS[name]()
    ids, sizes = fast.encode(pa.array(texts, pa.string()), end=2)
    expected = [[*reference.encode(text), 2] for text in texts]
    assert sizes.tolist() == [len(one) for one in expected]
    for text, one, found in zip(texts, expected, np.split(ids, np.cumsum(sizes)[:-1]), strict=True):
        assert found.tolist() == one, text[:80]


@pytest.mark.parametrize("name", MODELS)
def test_real_and_nasty_texts_get_the_ids_of_sentencepiece(name: str) -> None:
    check(name, [*NASTY, *TEXTS, *SCRIPTS])
    short = [text for text in LONG if len(text) < 1000] if "unigram" in name else list(LONG)
    check(name, [text for whole in short for text in (whole, whole[1:-1])])


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.text(max_size=60) | MIXED, min_size=1, max_size=6))
def test_any_texts_get_the_ids_of_sentencepiece(name: str, texts: list[str]) -> None:
    check(name, texts)


def test_what_was_met_before_changes_nothing() -> None:
    """Runs that are kept have the ids that they had, and one is not taken for another whose place it has."""
    for name in ("bpe", "unigram"):
        fast, _ = both(name)
        texts = pa.array(TEXTS, pa.string())
        first = fast.encode(texts)[0].tolist()
        words = fast._cache.words
        assert 0 < np.count_nonzero(words[3::8]) < len(words) // 8
        assert fast.encode(texts)[0].tolist() == first
        words[::8] ^= np.uint64(1)  # in every place another run of the same size
        assert fast.encode(texts)[0].tolist() == first


@pytest.mark.parametrize("name", ["bpe", "unigram of scripts"])
def test_more_runs_than_the_cache_has_places_for(name: str) -> None:
    """Words of 1 to 30 characters, most of them met once, some again and again, and some too long to be kept."""
    generator = np.random.default_rng(1)
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz\u03b1\u03b2\u0e01\u0e32\u4f60"))
    sizes = np.maximum(generator.geometric(0.15, 160_000), 1)
    words = [
        "".join(word) for word in np.split(letters[generator.zipf(1.5, sizes.sum()) % len(letters)], np.cumsum(sizes))
    ]
    chosen = generator.zipf(1.2, 120_000) % len(words)
    joined = " ".join([*words, *(words[number] for number in chosen)])
    assert len(set(words)) > 1 << SLOT_BITS
    check(name, [joined[start : start + 5000] for start in range(0, len(joined), 5000)])


def test_slices_of_arrays_and_large_strings() -> None:
    fast, reference = PAIRS["bpe"]()
    texts = pa.array(["left out", "the one", "", "the other"], pa.large_string())
    ids, sizes = fast.encode(texts.slice(1))
    assert ids.tolist() == [*reference.encode("the one"), *reference.encode("the other")]
    assert sizes[1] == 0
    assert fast.encode(texts.slice(0, 0))[0].tolist() == []
    with pytest.raises(ValueError, match="null"):
        fast.encode(pa.array(["a", None]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"byte_fallback": False}, "no byte fallback"),
        ({"normalization_rule_name": "nmt_nfkc"}, "normalises"),
        ({"add_dummy_prefix": True}, "normalises"),
        ({"remove_extra_whitespaces": True}, "normalises"),
        ({"treat_whitespace_as_suffix": True}, "normalises"),
    ],
)
def test_a_model_that_changes_text_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Unsuited, match=said):
        FastEncoder(read_model(model_bytes("bpe", 600, **change)))


def test_scores_that_must_be_rounded_are_refused() -> None:
    data = model_bytes("unigram", 600)
    pieces = list(read_model(data).pieces)
    pieces[300] = Piece(pieces[300].text, -3.3, Kind.NORMAL)
    with pytest.raises(Unsuited, match="multiples of a step"):
        FastEncoder(read_model(with_pieces(data, pieces)))


def test_the_model_file_is_read_and_written_byte_for_byte() -> None:
    data = model_bytes("bpe", 600)
    model = read_model(data)
    assert model.algorithm == algorithm_of(data) == Algorithm.BPE
    assert algorithm_of(model_bytes("unigram", 600)) == Algorithm.UNIGRAM
    assert with_pieces(data, model.pieces) == data
    with pytest.raises(UserError, match="no sentencepiece model"):
        read_model(b"\xff\xff broken")
