"""Terms are found where a plain matcher finds them; lists, languages, flags and verdicts on them."""

from __future__ import annotations

import logging
import random
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import regex

from scripts.cleaning import flag, select
from scripts.cleaning.fasttext_model import load
from scripts.cleaning.folding import normalised
from scripts.cleaning.language import model_path
from scripts.cleaning.lexicons import LONGEST, Lexicon, Lexicons, read_terms, spelled
from scripts.lib.canonical import sha256_file
from scripts.lib.errors import UserError
from scripts.lib.lists import remember
from scripts.lib.manifest import load_manifest
from scripts.lib.unspaced import SCRIPTS
from scripts.registry.filtering import identified_languages
from tests.making import arguments, publish_documents, publish_rows

SPACED = regex.compile(rf"[\p{{L}}\p{{M}}\p{{N}}--[{SCRIPTS}]]", regex.VERSION1)
OWN = regex.compile(rf"[{SCRIPTS}]")
GAP = regex.compile(rf"[^\p{{L}}\p{{M}}\p{{N}}\p{{P}}\p{{S}}{SCRIPTS}]+")


def naive(text: str, terms: Sequence[str]) -> tuple[list[str], int, int]:
    """Return terms, words within them and all words, as the module's docstring defines them, by trying every term everywhere."""
    folded = normalised(text)

    def edge(place: int) -> bool:
        if place == len(folded):
            return True
        if unicodedata.category(folded[place])[0] == "M":
            return False
        return place == 0 or not (SPACED.match(folded[place - 1]) and SPACED.match(folded[place]))

    starts = [place for place in range(len(folded)) if edge(place)]
    words = [place for place in starts if SPACED.match(folded[place]) or OWN.match(folded[place])]
    patterns = {term: regex.compile(GAP.pattern.join(map(regex.escape, GAP.split(term)))) for term in terms}
    found, covered, stop = [], 0, 0
    for place in starts:
        if place < stop:
            continue
        ends = [(match.end(), term) for term, one in patterns.items() if (match := one.match(folded, place))]
        ends = [(end, term) for end, term in ends if edge(end)]
        if ends:
            stop, term = max(ends)
            found.append(term)
            covered += sum(place <= word < stop for word in words)
    return found, covered, len(words)


def ours(text: str, lexicon: Lexicon) -> tuple[list[str], int, int]:
    terms, covered, words = lexicon.find(text)
    return [lexicon.terms[number] for number in terms.tolist()], covered, words


LETTERS = [
    "a",
    "b",
    "A",
    "ß",
    "é",
    "e\u0301",
    "\u0301",
    "日",
    "本",
    "ก",
    "ิ",
    "1",
    " ",
    "  ",
    "\n",
    "\u00ad",
    *".-_$Ａ🖕",
]


@pytest.mark.parametrize("seed", range(4))
def test_terms_are_found_where_a_plain_matcher_finds_them(seed: int) -> None:
    draw = random.Random(seed)
    drawn = ("".join(draw.choices(LETTERS, k=draw.randint(1, 6))) for _ in range(30))
    terms = sorted({term for term in map(spelled, drawn) if term})
    lexicon, hits = Lexicon(terms), 0
    assert lexicon.terms == terms
    for _ in range(30):
        text = "".join(draw.choices(LETTERS, k=draw.randint(0, 60)))
        assert ours(text, lexicon) == naive(text, terms), text
        hits += len(ours(text, lexicon)[0])
    assert hits > 40


def test_a_long_list_finds_its_words_and_no_other() -> None:
    draw = random.Random(3)
    words = ["".join(draw.choices("abcdefgh", k=draw.randint(2, 7))) for _ in range(30_000)]
    listed = set(words[:20_000:2])
    found, covered, count = ours(" ".join(words), Lexicon(listed))
    assert found == [word for word in words if word in listed]
    assert (covered, count) == (len(found), len(words))


