"""News, social posts and speeches: tables with known columns."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from scripts.sources.readers.news import mend
from scripts.sources.readers.speeches import clean_speech
from scripts.sources.readers.timelines import clean_post

from .running import documents_of

NEWS = "article_id,publish_date,article_source_link,title,subtitle,text\n"


def test_articles_have_title_date_and_address(tmp_path: Path) -> None:
    table = NEWS + '1,2017/2/7,http://x.test/a,Title,Sub,"Text with ""quotes"",\nand a line"\n2,,,Empty,,\n'
    found = documents_of(tmp_path, "a.csv", table.encode(), "news")
    assert found.accounting == {"in": 2, "kept": 1, "removed": {"no_text": 1}, "quarantined": {}}
    row = found.rows["a/1"]
    assert row["text"] == 'Title\n\nSub\n\nText with "quotes",\nand a line'
    assert (row["date"], row["url"]) == ("2017-02-07", "http://x.test/a")


def test_a_broken_row_is_quarantined_alone(tmp_path: Path) -> None:
    rows = [b"1,,,A,,first", b"2,,,B", b"3,,,C,,caf\xe9", b'4,,,D,,"good"bad', b"5,,,E,,last"]
    found = documents_of(tmp_path, "a.csv", NEWS.encode() + b"\n".join(rows), "news")
    assert sorted(found.rows) == ["a/1", "a/5"]
    assert found.accounting["quarantined"] == {"wrong_number_of_fields": 1, "invalid_utf8": 1, "malformed_csv": 1}


@pytest.mark.parametrize("cut", [1, 40, 300])
def test_a_row_that_is_cut_is_no_row(tmp_path: Path, cut: int) -> None:
    rows = b"".join(b"%d,,,Title,,%s\n" % (n, random.Random(n).randbytes(200).hex().encode()) for n in range(2_000))
    content = gzip.compress(NEWS.encode() + rows)
    found = documents_of(tmp_path, "a.csv.gz", content[:-cut], "news")
    whole = {f"a/{n}": f"Title\n\n{random.Random(n).randbytes(200).hex()}" for n in range(2_000)}
    assert {key: row["text"] for key, row in found.rows.items()}.items() <= whole.items()
    assert found.accounting["kept"] > 1_900
    assert found.accounting["quarantined"]["truncated"] == 1


def test_a_row_that_is_cut_in_its_last_column_is_quarantined(tmp_path: Path) -> None:
    text = random.Random(1).randbytes(50_000).hex()
    content = gzip.compress(f'{NEWS}1,,,A,,first\n2,,,B,,"{text}"\n'.encode())
    for name, packed in (("a", content), ("b", gzip.compress(gzip.decompress(content).replace(b'"', b"")))):
        found = documents_of(tmp_path / name, "a.csv.gz", packed[: len(packed) // 2], "news")
        assert list(found.rows) == ["a/1"]
        assert found.accounting["quarantined"] == {"too_long_or_cut": 1, "truncated": 1}


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_row_over_the_cap_costs_itself(tmp_path: Path, quote: str) -> None:
    long = "word " * 7_000_000
    table = f"{NEWS}1,,,A,,first\n2,,,B,,{quote}{long}{quote}\n3,,,C,,last\n"
    found = documents_of(tmp_path, "a.csv", table.encode(), "news")
    assert found.accounting == {"in": 3, "kept": 2, "removed": {}, "quarantined": {"too_long_or_cut": 1}}
    assert sorted(found.rows) == ["a/1", "a/3"]


def test_a_header_that_is_cut_leaves_no_table(tmp_path: Path) -> None:
    table = NEWS.replace("title", "title" + "x" * 40_000_000) + "1,,,A,,first\n"
    counts = documents_of(tmp_path, "a.csv", table.encode(), "news").accounting
    assert counts["kept"] == 0
    assert counts["quarantined"] == {"too_long_or_cut": 1, "missing_columns": 1}


def test_a_table_without_its_columns_is_quarantined(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "a.csv", b"a,b\n1,2\n", "news")
    assert found.accounting == {"in": 1, "kept": 0, "removed": {}, "quarantined": {"missing_columns": 1}}


def test_lost_quotes_are_mended() -> None:
    assert mend('It didn"t work, "he said,"?and left "?for good.') == 'It didn\'t work, "he said," and left – for good.'
    assert mend("One.-Two well-known.") == "One. Two well-known."


def test_posts_become_timelines_of_one_account(tmp_path: Path) -> None:
    posts = "".join(f"{name}-{n},Post number {n} of {name}: http://x.test/{n}\n" for name in "ab" for n in range(5))
    table = "source_id,text\n" + posts + "c-1,http://x.test/only\n"
    found = documents_of(tmp_path, "p.csv", table.encode(), "social", {"posts": 3})
    assert sorted(found.rows) == ["a-0", "a-3", "b-0", "b-3"]
    assert found.rows["b-3"]["text"] == "Post number 3 of b\nPost number 4 of b"
    assert found.accounting["removed"] == {"no_text": 1}


def test_posts_lose_links_and_keep_words() -> None:
    assert clean_post("RT @x: Fish &amp;amp; chips via http://t.co/1 @y") == "Fish & chips via @y"
    assert clean_post("I love Bolivia") == "I love Bolivia"
    assert clean_post("Fish and chips | via: http://t.co/1") == "Fish and chips"


def test_speeches_lose_the_marks_of_a_tokenizer(tmp_path: Path) -> None:
    assert clean_speech("Wir waren _ das ( so ) ist klar _ hier . Ja !") == "Wir waren – das (so) ist klar – hier. Ja!"
    table = 'date,speaker,text,parliament,parlspeech_row\n2000-01-28,Jo,"Guten Tag !",DE,"17"\n2000-01-28,NA,NA,DE,18\n'
    found = documents_of(tmp_path, "s.csv", table.encode(), "speeches")
    assert found.rows["DE/17"]["text"] == "Guten Tag!"
    assert found.rows["DE/17"]["date"] == "2000-01-28"
    assert found.accounting["removed"] == {"no_text": 1}
