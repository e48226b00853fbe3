"""Translations of the Bible as the packages `pythonbible-*` hold them: a Python module with one long text and tables of verses.

The module is parsed, never run. Its tables of verses are not used: in some translations they do not fit the text. The text is cut
into passages of whole sentences instead.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import regex

from scripts.sources.decoding import decode
from scripts.sources.records import Outcome, Record, key_of, quarantined
from scripts.sources.streams import BrokenStream, read_whole

PASSAGE = 3_000  # characters after which the next end of a sentence ends a passage
_MARKS = regex.compile(r"\\\d+:\d+\\|\*+|[\[\]]")  # chapters, gaps, and brackets around words that the original implies
_SENTENCE = regex.compile(r".+?(?:[.!?][\"'’”)]*(?=\s|\Z)|\Z)", regex.S)


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield one outcome a passage. No options."""
    try:
        data = read_whole(path)
    except BrokenStream as error:
        yield quarantined(error.reason, f"byte {error.position} of {origin}")
        return
    source = decode(data, None)
    if source is None:
        yield quarantined("wrong_encoding", origin, data)
        return
    text = longest_text(source)
    if text is None:
        yield quarantined("not_a_module", origin, source)
        return
    for number, passage in enumerate(passages(clean(text))):
        yield Record(key=f"{key_of(origin)}/{number:04d}", text=passage)


def longest_text(source: str) -> str | None:
    """Return the longest string of a Python module, or None where it is no module or holds no string."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return max(texts, key=len, default=None)


def clean(text: str) -> str:
    """Return a translation without editorial marks, on one line, with the apostrophes that it writes as grave accents."""
    return " ".join(_MARKS.sub(" ", text).replace("`", "'").split())


def passages(text: str) -> Iterator[str]:
    """Yield a text in pieces of whole sentences, each a little longer than PASSAGE; the last one may be shorter."""
    start = 0
    for sentence in _SENTENCE.finditer(text):
        if sentence.end() - start >= PASSAGE:
            yield text[start : sentence.end()].strip()
            start = sentence.end()
    if text[start:].strip():
        yield text[start:].strip()
