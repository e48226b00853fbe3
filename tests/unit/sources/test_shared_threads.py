"""Threads and books of a file that parts share: each is put together by one part, and the others hardly look at it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from scripts.registry.config import complete_config
from scripts.registry.workflow import Registry
from scripts.sources.local import local_listing
from scripts.sources.readers import books, hackernews, reddit, social, stackexchange
from scripts.sources.records import Rejected
from scripts.sources.shares import Share
from scripts.sources.threads import Post

from .running import Extracted, documents_of, run_extract, run_fetch
from .test_books import chapters
from .test_shares import everything, require_same_in_parts
from .test_social import BROKEN_LINES, NEWS, REDDIT, lines, zstd_long
from .test_stack_exchange import BROKEN_ROWS, SITE, answer, posts_xml, question

PARTS = 13
BEES = [
    *(question(n, f"Why {n}?", f"<p>It is <b>{n}</b>.</p>", Score=n % 7) for n in range(100, 200)),
    *(answer(1000 + n, 100 + n % 130, f"<p>answer {n}</p>", n % 5) for n in range(300)),
]
THREADS = [
    *({"id": f"s{n:x}", "title": f"Title {n}", "selftext": "words", "subreddit": "bees"} for n in range(100)),
    *(
        {
            "id": f"c{n:x}",
            "link_id": f"t3_s{n % 120:x}",
            "parent_id": f"t3_s{n % 120:x}",
            "body": "said",
            "subreddit": "b",
        }
        for n in range(300)
    ),
]
STORIES = [
    *({"id": n, "type": "story", "title": f"Story {n}", "text": "x"} for n in range(1, 100)),
    *({"id": n, "type": "comment", "parent": n - 90, "text": f"<p>comment {n}"} for n in range(110, 400)),
]
BROKEN_SITE = posts_xml(SITE).replace(b"</posts>", b"\n".join(row for _, row in BROKEN_ROWS[:-1]) + b"\n</posts>")
HIDDEN = [
    b'{"\\u0069d": "h1", "selftext": "a key in escapes", "title": "t", "subreddit": "b"}',
    b'{"id": "h2", "link\\u005Fid": "t3_h1", "body": "reply", "subreddit": "b"}',
    b'{"id": "h3", "link_id": "t3\\u005fh\\u0031", "body": "reply", "subreddit": "b"}',
    b'{"id": "h4", "nested": {"link_id": "t3_zz"}, "selftext": "nested", "title": "t", "subreddit": "b"}',
    b'{"id": "h5", "link_id": "t3_s1", "link_id": "t3_h1", "body": "twice", "subreddit": "b"}',
    b'{"id": "h6", "link_id": "t3_\xe2\x84\xaa1", "body": "a Kelvin sign is no k", "subreddit": "b"}',
]
FILES: dict[str, tuple[str, bytes]] = {
    "bees.xml": ("social", posts_xml(BEES)),
    "broken.xml": ("social", BROKEN_SITE),
    "cut.xml": ("social", posts_xml(SITE)[:-60]),
    "threads.json": ("social", lines(THREADS)),
    "reddit.json": (
        "social",
        lines(REDDIT) + b"\n".join(line for _, line in BROKEN_LINES) + b"\n" + b"\n".join(HIDDEN),
    ),
    "stories.json": ("social", lines(STORIES)),
    "items.json": ("social", lines(NEWS) + b"\n".join(line for _, line in BROKEN_LINES) + b'\n{"id": 1, "type":'),
    "unknown.json": ("social", b'{"text": "no post"}\n'),
    "posts.csv": (
        "social",
        b"source_id,text\n" + b"".join(b"a-%d,some words of post %d\n" % (n, n) for n in range(90)),
    ),
    "empty.txt": ("books", b" \n"),
}


@pytest.mark.parametrize("parts", [2, PARTS])
@pytest.mark.parametrize("name", FILES)
def test_threads_are_the_same_whatever_the_parts(tmp_path: Path, name: str, parts: int) -> None:
    require_same_in_parts(tmp_path, name, *FILES[name], parts)


@pytest.mark.parametrize("name", ["stackexchange-beer", "stackexchange-coffee"])
def test_a_real_site_is_the_same_in_parts(shared_data: Path, tmp_path: Path, name: str) -> None:
    (path,) = (shared_data / name).rglob("Posts.xml")
    files = [{"path": str(path)}]
    whole = everything(tmp_path / "whole", files, "social", 1)
    assert whole[1]["kept"] > 200
    assert everything(tmp_path / "cut", files, "social", 5) == whole


def calls(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[int]:
    """Count how often a function of a module is called."""
    called = [0]
    real: Callable[..., Any] = getattr(module, name)

    def counting(*given: Any, **named: Any) -> Any:
        called[0] += 1
        return real(*given, **named)

    monkeypatch.setattr(module, name, counting)
    return called


def joined(root: Path, names: list[str], parts: int = 1) -> list[Extracted]:
    """What all parts make of files that are joined."""
    origin = {"package": None, "files": [{"path": str(root / name)} for name in names], "joined": True}
    found = []
    for part in range(parts):
        code, raw = run_fetch(root / str(parts), [], part, parts, origin=origin)
        assert code == 0
        code, manifest = run_extract(raw, "social", {"joined": True})
        assert code == 0
        found.append(Extracted(manifest))
    return found


POSTS = [row for row in REDDIT if "title" in row]
COMMENTS = [row for row in REDDIT if "title" not in row]


def test_submissions_and_comments_are_published_apart(tmp_path: Path) -> None:
    (tmp_path / "RS.zst").write_bytes(zstd_long(lines(POSTS)))
    (tmp_path / "RC.zst").write_bytes(zstd_long(lines(COMMENTS)))
    (together,) = joined(tmp_path, ["RS.zst", "RC.zst"])
    whole = documents_of(tmp_path / "whole", "all.json", lines(REDDIT), "social")
    assert together.accounting == whole.accounting
    assert {row["text"] for row in together.list} == {row["text"] for row in whole.list}
    assert sorted(together.rows) == ["t3_other", "t3_s1", "t3_s3"]
    apart = joined(tmp_path, ["RS.zst", "RC.zst"], 5)
    assert sorted(map(str, together.list)) == sorted(str(row) for part in apart for row in part.list)
    assert sum(part.accounting["in"] for part in apart) == together.accounting["in"]


@pytest.mark.parametrize("parts", [1, 3])
def test_what_is_broken_in_joined_files_is_placed_in_its_file(tmp_path: Path, parts: int) -> None:
    (tmp_path / "a.json").write_bytes(lines(NEWS[:3]) + b"{broken\n")
    (tmp_path / "b.json").write_bytes(b"\n" + b'{"id": 3, "type": \xff}\n' + lines(NEWS[3:]))
    others = [{"id": n, "type": "story", "title": f"Story {n}", "text": "x"} for n in range(1000, 1500)]
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(lines(others), mtime=0)[:-400])
    (tmp_path / "d.json").write_bytes(b"")
    (tmp_path / "e.csv").write_bytes(b"source_id,text\na-1,some words of a post\n")
    found = joined(tmp_path, [f"{name}" for name in ("a.json", "b.json", "c.json.gz", "d.json", "e.csv")], parts)
    entries = sorted((row["file"], row["reason"], row["position"]) for part in found for row in part.quarantine)
    broken = [entry for entry in entries if entry[1] not in ("truncated", "too_long_or_cut", "duplicate_id")]
    assert broken == [
        ("a.json", "malformed_json", "line 4"),
        ("b.json", "invalid_utf8", "line 2"),
        ("d.json", "empty_file", "d.json"),
        ("e.csv", "not_joinable", "e.csv"),
    ]
    assert [entry[2].partition(" of ")[2] for entry in entries if entry[1] == "truncated"] == ["c.json.gz"]
    rows = {row["id"]: row["text"] for part in found for row in part.list}
    assert rows["s:1"].startswith("Show HN: Bees\n\n")
    assert "Second" in rows["s:1"] and "Below" in rows["s:1"]  # of a.json and b.json


def test_an_edit_of_any_joined_file_concerns_all_parts(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_bytes(b"{}")
    origin: dict[str, Any] = {
        "package": None,
        "files": [{"path": str(tmp_path / name)} for name in ("a.json", "b.json")],
    }
    apart, together = (local_listing({**origin, **more}, 1, 2) for more in ({}, {"joined": True}))
    assert apart is not None and together is not None
    assert ([name for name, _ in apart], [name for name, _ in together]) == (["b.json"], ["a.json", "b.json"])


def test_only_joined_files_are_all_brought_to_each_part(tmp_path: Path) -> None:
    for name in ("RS.json", "RC.json"):
        (tmp_path / name).write_bytes(b"{}")
    source = {"kind": "social", "license": "x", "files": [{"path": "*.json"}], "parts": 2}
    joined = {**source, "options": {"joined": True}}
    config = {"sources": {"apart": source, "joined": joined}, "corpora": {"c": {"sources": ["apart", "joined"]}}}
    registry = Registry(complete_config(config, tmp_path))
    assert "joined" not in registry.origin("sources", "apart")  # so that no source without it is fetched again
    assert registry.origin("sources", "joined") == {**registry.origin("sources", "apart"), "joined": True}


@pytest.mark.parametrize(
    ("content", "module", "costly", "most"),
    [
        (posts_xml(BEES), stackexchange, "html_text", 3),  # a row's own part, that of its parent, that of its line
        (lines(THREADS), reddit, "parse_object", 2),
        (lines(STORIES), hackernews, "html_text", 1),
    ],
)
def test_what_is_costly_is_done_by_the_part_whose_thread_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, module: Any, costly: str, most: int
) -> None:
    path = tmp_path / "posts"
    path.write_bytes(content)
    called = calls(monkeypatch, module, costly)
    whole = list(social.read(path, "posts", {}))
    once = called[0]
    shared = [outcome for part in range(PARTS) for outcome in social.read(path, "posts", {}, Share(part, PARTS))]
    assert sorted(map(repr, shared)) == sorted(map(repr, whole))
    assert once <= called[0] - once <= most * once


def test_a_book_is_cut_by_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "book.txt"
    path.write_text(chapters(30), encoding="utf-8")
    cut = calls(monkeypatch, books, "split_book")
    found = [list(books.read_share(path, "book.txt", {}, Share(part, 4))) for part in range(4)]
    assert cut == [1]
    assert found == [list(books.read(path, "book.txt", {})), [], [], []]


def test_a_sample_of_every_tenth_thread_is_spread_over_ten_parts() -> None:
    held = [sum(Share(part, 10).holds(number) for number in range(0, 10_000, 10)) for part in range(10)]
    assert sum(held) == 1000
    assert min(held) > 60


NAMES = st.one_of(
    st.sampled_from(["t3_a1", "t3_b2", "a1", "b2", "T3_A1", "", "t3_", "_", 7, None]), st.text(max_size=4)
)
BITS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"subreddit": st.just("b")},
    optional={
        "id": NAMES,
        "link_id": NAMES,
        "body": st.just("said"),
        "selftext": st.just('x "link_id": "t3_zz"'),
        "nested": st.dictionaries(st.sampled_from(["id", "link_id", "body", "selftext"]), NAMES, max_size=3),
    },
)


def escaped(text: str, draw: Callable[[st.SearchStrategy[bool]], bool]) -> str:
    """Return JSON with some characters of its strings in escapes."""
    return "".join(
        f"\\u{ord(one):04x}" if one.isalnum() and one not in "truefalsenul0123456789" and draw(st.booleans()) else one
        for one in text
    )


@settings(max_examples=300, deadline=None)
@given(st.data(), BITS, st.booleans(), st.booleans())
def test_the_thread_of_a_reddit_post_is_among_those_named(
    data: st.DataObject, row: Any, ascii: bool, hide: bool
) -> None:
    line = json.dumps(row, ensure_ascii=ascii)
    if hide and "\\" not in line:
        line = escaped(line, data.draw)
    encoded = line.encode("utf-8", "surrogatepass")
    post = reddit._post(1, encoded, None)
    named = reddit.threads_named(encoded)
    assert isinstance(post, Rejected) or named is None or post.thread in named


VALUES = st.sampled_from(["1", "2", "77", "-5", " 3", "&#49;", "x", "9" * 20, 'Id="4"', " ParentId='5' "])
ATTRIBUTES = st.dictionaries(st.sampled_from(["Id", "ParentId", "PostTypeId", "Body", "OwnerUserId"]), VALUES)


@settings(max_examples=300, deadline=None)
@given(st.permutations(["Id", "PostTypeId", "ParentId", "Body"]), ATTRIBUTES, st.sampled_from(["=", " =", "= ", " = "]))
def test_the_question_of_a_row_is_among_those_named(order: list[str], row: dict[str, str], equals: str) -> None:
    def quoted(value: str) -> str:
        return f'"{value}"' if value == "&#49;" else quoteattr(value)

    given_row = {name: row[name] for name in order if name in row}
    line = f"<row {' '.join(f'{name}{equals}{quoted(value)}' for name, value in given_row.items())} />".encode()
    etree.fromstring(line)
    post = stackexchange._row(1, line, None)
    named = stackexchange.threads_named(line)
    assert not isinstance(post, Post) or named is None or post.thread in named


def test_a_row_with_a_declaration_is_looked_at_by_all() -> None:
    line = b'<!DOCTYPE row [<!ATTLIST row Id CDATA "5" PostTypeId CDATA "1">]><row Body="x"/>'
    assert stackexchange.threads_named(line) is None
