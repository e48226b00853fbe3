"""Addresses are found on block lists however they are spelled, and look-alikes are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.cleaning import select, urls
from scripts.cleaning.urls import COLUMNS, UrlLists, counted, domain_suffixes, path_prefixes
from scripts.lib.canonical import sha256_file
from scripts.lib.errors import UserError
from scripts.lib.lists import remember
from scripts.lib.manifest import load_manifest
from tests.making import arguments, publish_rows
from tests.unit.cleaning.test_select import NO_LISTS, SCHEMA, passing

LISTS = {
    "domains": "# adult\nBad.example\n\nblog.host.test.\nwww.plain.test\nhttps://me@typed.test:8443/\nport.test:8080/x\n10.0.0.7\nländer.test\r\n",
    "urls": "mixed.test/~bad\nhttp://www.shop.test/x/?id=7\nported.test:8080/x\nwhole.test/\n",
    "words": "Casino\n",
    "soft_words": "free\nonline\n",
    "substrings": "wareZ\nsex-shop\n",
}


def entries(folder: Path, lists: dict[str, str] = LISTS) -> dict[str, list[str]]:
    """Write the lists and where they lie, and return their digests."""
    found = {}
    for kind, text in lists.items():
        path = folder / kind
        path.write_text(text, encoding="utf-8")
        found[kind] = [sha256_file(path)]
        remember({sha256_file(path): path}, folder / "index.json")
    return found


def loaded(folder: Path, lists: dict[str, str] = LISTS) -> UrlLists:
    return UrlLists.load(entries(folder, lists), folder / "index.json")


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> UrlLists:
    return loaded(tmp_path_factory.mktemp("lists"))


FOUND = {
    "domains": [
        "http://bad.example/",
        "https://WWW.Bad.Example:8080/a?b#c",
        "//a.b.bad.example",
        "bad.example",
        "https://me:hush@bad.example./x",
        "http://blog.host.test/2020/",
        "http://10.0.0.7/",
        "https://länder.test/",
        "http://plain.test/",
        "http://www.plain.test/",
        "http://typed.test/",
        "http://port.test/y",
    ],
    "urls": [
        "http://mixed.test/~bad",
        "https://www.mixed.test/~bad/deeper/page.html?x=1",
        "shop.test/x?id=7",
        "https://whole.test/any",
        "https://ported.test/x/y",
    ],
    "words": ["https://ok.test/the-CASINO/1", "https://casino.ok.test"],
    "soft_words": ["https://free.ok.test/a", "https://ok.test/online"],
    "substrings": ["https://ok.test/w-a-r-e-z", "https://sexshop.test", "https://sex-shop.test"],
}
MISSED = {
    "domains": [
        "http://notbad.example/",
        "https://bad.example.org/",
        "https://example/",
        "http://host.test/blog",
        "https://ok.test/?u=bad.example",
        "http://0.0.7/",
        "",
    ],
    "urls": [
        "http://mixed.test/",
        "http://mixed.test/~badly",
        "http://mixed.test/~BAD",
        "http://sub.mixed.test/~bad",
        "https://shop.test/x",
        "https://shop.test/x?id=8",
    ],
    "words": ["https://ok.test/casinos", "https://ok.test/mycasino"],
    "soft_words": ["https://freeonline.test/"],
    "substrings": ["https://ok.test/ware/house"],
}


@pytest.mark.parametrize(("kind", "url"), [(kind, url) for kind, mine in FOUND.items() for url in mine])
def test_listed_addresses_are_found(kind: str, url: str, lists: UrlLists) -> None:
    (found,) = lists.matched(pa.array([url]))[COLUMNS[kind]].to_pylist()
    assert len(found) == 1
    assert found[0] in lists.entries[kind].to_pylist()


@pytest.mark.parametrize(("kind", "url"), [(kind, url) for kind, mine in MISSED.items() for url in mine])
def test_others_are_not(kind: str, url: str, lists: UrlLists) -> None:
    assert lists.matched(pa.array([url]))[COLUMNS[kind]].to_pylist() == [[]]


@pytest.mark.parametrize("entry", ["0.0.0.0 ads.example", "||ads.example^", "*.ads.example", "ads.example # by hand"])
def test_a_line_that_is_no_host_is_refused(entry: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="but domains are hosts alone, one a line; correct it") as told:
        loaded(tmp_path, {"domains": f"good.example\n{entry}\n"})
    assert repr(entry) in str(told.value)


def test_neither_a_byte_order_mark_nor_punycode_hides_an_entry(tmp_path: Path) -> None:
    coded = f"xn--{'länder'.encode('punycode').decode()}"
    lists = loaded(
        tmp_path, {"domains": f"\ufeffbad.example\n{coded}.example\nländer.test\n", "urls": f"{coded}.test/x"}
    )
    for url in (
        "http://bad.example/",
        "http://länder.example/",
        f"http://{coded}.test/x/y",
        f"http://{coded.upper()}.example",
    ):
        assert len(lists.matched(pa.array([url]))["url_domains"].to_pylist()[0]) == 1, url
    assert lists.matched(pa.array(["http://länder.test/x", "http://xn--x-.test/"]))["url_paths"].to_pylist() == [
        ["länder.test/x"],
        [],
    ]


@pytest.mark.parametrize("host", ["xn--ab-zd9k.com", "xn--bad-.com", "xn--.com", "xn--ü.com"])
def test_broken_punycode_is_compared_as_it_stands(tmp_path: Path, host: str) -> None:
    lists = loaded(tmp_path, {"domains": "bad.com\n"})
    assert lists.matched(pa.array([f"http://{host}/", "http://bad.com/"]))["url_domains"].to_pylist() == [
        [],
        ["bad.com"],
    ]


def test_an_entry_that_could_never_match_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has the entry 'two-words', but words are single words") as told:
        loaded(tmp_path, {"words": "one\nTwo-Words\n"})
    assert str(tmp_path / "words") in str(told.value)


def test_documents_without_address_are_not_measured(lists: UrlLists) -> None:
    urls = pa.array(["https://bad.example/x", None, "https://free.ok.test/online", "https://bad.example/x"])
    found = lists.matched(urls)
    assert found["url_domains"].to_pylist() == [["bad.example"], None, [], ["bad.example"]]
    np.testing.assert_array_equal(counted(found["url_soft_words"]), [0, np.nan, 2, 0])
    assert NO_LISTS.matched(pa.array([None], pa.string()))["url_domains"].to_pylist() == [None]


def test_every_substring_is_named(lists: UrlLists, monkeypatch: pytest.MonkeyPatch) -> None:
    for group in (1, 500):
        monkeypatch.setattr(urls, "ALTERNATIVES", group)
        found = lists.matched(pa.array(["https://warez-sexshop.test", "https://ok.test"]))["url_substrings"]
        assert found.to_pylist() == [["warez", "sexshop"], []]


def test_domains_and_paths_above() -> None:
    assert domain_suffixes("a.b.example.org") == ["a.b.example.org", "b.example.org", "example.org"]
    assert domain_suffixes("localhost") == ["localhost"]
    assert path_prefixes("www.x.test", "/a//b/", "?q") == ["x.test", "x.test/a", "x.test/a/b", "x.test/a/b?q"]


def test_lists_are_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"site{i}.example\n" for i in range(500)) + "last.example"
    whole = loaded(tmp_path, {"domains": text}).entries["domains"]
    monkeypatch.setattr(urls, "BLOCK", 7)
    assert loaded(tmp_path, {"domains": text}).entries["domains"].to_pylist() == whole.to_pylist()
    assert len(whole) == 501


def test_select_removes_what_a_list_names_and_refuses_a_changed_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {
        "a": "https://a.bad.example/",
        "b": None,
        "c": "https://ok.test/free",
        "d": "https://free.test/online",
        "e": "https://mixed.test/~bad/1",
    }
    rows = [passing(name, url=url) for name, url in given.items()]
    annotations = publish_rows(tmp_path / "annotations" / "0000.json", rows, SCHEMA)
    settings = {
        "families": ["url"],
        "thresholds": {},
        "languages": None,
        "overrides": [],
        "url_lists": entries(tmp_path),
    }
    manifest = tmp_path / "selection" / "0000.json"
    line = arguments(settings, annotations=annotations, manifest=manifest, lists=tmp_path / "index.json")
    assert select.main(line) == 0
    assert load_manifest(manifest)["accounting"] == {
        "in": 5,
        "kept": 2,
        "removed": {"url.max_listed_domains": 1, "url.max_listed_urls": 1, "url.max_soft_words": 1},
        "quarantined": {},
    }
    table = pq.read_table(manifest.with_suffix(".parquet"))
    assert table["url.max_words"].to_pylist() == [True, None, True, True, True]
    assert table["url_domains"].to_pylist() == [["bad.example"], None, [], [], []]
    assert table["url_soft_words"].to_pylist() == [[], None, ["free"], ["free", "online"], []]
    (tmp_path / "domains").write_text("other.example\n", encoding="utf-8")
    assert select.main(line) == 1
    assert "domains changed after this run was planned; run the workflow again" in capsys.readouterr().err
    (tmp_path / "index.json").unlink()
    assert select.main(line) == 1
    assert "index.json does not say where the list with the digest" in capsys.readouterr().err


def test_a_list_that_lies_elsewhere_is_the_same_list(tmp_path: Path) -> None:
    digests = entries(tmp_path, {"domains": LISTS["domains"]})
    before = UrlLists.load(digests, tmp_path / "index.json").entries
    moved = tmp_path / "elsewhere.txt"
    (tmp_path / "domains").rename(moved)
    remember({sha256_file(moved): moved}, tmp_path / "index.json")
    assert entries(tmp_path, {"domains": LISTS["domains"]}) == digests
    assert UrlLists.load(digests, tmp_path / "index.json").entries == before
