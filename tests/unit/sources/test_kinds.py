from __future__ import annotations

import subprocess
import sys

import pytest

from scripts.lib.errors import UserError
from scripts.sources.extract import READERS
from scripts.sources.kinds import KINDS, check_reader_options


def test_every_kind_has_a_reader_and_every_reader_a_kind() -> None:
    assert list(KINDS) == list(READERS)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("wikipedia", {"namespace": [0]}),
        ("wikipedia", {"namespaces": ["0"]}),
        ("wikipedia", {"disambiguation": "no"}),
        ("books", {"max_characters": 10}),
        ("books", {"max_characters": True}),
        ("jsonl", {"text": ["a", "b"]}),
        ("social", {"posts": 0}),
        ("social", {"min_score": "1"}),
        ("news", {"text": "body"}),
        ("text", {"encoding": ""}),
    ],
)
def test_wrong_options_are_refused_by_name(kind: str, options: dict[str, object]) -> None:
    with pytest.raises(UserError, match=rf"^options\.{next(iter(options))} "):
        check_reader_options(kind, options)


def test_right_options_pass() -> None:
    check_reader_options("wikipedia", {"namespaces": [0, 14], "disambiguation": True})
    check_reader_options("books", {"max_characters": 5000})
    check_reader_options("social", {"min_score": -1})
    check_reader_options("social", {"min_score": None})
    check_reader_options("jsonl", {"text": "body", "id": "meta.key"})


def test_reading_the_table_of_kinds_loads_no_heavy_library() -> None:
    heavy = ("lxml", "pyarrow", "fastwarc", "urllib3", "zstandard")
    code = (
        "import sys, scripts.sources.kinds, scripts.sources.local; print([m for m in sys.argv[1:] if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
