"""Reddit: submissions and comments as JSON lines in the form of the Pushshift dumps, together or comments alone.

A document is a submission with its comments, depth first. Posts keep their Markdown, links by their words alone.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import regex

from scripts.sources.decoding import has_surrogates, unescape
from scripts.sources.discussions import Form, discussion
from scripts.sources.objects import Object, iso_date, parse_object, whole_number
from scripts.sources.records import Outcome, Rejected, quarantined, removed
from scripts.sources.shares import Share
from scripts.sources.threads import Lines, Post, low_score, posts_of_share, thread_outcomes

_NUMBER = regex.compile(r"[0-9a-z]{1,12}")
_NAME = regex.compile(rb'"(link_)?id"\s*:\s*"([^"]*)"')
_ESCAPED = regex.compile(rb"\\u00(?:3\d|[4-7])")  # a digit, letter or underscore, as names consist of
_LINK = regex.compile(r"\[([^\[\]\n]+)\]\((?:https?:/)?/[^()\s]*\)")
_GONE = {"[deleted]": "deleted", "[removed]": "removed_by_moderators"}
_REMOVED_BY_SITE = regex.compile(r"\[ ?removed by reddit\b.*\]", regex.I)
# Names of people end with these letters too (Talbot), so it must stand apart, or small letters before a capital.
_BOT = regex.compile(r"(?:^|[_-])bot[_-]?\d*$", regex.I)
_BOTS = frozenset((
    "alternatebot", "automoderator", "autotldr", "autowikibot", "b0trank", "commonmisspellingbot", "decronym",
    "gifendore", "gifreversingbot", "goodbot_badbot", "haikusbot", "imgurtranscriber", "mtgcardfetcher", "nice-scores",
    "profanitycounter", "remindmebot", "repostsleuthbot", "savevideo", "savevideobot", "sneakpeekbot", "totesmessenger",
    "tweetposter", "userleansbot", "vredditdownloader", "wikisummarizerbot", "wikitextbot", "xkcd_transcriber",
))  # fmt: skip
_CAMEL_BOT = regex.compile(r"[a-z0-9](?:Bot|BOT)[_-]?\d*$")
_SAYS_BOT = regex.compile(r"\bI(?:['’]| a)m a bot,? and this action\b", regex.I)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# Comments and submissions are numbered apart, so a submission gets a number that no comment has.
_SUBMISSION = -1


def base36(number: int) -> str:
    """Return a number in base 36."""
    digits = _DIGITS[number % 36]
    while number := number // 36:
        digits = _DIGITS[number % 36] + digits
    return digits


_FORM = Form(lambda number: f"t3_{base36(number)}", lambda name: f"https://www.reddit.com/comments/{name[3:]}")


def is_item(row: Object) -> bool:
    """Tell whether an object is a submission or a comment; the oldest lack the subreddit, or the text of a link."""
    return _is_comment(row) or "selftext" in row or ("title" in row and "subreddit" in row)


def _is_comment(row: Object) -> bool:
    return "body" in row and "link_id" in row


def read(lines: Lines, origin: str, options: Mapping[str, Any], share: Share) -> Iterator[Outcome]:
    """Yield one outcome a thread, and one a post that is left out. Options: `min_score` (of a post, default none)."""
    compose = functools.partial(discussion, form=_FORM, origin=origin)
    parse = functools.partial(_post, min_score=options.get("min_score"))
    yield from thread_outcomes(posts_of_share(lines(), threads_named, parse, share), compose)


def threads_named(line: bytes) -> list[int] | None:
    """Return the threads that the post on a line may be in, by the names in it; None where an escape may hide one."""
    if _ESCAPED.search(line):
        return None
    opened: list[int] = []
    replied: list[int] = []
    for link, name in _NAME.findall(line):
        if (number := number_of(name.decode("ascii", "replace"))) is not None:
            (replied if link else opened).append(number)
    return replied if replied and b'"selftext"' not in line else replied + opened


def _post(number_of_line: int, line: bytes, min_score: int | None) -> Post | Rejected:
    position = f"line {number_of_line}"
    row = parse_object(line, position)
    if isinstance(row, Rejected):
        return row
    if not is_item(row):
        return quarantined("unknown_item", position, line)
    comment = _is_comment(row)
    number = number_of(row.get("id"))
    thread = number_of(row["link_id"]) if comment else number
    if number is None or thread is None:
        return quarantined("no_identifier", position, line)
    source = row["body"] if comment else row.get("selftext") or ""
    title = None if comment else row.get("title")
    if not isinstance(source, str) or not isinstance(title, str | None):
        return quarantined("text_not_string", position, line)
    text, title, subreddit = post_text(source), unescape(title or "").strip(), str(row.get("subreddit") or "")
    if has_surrogates(text + title + subreddit):
        return quarantined("lone_surrogates", position, line)
    score = whole_number(row.get("score"))
    about: dict[str, Any] = {"date": iso_date(row.get("created_utc"))}
    if not comment:
        about |= {"title": title, "subreddit": subreddit or None}
    left_out = _left_out(row, source.strip(), text or title, position) or low_score(score, min_score, position, text)
    parent = _parent(row) if comment else None
    return Post(thread, number if comment else _SUBMISSION, parent, score, text, about, left_out)


def _parent(row: Object) -> int:
    """Return the number of the comment that a comment answers, or of the submission where it answers none."""
    parent = row.get("parent_id")
    if not isinstance(parent, str) or not parent.startswith("t1_"):
        return _SUBMISSION
    number = number_of(parent)
    return _SUBMISSION if number is None else number


def _left_out(row: Object, source: str, text: str, position: str) -> Rejected | None:
    if source.lower() in _GONE:
        return removed(_GONE[source.lower()], position)
    if _REMOVED_BY_SITE.fullmatch(source):
        return removed("removed_by_moderators", position)
    if _is_bot(str(row.get("author")), source):
        return removed("bot", position, text)
    return None if text else removed("empty", position)


def _is_bot(author: str, source: str) -> bool:
    """Tell whether a post is by a program, by its author's name or its own words."""
    named = author.lower() in _BOTS or any(pattern.search(author) for pattern in (_BOT, _CAMEL_BOT))
    return named or _SAYS_BOT.search(source) is not None


def post_text(source: str) -> str:
    """Return a post's Markdown with entities resolved and links by their words alone."""
    return str(_LINK.sub(r"\1", unescape(source))).strip()


def number_of(name: Any) -> int | None:
    """Return the number that an id in base 36 is, with or without the mark of its kind (`t3_`)."""
    if not isinstance(name, str) or not name.isascii():
        return None
    digits = name.lower().rpartition("_")[2]
    return int(digits, 36) if _NUMBER.fullmatch(digits) else None
