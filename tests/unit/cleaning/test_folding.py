"""The compiled folding and scan give what Unicode's algorithm and the regular expression of words give."""

from __future__ import annotations

import random
import re
import unicodedata

import pyarrow as pa
import pytest
import regex

from scripts.cleaning.folding import CODE, folded, normalised_words, word_hashes
from scripts.cleaning.minhash import MINIMUM_PARAGRAPH, Signatures, permutations
from scripts.cleaning.paragraphs import BREAK

LETTERS = [
    *"abZ1'’-.@/$+ \n_٣¼İßﬁé中文〇⺀កែក្។៛กิ้๏က္가ᄀ…ﷺ",
    "e\u0301",
    "\u0308",
    "\u1161",
    "\u11a8",
    "\u0345",
    *"\u200d\u00ad\u034f\u180e\ufeff\ufe0f\u2018\u2011\u02bc",
    "\U0001f600",
    "\U00030000",
    "\U000e0100",
]


def scalars() -> list[str]:
    return [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]


def text_of(codes: object) -> str:
    return "".join(chr(int(code) & CODE) for code in codes)  # type: ignore[attr-defined]


def reference(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    for marks, mark in (("\u2018\u2019\u02bc", "'"), ("\u2010\u2011", "-")):
        folded = re.sub(f"[{marks}]", mark, folded)
    return "".join(one for one in folded if not regex.match(r"\p{Default_Ignorable_Code_Point}", one))


def test_every_code_point_folds_as_unicode_says() -> None:
    """In blocks: `z` before each, since what composes does so with what stands before it."""
    points = scalars()
    for start in range(0, len(points), 64):
        block = "z" + "z".join(points[start : start + 64])
        if text_of(folded(block)) != reference(block):
            wrong = [
                point for point in points[start : start + 64] if text_of(folded("z" + point)) != reference("z" + point)
            ]
            pytest.fail(f"folded differently: {[hex(ord(point)) for point in wrong]}")


@pytest.mark.parametrize("seed", range(4))
def test_mixed_scripts_fold_and_split_as_the_references(seed: int) -> None:
    generator, points = random.Random(seed), scalars()
    spelled: dict[int, str] = {}
    for number in range(2_000):
        pool = LETTERS if number % 2 else points[:0x3000]
        text = "".join(generator.choices(pool, k=generator.randint(0, 24)))
        codes = folded(text)
        assert text_of(codes) == reference(text)
        expected = normalised_words(text)
        hashes, starts = word_hashes(codes)
        assert len(hashes) == len(expected), text
        for word, start, value in zip(expected, starts, hashes, strict=True):
            assert text_of(codes[start : start + len(word)]) == word
            assert spelled.setdefault(int(value), word) == word


def test_lone_surrogates_are_no_obstacle() -> None:
    assert text_of(folded("A\ud800b")) == "a\ud800b"


def test_paragraphs_are_those_between_empty_lines() -> None:
    generator = random.Random(5)
    pieces = [
        "\n",
        "\n\n",
        "\n\n\n",
        "\u200b",
        "\u00ad\n",
        "word " * 30,
        "short",
        "...",
        "ﷺ " * 20,
        "e\u0301 " * 60,
        "é " * 60,
        "*" * 120,
    ]
    texts = ["".join(generator.choices(pieces, k=generator.randint(0, 12))) for _ in range(500)]
    signed = Signatures(pa.array(texts), 5, permutations(16, 1))
    begin = 0
    for text, end, worded in zip(texts, signed.ends, signed.worded, strict=True):
        expected = [(number, part) for number, part in enumerate(BREAK.split(text)) if normalised_words(part)]
        long = [
            (number, len(folded(part)), part) for number, part in expected if len(folded(part)) >= MINIMUM_PARAGRAPH
        ]
        found = signed.paragraphs[begin:end]
        assert worded == len(expected)
        assert list(zip(found["number"].tolist(), found["characters"].tolist(), strict=True)) == [p[:2] for p in long]
        for one, digest in zip(long, found["digest"].tolist(), strict=True):
            for other, again in zip(long, found["digest"].tolist(), strict=True):
                assert (digest == again) == (normalised_words(one[2]) == normalised_words(other[2]))
        begin = end


def test_texts_are_signed_alike_alone_and_together() -> None:
    """Texts that only Unicode's algorithm can fold take another way; what stands beside them is not touched."""
    texts = ["plain words", "e\u0301 composed", "é composed", "", "ﷺ" * 40, "the end of it"]
    functions = permutations(32, 1)
    together = Signatures(pa.array(texts), 5, functions)
    sliced = Signatures(pa.array(["x", *texts])[1:], 5, functions)
    for row, text in enumerate(texts):
        alone = Signatures(pa.array([text]), 5, functions)
        for found in (together, sliced):
            assert found.exact[row].tolist() == alone.exact[0].tolist()
            assert found.minhash[row].tolist() == alone.minhash[0].tolist()
    assert together.exact[1].tolist() == together.exact[2].tolist()
