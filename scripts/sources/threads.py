"""Posts that come in any order, put together as threads, in memory bounded by one thread.

Posts are spooled to a temporary SQLite database, then read thread by thread. The order is that of their numbers and
scores, never that of the file. Where several parts share a file, a thread is that of one part, by its number, and the others
look at its posts just long enough to see that.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import zstandard

from scripts.lib.errors import UserError
from scripts.sources.records import Outcome, Rejected, quarantined, removed
from scripts.sources.shares import Share
from scripts.sources.streams import MAX_RECORD_BYTES

# A post takes memory beside that of its text.
MAX_POSTS = 200_000
_BATCH = 1_000
# Gives (line number, line, why it is none) of the lines of posts that are not blank, each time anew.
Lines = Callable[[], Iterator[tuple[int, bytes, Rejected | None]]]
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_COMPRESSOR = zstandard.ZstdCompressor(level=1)
_DECOMPRESSOR = zstandard.ZstdDecompressor()
_SETTINGS = """
PRAGMA page_size = 16384;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -65536;
CREATE TABLE posts (thread INTEGER, reply INTEGER, id INTEGER, parent INTEGER, score INTEGER, data BLOB);
CREATE TABLE roots (id INTEGER PRIMARY KEY, thread INTEGER);
BEGIN;
"""
_LINES = """
SELECT coalesce(roots.thread, posts.thread), data
FROM posts LEFT JOIN roots ON posts.reply AND roots.id = posts.id
ORDER BY posts.rowid
"""
# Sorting with the data makes the order of copies of one post independent of the file's; those left out come last.
_ROWS = """
SELECT coalesce(roots.thread, posts.thread) AS root, reply, posts.id, parent, score, data
FROM posts LEFT JOIN roots ON posts.reply AND roots.id = posts.id
ORDER BY root, reply, posts.id, data IS NULL, data, parent, score
"""


@dataclass(frozen=True, slots=True)
class Post:
    """A post as its source has it. `parent` is None for the one that opens a thread.

    `left_out` says why it is not kept; it still has its place in the tree, so that the replies to it keep theirs.
    """

    thread: int
    id: int
    parent: int | None
    score: int | None
    text: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
    left_out: Rejected | None = None


class _Row(NamedTuple):
    thread: int
    reply: int
    id: int
    parent: int | None
    score: int | None
    data: bytes | int | None


class Spool:
    """Posts on disk, in a temporary folder that lasts as long as the block."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self._database = sqlite3.connect(Path(folder) / "posts.sqlite", isolation_level=None)
        self._stack.callback(self._database.close)
        self._database.executescript(_SETTINGS)
        self._waiting: list[_Row] = []

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, post: Post) -> None:
        """Take a post; one that is left out leaves only its place."""
        data = None
        if post.left_out is None:
            data = _COMPRESSOR.compress(_ENCODER.encode([post.text, post.about]).encode("utf-8"))
        self._add(post, data)

    def add_place(self, post: Post, line: int) -> None:
        """Take the place of a post, and the line that it stands on."""
        self._add(post, line)

    def _add(self, post: Post, data: bytes | int | None) -> None:
        reply = int(post.parent is not None)
        self._waiting.append(_Row(post.thread, reply, post.id, post.parent, post.score, data))
        if len(self._waiting) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        self._database.executemany("INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?)", self._waiting)
        self._waiting.clear()

    def find_roots(self) -> None:
        """Bring each reply to the thread that its parent is in, where posts name their parent alone.

        A parent has a smaller number than its replies, so in the order of numbers its thread is known before theirs.
        The topmost parent that is known stands for a thread whose opening is not in the file.
        """
        self._flush()
        replies = "SELECT DISTINCT id, parent FROM posts WHERE reply ORDER BY id, parent"
        for post, parent in self._database.execute(replies):
            found = self._database.execute("SELECT thread FROM roots WHERE id = ?", (parent,)).fetchone()
            root = found[0] if found else parent
            self._database.execute("INSERT OR IGNORE INTO roots VALUES (?, ?)", (post, root))

    def lines(self, share: Share) -> Iterator[int]:
        """Yield the lines, as their places were taken, whose posts are in threads of a share."""
        return (line for thread, line in self._database.execute(_LINES) if share.holds(thread))

    def threads(self) -> Iterator[tuple[int, Iterator[_Row]]]:
        """Yield the number of each thread, in order, and its posts: the opening, then replies by number."""
        self._flush()
        rows = map(_Row._make, self._database.execute(_ROWS))
        return itertools.groupby(rows, key=lambda row: row.thread)