@pytest.mark.parametrize(
    ("term", "text", "matches"),
    [
        ("ham", "Ham, HAM and ham's ham-fisted ham_radio", 5),
        ("ham", "hamlet sham hám ha m", 0),
        ("ham radio", "ham radio, ham\n\tradio and ham\u00a0radio; ham, radio", 3),
        ("Straße", "STRASSE straße", 2),
        ("cafe\u0301", "caf\u00e9 CAFE\u0301 cafe", 2),
        ("ｆｕｌｌ", "full", 1),
        ("日本", "使用日本語的日本人", 2),
        ("ก", "กิก", 1),
        ("c++", "C++ c++11 c+ +", 2),
        ("🖕", "no🖕🖕", 2),
        ("", "anything", 0),
    ],
)
def test_matches(term: str, text: str, matches: int) -> None:
    assert len(Lexicon([spelled(term)] if term else []).find(text).terms) == matches


def test_the_longest_term_wins_and_matches_do_not_overlap() -> None:
    found = ours("new york city hall", Lexicon(["new", "new york", "york city", "city", "new york city hall of fame"]))
    assert found == (["new york", "city"], 3, 4)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "terms.txt"
    path.write_bytes(content)
    return path


def test_lists_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "\ufeff# colours\r\nRed\r\n\r\n  dark \t blue \nDARK BLUE\nred"
    with caplog.at_level(logging.WARNING):
        assert read_terms([written(tmp_path, text.encode())]) == ["red", "dark blue"]
    told = [record.getMessage() for record in caplog.records]
    assert told[0] == f"{tmp_path}/terms.txt has the term 'DARK BLUE' twice, in lines 4 and 5; remove one."
    assert len(told) == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "terms.txt holds no terms; add one a line, or remove the list."),
        (b"# nothing\n\n", "terms.txt holds no terms"),
        (b"fine\nna\xefve\n", "terms.txt, line 2 is not UTF-8; save the list in that encoding."),
        (b"...\n", "terms.txt, line 1 has '...', which is punctuation alone; remove it."),
        (b"a\n" + b"b" * (LONGEST + 1), "line 2 has 201 characters, but a term has at most 200; remove it."),
    ],
)
def test_faults_of_lists_are_one_sentence(content: bytes, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as told:
        read_terms([written(tmp_path, content)])
    assert sentence in str(told.value)


def test_languages_have_their_own_terms() -> None:
    lexicons = Lexicons(["x"], {"zh": ["茶"], "zh-hant": ["臺"], "de": ["rot"]})
    terms = {tag: lexicon.terms for tag in ("en", "zh-hant", "zh-hans", "de", None) if (lexicon := lexicons.of(tag))}
    assert terms == {"en": ["x"], "zh-hant": ["x", "臺", "茶"], "zh-hans": ["x", "茶"], "de": ["rot", "x"], None: ["x"]}
    assert lexicons.of("en") is lexicons.of("und")
    assert Lexicons([], {"de": ["rot"]}).of("en") is None
    assert Lexicons([], {"de": [], "en": ["red"]}).of("de") is None


def test_lists_may_name_what_documents_are_identified_as() -> None:
    assert identified_languages() == {*load(model_path()).labels, "zh-hans", "zh-hant", "und"}


TEXTS = {
    "web:a": "Red and blue are colours; red is warm.",
    "web:b": "Nothing of the kind.",
    "web:c": "Das Haus ist rot.",
    "web:d": "",
    "web:e": "La maison est red.",
}
SPOKEN = {"web:a": "en", "web:b": "en", "web:c": "de", "web:d": "und", "web:e": "fr"}
MEASURED = pa.schema([("id", pa.string()), ("language", pa.string()), ("unspaced_ratio", pa.float64())])


def flagged(folder: Path, texts: dict[str, str] = TEXTS) -> tuple[list[str], Path, Path]:
    """Return the command line of `flag` on lists for English and German, its manifest, and that of the annotations."""
    folder.mkdir(exist_ok=True)
    digests = {}
    for tag, terms in {"en": "red\nblue\n", "de": "rot\n"}.items():
        path = folder / f"{tag}.txt"
        path.write_text(terms, encoding="utf-8")
        digests[tag] = [sha256_file(path)]
        remember({digests[tag][0]: path}, folder / "index.json")
    documents = publish_documents(folder / "documents" / "0000.json", texts)
    rows = [{"id": name, "language": language, "unspaced_ratio": 0.0} for name, language in SPOKEN.items()]
    annotations = publish_rows(folder / "annotations" / "0000.json", rows, MEASURED)
    manifest, index = folder / "flags" / "0000.json", folder / "index.json"
    paths = {"documents": documents, "annotations": annotations, "manifest": manifest, "lists": index}
    return arguments({"files": [], "languages": digests}, **paths), manifest, annotations


def test_documents_are_flagged_by_the_terms_of_their_language(tmp_path: Path) -> None:
    line, manifest, _ = flagged(tmp_path)
    assert flag.main(line) == 0
    table = pq.read_table(manifest.with_suffix(".parquet"))
    assert table["id"].to_pylist() == list(TEXTS)
    assert table["matches"].to_pylist() == [3, 0, 1, None, None]
    assert table["share"].to_pylist() == [3 / 8, 0.0, 1 / 4, None, None]
    assert table["terms"].to_pylist() == [["red", "blue"], [], ["rot"], None, None]
    content = load_manifest(manifest)
    assert content["accounting"]["kept"] == 5
    assert content["summary"] == {
        "measured": 3,
        "flagged": 2,
        "distinct": 3,
        "terms": {name: {"matches": count, "documents": 1} for name, count in (("blue", 1), ("red", 2), ("rot", 1))},
    }


def test_flag_refuses_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line, manifest, _ = flagged(tmp_path)
    (tmp_path / "de.txt").write_text("blau\n", encoding="utf-8")
    assert flag.main(line) == 1
    assert "de.txt changed after this run was planned; run the workflow again." in capsys.readouterr().err
    assert not manifest.exists()
    line, _, _ = flagged(tmp_path / "b", dict(reversed(TEXTS.items())))
    assert flag.main(line) == 1
    assert "is of other documents than" in capsys.readouterr().err


def judged(folder: Path, thresholds: dict[str, Any]) -> tuple[pa.Table, Path]:
    """Return the selection that flags lead to, and its manifest."""
    line, flags, annotations = flagged(folder)
    assert flag.main(line) == 0
    manifest = folder / "selection" / "0000.json"
    settings = {"families": ["lexicon"], "thresholds": thresholds, "languages": None, "overrides": [], "url_lists": {}}
    paths = {"annotations": annotations, "flags": [flags], "manifest": manifest}
    assert select.main(arguments({**settings, "lexicons": ["colours"]}, **paths)) == 0
    return pq.read_table(manifest.with_suffix(".parquet")), manifest


def test_one_match_removes_a_document(tmp_path: Path) -> None:
    table, manifest = judged(tmp_path, {})
    assert table["lexicon.colours.max_matches"].to_pylist() == [False, True, False, None, None]
    assert table["kept"].to_pylist() == [False, True, False, True, True]
    content = load_manifest(manifest)
    assert content["accounting"]["removed"] == {"lexicon.colours.max_matches": 2}
    told = content["summary"]["thresholds"]["lexicon.colours.max_share"]
    assert told == {"all": ["lexicon.colours.share", "<=", 0.01]}


def test_a_share_may_be_borne(tmp_path: Path) -> None:
    softer = {"lexicon.colours.max_matches": None, "lexicon.colours.max_share": 0.25}
    table, manifest = judged(tmp_path, softer)
    assert table["kept"].to_pylist() == [False, True, True, True, True]
    assert load_manifest(manifest)["accounting"]["removed"] == {"lexicon.colours.max_share": 1}
