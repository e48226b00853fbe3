"""Threads of posts and the HTML in them."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from scripts.sources import threads
from scripts.sources.posthtml import TooDeep, html_text
from scripts.sources.records import Outcome, Record, Rejected
from scripts.sources.threads import Post, Thread, depth_first, thread_outcomes


def test_siblings_go_by_score_then_the_preferred_then_number() -> None:
    places = {5: (None, 1), 6: (None, 3), 7: (6, 0), 8: (6, 2), 9: (8, 9), 4: (None, 1), 3: (None, 1)}
    assert list(depth_first(places)) == [6, 8, 9, 7, 3, 4, 5]
    assert list(depth_first(places, preferred=5)) == [6, 8, 9, 7, 5, 3, 4]


def test_no_post_is_lost_in_circles_without_parents_or_at_any_depth() -> None:
    assert list(depth_first({1: (2, 0), 2: (1, 5), 3: (3, 1), 4: (99, 0)})) == [4, 1, 2, 3]
    chain: dict[int, tuple[int | None, int]] = {n: (n - 1, 0) for n in range(100_000)}
    assert list(depth_first(chain)) == list(range(100_000))


def texts(thread: Thread) -> Iterator[Outcome]:
    posts = [thread.opening, *thread.in_order()]
    yield Record(str(thread.number), "|".join(post.text for post in posts if post))


def test_a_long_thread_is_cut_off_and_every_post_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MAX_RECORD_BYTES", 1000)
    posts = [Post(1, n, 1 if n > 1 else None, n, f"{n:0200d}") for n in range(1, 10)]
    posts += [Post(2, 11, None, 0, "short"), Post(2, 12, 11, 0, "reply")]
    random.Random(0).shuffle(posts)
    found = list(thread_outcomes(iter(posts), texts))
    kept = {outcome.key: outcome.text for outcome in found if isinstance(outcome, Record)}
    rejected = [outcome for outcome in found if isinstance(outcome, Rejected)]
    assert [int(part) for part in kept["1"].split("|")] == [1, 4, 3, 2]
    assert kept["2"] == "short|reply"
    assert [(outcome.reason, outcome.position) for outcome in rejected] == [
        ("thread_too_long", f"post {n} of thread 1") for n in range(5, 10)
    ]


def test_many_posts_fill_a_thread_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MAX_POSTS", 3)
    posts = [Post(1, n, None if n == 1 else 1, 0, str(n)) for n in range(1, 7)]
    found = list(thread_outcomes(iter(posts), texts))
    assert [o.text if isinstance(o, Record) else o.reason for o in found] == ["thread_too_long"] * 2 + ["1|2|3|4"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain &amp;\n plain", "plain & plain"),
        ("<p>Two <b>bold</b>\n words.</p>\n\n<p>Next<br>line<br><br>gap</p>", "Two bold words.\n\nNext\nline\n\ngap"),
        ("<p>see <a href='http://x'>this  page</a>.</p>", "see this page."),
        ("a<pre><code>def f():\n    return 1\n\n    # • &lt;\n</code></pre>b",
         "a\n\ndef f():\n    return 1\n\n    # • <\n\nb"),
        ("<pre>\n    indented\n\ttab</pre>", "    indented\n\ttab"),
        ("<ul>\n<li>one</li>\n<li>two<ul><li>in</li></ul></li>\n</ul>\n<p>end</p>", "- one\n- two\n  - in\n\nend"),
        ("<ol><li><p>first</p></li><li></li></ol>", "- first"),
        ("<blockquote>\n  <p>said</p>\n</blockquote><hr><h2>Head</h2>x<sup>2</sup> 2<sup>n</sup>", "said\n\nHead\n\nx² 2^n"),
        ("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>", "A\tB\n1\t2"),
        ("<script>x()</script><style>y</style><img src=a alt=b>z<!-- c --><?pi?>", "z"),
        ("3 < 4 <unclosed <b>x", "3 < 4 x"),
        ("<!-- nothing -->", ""),
        ('<?xml version="1.0" encoding="utf-16"?><meta charset="latin-1"><p>naïve</p>', "naïve"),
        ("<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><p>b &a; c</p>", "]>\n\nb &a; c"),
    ],
)  # fmt: skip
def test_html_becomes_text(source: str, text: str) -> None:
    assert html_text(source) == text


def test_elements_nested_without_end_are_refused() -> None:
    assert html_text("<div>" * 500 + "deep") == "deep"
    with pytest.raises(TooDeep):
        html_text("<p>lost</p>" + "<div>" * 100_000 + "deep")


def test_deep_lists_do_not_swell() -> None:
    source = "<ul><li>" * 500 + "<li>x" * 1000
    assert len(html_text(source)) < 5 * len(source)