class Thread:
    """The posts of one thread that are kept, and the places of the others in its tree."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.opened = False  # whether the file has its opening, kept or not
        self.opening: Post | None = None
        self.replies: dict[int, Post] = {}
        self._places: dict[int, tuple[int | None, int]] = {}
        self._bytes = 0
        self._full = False

    def take(self, row: _Row) -> Rejected | None:
        """Add a post, or say why it is not kept. Those with the greatest numbers go where a thread is too long."""
        self.opened = self.opened or not row.reply
        known = row.id in self.replies if row.reply else self.opening is not None
        if row.data is None:
            if row.reply and row.id not in self._places and len(self._places) < MAX_POSTS:
                self._places[row.id] = (row.parent, row.score or 0)
            return None
        assert isinstance(row.data, bytes), "only the lines of places are numbers"
        data = b"" if self._full else _DECOMPRESSOR.decompress(row.data)
        self._full = self._full or self._bytes + len(data) > MAX_RECORD_BYTES or len(self._places) >= MAX_POSTS
        position = f"post {row.id} of thread {self.number}"
        if known:
            return quarantined("duplicate_id", position)
        if self._full:
            return removed("thread_too_long", position)
        self._bytes += len(data)
        text, about = json.loads(data)
        post = Post(self.number, row.id, row.parent, row.score, text, about)
        if row.reply:
            self.replies[row.id] = post
            self._places[row.id] = (row.parent, row.score or 0)
        else:
            self.opening = post
        return None

    def in_order(self, preferred: int | None = None) -> list[Post]:
        """Return the kept replies depth first; siblings by falling score, then number, `preferred` among equals."""
        return [self.replies[post] for post in depth_first(self._places, preferred) if post in self.replies]


def depth_first(places: Mapping[int, tuple[int | None, int]], preferred: int | None = None) -> Iterator[int]:
    """Yield posts depth first, given the parent and score of each; siblings by falling score, then number.

    A post whose parent is not there stands at the top, and so does the smallest number of those that answer in a circle.
    """
    children: dict[int | None, list[int]] = {}
    for post in sorted(places, key=lambda post: (-places[post][1], post != preferred, post)):
        parent = places[post][0]
        children.setdefault(parent if parent in places else None, []).append(post)
    seen: set[int] = set()
    for top in itertools.chain(children.get(None, []), sorted(places)):
        stack = [top]
        while stack:
            post = stack.pop()
            if post not in seen:
                seen.add(post)
                yield post
                stack += reversed(children.get(post, []))


def thread_outcomes(
    posts: Iterator[Post | Rejected], compose: Callable[[Thread], Iterator[Outcome]], parents_only: bool = False
) -> Iterator[Outcome]:
    """Yield what `compose` makes of each thread, and one outcome a post that is left out.

    `parents_only` is for posts that do not say which thread they are in: their `thread` need not be right.
    """
    with spooling() as spool:
        for post in posts:
            rejected = post if isinstance(post, Rejected) else post.left_out
            if isinstance(post, Post):
                spool.add(post)
            if rejected is not None:
                yield rejected
        if parents_only:
            spool.find_roots()
        for number, rows in spool.threads():
            thread = Thread(number)
            yield from filter(None, map(thread.take, rows))
            yield from compose(thread)


@contextmanager
def spooling() -> Iterator[Spool]:
    """Give a spool. Raises UserError where there is no room for it."""
    try:
        with Spool() as spool:
            yield spool
    except sqlite3.OperationalError as error:
        raise UserError(f"Posts cannot be sorted on disk ({error}); point TMPDIR to a folder with room.") from None


def posts_of_share(
    lines: Iterable[tuple[int, bytes, Rejected | None]],
    named: Callable[[bytes], Iterable[int] | None],
    parse: Callable[[int, bytes], Post | Rejected],
    share: Share,
) -> Iterator[Post | Rejected]:
    """Yield the posts on (number, line, why it is none) that are in threads of a share; broken lines are shared by number.

    `named` tells, without parsing a line, which threads its post may be in, or None where only parsing does.
    """
    for number, line, broken in lines:
        mine = share.takes(number)
        if broken is not None:
            if mine:
                yield broken
        elif mine or (threads := named(line)) is None or any(map(share.holds, threads)):
            post = parse(number, line)
            if share.holds(post.thread) if isinstance(post, Post) else mine:
                yield post


def low_score(score: int | None, minimum: int | None, position: str, text: str) -> Rejected | None:
    """Return why a post is left out whose score is known and below the minimum, where there is one."""
    if minimum is None or score is None or score >= minimum:
        return None
    return removed("low_score", position, text)
