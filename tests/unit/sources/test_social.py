"""Dumps of threads: Reddit and Hacker News, whole and broken."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
import zstandard

from .running import Extracted, documents_of
from .test_stack_exchange import SITE, posts_xml

Row = dict[str, object]


def comment(name: str, parent: str, body: str, score: int | None = 1, author: str = "ann", link: str = "s1") -> Row:
    return {
        "id": name, "parent_id": parent, "link_id": f"t3_{link}", "body": body, "score": score, "author": author,
        "created_utc": 1500000000, "subreddit": "bees",
    }  # fmt: skip


def submission(name: str, title: str, selftext: str = "", score: int = 5, author: str = "bob") -> Row:
    return {
        "id": name, "title": title, "selftext": selftext, "score": score, "author": author,
        "created_utc": "1400000000", "subreddit": "bees", "num_comments": 3,
    }  # fmt: skip


REDDIT = [
    submission("s1", "Bees &amp; wasps", "They [fly](https://x.test/a) &gt; here."),
    comment("c1", "t3_s1", "low", 1),
    comment("c2", "t3_s1", "high", 9),
    comment("c3", "t1_c2", "[deleted]", 4),
    comment("c4", "t1_c3", "child of a deleted one", 2),
    comment("c5", "t1_c2", "best child of high", 8),
    comment("zz", "t3_s1", "same score, greater number", 1),
    comment("100", "t3_s1", "same score, greatest number, one digit more", 1),
    comment("c6", "t3_s1", "I am a robot", 50, author="SneakPeekBot"),
    comment("c7", "t3_s1", "Rules", 50, author="AutoModerator"),
    comment("c8", "t1_gone", "parent is not in the file", None),
    comment("c9", "t3_other", "alone", 3, link="other"),
    submission("s2", "A link that nobody speaks of"),
    submission("s3", "A title", "[removed]"),
    comment("ca", "t3_s3", "what stays of it", 3, link="s3"),
]


def lines(rows: Sequence[Row]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def zstd_long(data: bytes) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=31, write_content_size=False)
    return zstandard.ZstdCompressor(compression_params=parameters).compress(data)


def test_a_submission_is_followed_by_its_comments_depth_first(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "bees.zst", zstd_long(lines(REDDIT)), "social")
    assert sorted(found.rows) == ["bees/t3_other", "t3_s1", "t3_s3"]
    assert found.rows["t3_s1"]["text"].split("\n\n") == [
        "Bees & wasps",
        "They fly > here.",
        "high",
        "best child of high",
        "child of a deleted one",
        "low",
        "same score, greater number",
        "same score, greatest number, one digit more",
        "parent is not in the file",
    ]
    assert found.rows["t3_s1"]["url"] == "https://www.reddit.com/comments/s1"
    assert found.rows["t3_s1"]["date"] == "2014-05-13T16:53:20Z"
    assert json.loads(found.rows["t3_s1"]["meta"]) == {
        "title": "Bees & wasps", "subreddit": "bees", "score": 5, "comments": 7, "file": "bees.zst",
    }  # fmt: skip
    assert (found.rows["bees/t3_other"]["text"], found.rows["t3_s3"]["text"]) == ("alone", "what stays of it")
    assert found.rows["bees/t3_other"]["date"] == "2017-07-14T02:40:00Z"
    removed = {"deleted": 1, "bot": 2, "title_only": 1, "removed_by_moderators": 1}
    assert found.accounting == {"in": 8, "kept": 3, "removed": removed, "quarantined": {}}


BOTS = [
    "AutoModerator",
    "SneakPeekBot",
    "RemindMe_Bot2",
    "my-bot",
    "bot",
    "TotesBOT",
    "autowikibot",
    "haikusbot",
    "sneakpeekbot",
]
BOTS += ["profanitycounter", "B0tRank", "nice-scores"]
PEOPLE = ["Talbot", "jim_abbot", "robot", "Botany", "bottle2", "Turbot9"]


def test_programs_are_told_from_people_by_their_names_and_words(tmp_path: Path) -> None:
    names = [*BOTS, *PEOPLE, "eve"]
    posts = [comment(f"c{n}", "t3_s1", f"post by {name}", author=name) for n, name in enumerate(names)]
    posts[-1]["body"] = "Removed. *I am a bot, and this action was performed automatically.*"
    found = documents_of(tmp_path, "bees.jsonl", lines([submission("s1", "Bees"), *posts]), "social")
    assert found.accounting["removed"] == {"bot": len(BOTS) + 1}
    assert sorted(found.rows["t3_s1"]["text"].split("\n\n")[1:]) == sorted(f"post by {name}" for name in PEOPLE)


def without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def test_links_without_a_text_and_posts_of_the_first_years_are_read(tmp_path: Path) -> None:
    rows = [
        {**submission("s1", "A link"), "selftext": None},
        without(comment("c1", "t3_s1", "first"), "subreddit"),
        without(submission("s2", "An old link"), "selftext"),
        comment("c2", "t3_s2", "second", link="s2"),
        without(submission("s3", "An old text", "words"), "subreddit"),
    ]
    found = documents_of(tmp_path, "bees.jsonl", lines(rows), "social")
    assert found.accounting == {"in": 3, "kept": 3, "removed": {}, "quarantined": {}}
    assert [row["text"] for row in found.list] == ["A link\n\nfirst", "An old link\n\nsecond", "An old text\n\nwords"]


@pytest.mark.parametrize(
    "text",
    [
        "[removed by reddit]",
        "[ Removed by Reddit ]",
        "[ Removed by Reddit on account of violating the [content policy](/help/contentpolicy). ]",
    ],
)
def test_what_the_site_removed_is_no_text(tmp_path: Path, text: str) -> None:
    rows = [submission("s1", "Bees", "fly"), comment("c1", "t3_s1", text)]
    found = documents_of(tmp_path, "bees.jsonl", lines(rows), "social")
    assert found.accounting["removed"] == {"removed_by_moderators": 1}


def test_a_thread_is_put_together_from_files_that_are_joined(tmp_path: Path) -> None:
    posts = [row for row in REDDIT if "title" in row]
    comments = [row for row in REDDIT if "title" not in row]
    joined = documents_of(
        tmp_path / "joined", "bees.zst", zstd_long(lines(posts)) + zstd_long(lines(comments)), "social"
    )
    whole = documents_of(tmp_path / "whole", "bees.zst", zstd_long(lines(REDDIT)), "social")
    assert (joined.list, joined.accounting) == (whole.list, whole.accounting)


def item(number: object, kind: str, **more: object) -> Row:
    return {"id": number, "type": kind, "by": "ann", "time": 1200000000, **more}


NEWS = [
    item(1, "story", title="Show HN: Bees", url="http://x.test", score=3, kids=[2, 3]),
    item(2, "comment", parent=1, text="Nice.<p>Two &amp; <i>three</i> <a href=\"http:&#x2F;&#x2F;x\">a link</a>"),
    item(3, "comment", parent=1, text="Second"),
    item(4, "comment", parent=2, deleted=True),
    item(5, "comment", parent=4, text="Below<pre><code>  x = 1\n    y\n</code></pre>"),
    item(6, "comment", parent=5, text="dead words", dead=True),
    item("8", "comment", parent="7", text="Its story is not here", score=None),
    item(9, "comment", parent="8", text="Nor that of this"),
    item(10, "poll", title="Which?", parts=[11, 12]),
    item(11, "pollopt", poll=10, text="this", score=2),
    item(12, "pollopt", poll=10, text="that", score=4),
    {"id": 13, "deleted": True, "time": 1200000000},
]  # fmt: skip


def test_comments_find_their_story_through_their_parents(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "items.json", lines(NEWS), "social")
    assert {key: row["text"] for key, row in found.rows.items()} == {
        "1": "Show HN: Bees\n\nNice.\n\nTwo & three a link\n\nBelow\n\n  x = 1\n    y\n\nSecond",
        "items/7": "Its story is not here\n\nNor that of this",
        "10": "Which?\n\nthat\n\nthis",
    }
    assert found.rows["1"]["url"] == "https://news.ycombinator.com/item?id=1"
    assert found.rows["1"]["date"] == "2008-01-10T21:20:00Z"
    assert found.accounting == {"in": 6, "kept": 3, "removed": {"deleted": 2, "dead": 1}, "quarantined": {}}


BROKEN_LINES = [
    ("invalid_utf8", b'{"id": 50, "type": "comment", "parent": 1, "text": "caf\xe9"}'),
    ("malformed_json", b'{"id": 50, "type": "comm'),
    ("too_deep", b'{"id": 50, "type": "comment", "kids": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ("no_object", b"[1]"),
    ("lone_surrogates", b'{"id": 50, "type": "comment", "parent": 1, "text": "a \\ud800"}'),
    ("text_not_string", b'{"id": 50, "type": "comment", "parent": 1, "text": 5}'),
    ("no_parent", b'{"id": 50, "type": "comment", "text": "x"}'),
    ("parent_not_before", b'{"id": 50, "type": "comment", "parent": 50, "text": "x"}'),
    ("unknown_item", b'{"id": 1e999, "type": "comment", "parent": 50, "text": "x"}'),
    ("duplicate_id", b'{"id": 3, "type": "comment", "parent": 1, "text": "Second"}'),
]


@pytest.mark.parametrize(("reason", "line"), BROKEN_LINES)
@pytest.mark.parametrize("at", [0, 5])
def test_a_broken_line_is_quarantined_alone(tmp_path: Path, reason: str, line: bytes, at: int) -> None:
    whole = lines(NEWS).splitlines()
    found = documents_of(tmp_path, "items.json", b"\n".join([*whole[:at], line, *whole[at:]]), "social")
    assert found.accounting["quarantined"] == {reason: 1}
    assert (found.accounting["in"], sorted(found.rows)) == (7, ["1", "10", "items/7"])
    assert found.rows["1"]["text"].endswith("Second")


def test_a_cut_stream_keeps_what_came_before(tmp_path: Path) -> None:
    rows = [comment(f"d{n}", "t3_s1", f"number {random.Random(n).random()}") for n in range(20_000)]
    found = documents_of(tmp_path, "rc.zst", zstd_long(lines(rows))[:-1000], "social")
    assert found.accounting["quarantined"]["truncated"] == 1
    assert found.accounting["kept"] == 1
    assert found.list[0]["text"].startswith("number 0.")


@pytest.mark.parametrize(
    ("reason", "content"),
    [
        ("unknown_form", b"<comments>\n" + b'<row Id="1" Text="x"/>\n' * 9 + b"</comments>"),
        ("unknown_form", b'{"text": "no post"}\n' * 9),
        ("missing_columns", b"neither,this\n1,2\n" * 9),
    ],
)
def test_an_unknown_form_is_quarantined_once(tmp_path: Path, reason: str, content: bytes) -> None:
    found = documents_of(tmp_path, "file", content, "social")
    assert found.accounting == {"in": 1, "kept": 0, "removed": {}, "quarantined": {reason: 1}}


TWICE = [
    comment("c2", "t3_s1", "high, another copy", 7),
    comment("c3", "t1_c1", "a copy from before it was deleted", 4),
    comment("e1", "t1_e2", "in a"),
    comment("e2", "t1_e1", "circle"),
]


@pytest.mark.parametrize("form", ["reddit", "news", "xml"])
def test_the_order_of_lines_changes_no_byte(tmp_path: Path, form: str) -> None:
    def parquet(name: str, shuffle: bool) -> tuple[bytes, object]:
        rows = {
            "reddit": lines(REDDIT + TWICE).splitlines(),
            "news": lines([*NEWS, item(3, "comment", parent=2, text="twice")]).splitlines(),
            "xml": [row.encode() for row in SITE],
        }[form]
        if shuffle:
            random.Random(7).shuffle(rows)
        content = posts_xml([row.decode() for row in rows]) if form == "xml" else b"\n".join(rows)
        found: Extracted = documents_of(tmp_path / name, "file", content, "social")
        path = tmp_path / name / "results" / "sources" / "s" / "documents" / "0000.parquet"
        return path.read_bytes(), found.accounting

    first, second = parquet("first", False), parquet("second", True)
    assert first == second


def test_numbers_may_be_written_with_a_point(tmp_path: Path) -> None:
    news = [{**row, **{name: float(row[name]) for name in ("id", "parent", "time") if name in row}} for row in NEWS]
    found = documents_of(tmp_path / "points", "items.json", lines(news), "social")
    plain = documents_of(tmp_path / "plain", "items.json", lines(NEWS), "social")
    assert (found.list, found.accounting) == (plain.list, plain.accounting)
