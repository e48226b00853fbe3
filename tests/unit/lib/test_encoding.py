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

from scripts.lib import run_cache
from scripts.lib.encoding import FastEncoder
from scripts.lib.errors import UserError
from scripts.lib.nasty import NASTY
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
def model_bytes(algorithm: str, vocabulary: int, **more: Any) -> bytes:
    """Return a model trained on the texts with the settings of the tokenizer step; unigram scores in whole steps."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line for text in TEXTS for line in text.splitlines(keepends=True)),
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
    check(name, [*NASTY, *TEXTS])
    short = [text for text in LONG if len(text) < 1000] if "unigram" in name else list(LONG)
    check(name, [text for whole in short for text in (whole, whole[1:-1])])


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.text(max_size=60) | MIXED, min_size=1, max_size=6))
def test_any_texts_get_the_ids_of_sentencepiece(name: str, texts: list[str]) -> None:
    check(name, texts)


def test_what_was_met_before_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that is full forgets, and a run whose key another has is made anew."""
    fast, _ = both("bpe")
    texts = pa.array(TEXTS, pa.string())
    first = fast.encode(texts)[0].tolist()
    assert 0 < int(fast._cache.fill[0]) < run_cache.CACHE_RUNS
    fast._cache.fill[2] = run_cache.CACHE_ARENA  # full
    assert fast.encode(texts)[0].tolist() == first
    fast._cache.arena[:] ^= 1  # every run now has other bytes than its key says
    assert fast.encode(texts)[0].tolist() == first


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
