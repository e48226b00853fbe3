"""The kinds of sources and the options that their readers take.

This module is read when the workflow is planned, so it imports no reader and no heavy library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scripts.lib.errors import UserError

MIN_DOCUMENT_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a reader: what its value must be, in words and as a test, and what it does."""

    form: str
    accepts: Callable[[Any], bool]
    description: str


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and value != [] and all(type(item) is int for item in value)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _length(value: Any) -> bool:
    return type(value) is int and value >= MIN_DOCUMENT_CHARACTERS


def _count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _score(value: Any) -> bool:
    return value is None or type(value) is int


def _column(what: str, default: str) -> Option:
    return Option("a column name", _text, f"Column with the {what}; default {default}. `a.b` looks into objects.")


COLUMNS = {
    "text": _column("text", "text"),
    "id": _column("identifier", "id, else the number of the row"),
    "url": _column("address", "url"),
    "date": _column("date", "date"),
    "language": _column("language", "none"),
    "license": _column("licence", "none"),
}
KINDS: dict[str, dict[str, Option]] = {
    "common_crawl": {},
    "wikipedia": {
        "namespaces": Option("a list of numbers", _numbers, "Namespaces that are kept; default [0], the articles."),
        "disambiguation": Option("true or false", _flag, "Keep disambiguation pages; default false."),
    },
    "books": {
        "max_characters": Option(
            f"a whole number from {MIN_DOCUMENT_CHARACTERS} up",
            _length,
            "Books longer than this are cut at headings, acts, scenes, chapters or paragraphs; default 20000.",
        )
    },
    "academic": {
        "formulae": Option("true or false", _flag, "Keep displayed formulae as `$$...$$`; default false."),
        "captions": Option("true or false", _flag, "Keep the captions of figures and tables; default false."),
    },
    "social": {
        "posts": Option("a whole number from 1 up", _count, "Posts of a timeline in a document; default 20."),
        "min_score": Option("a whole number or null", _score, "Posts in threads below it are removed; default none."),
        "joined": Option(
            "true or false",
            _flag,
            "Threads go on from file to file, as Reddit's submissions and comments are published; default false.",
        ),
    },
    "news": {},
    "scripture": {},
    "speeches": {},
    "huggingface": COLUMNS,
    "jsonl": COLUMNS,
    "parquet": COLUMNS,
    "text": {"encoding": Option("the name of an encoding", _text, "Encoding of the files; default utf-8.")},
    "web": {},
}


def check_reader_options(kind: str, options: Mapping[str, Any]) -> None:
    """Raise UserError, starting with the key, where a kind has no such option or the value is of the wrong form."""
    known = KINDS[kind]
    for name in sorted(options):
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise UserError(f"options.{name} is not known to sources of kind {kind} (it takes: {names}); remove it.")
        if not known[name].accepts(options[name]):
            raise UserError(f"options.{name} of a source of kind {kind} must be {known[name].form}; mend it.")
