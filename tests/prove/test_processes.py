"""What is done in processes comes in order, and no process does more than its share."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.prove.processes import in_processes


def where(number: int) -> tuple[int, int]:
    """Return the number, and the process that had it."""
    return number, os.getpid()


def failing(number: int) -> int:
    return 6 // number


def test_each_process_takes_its_share() -> None:
    found = list(in_processes(where, range(5), 2))
    assert [number for number, _ in found] == list(range(5))
    shares = Counter(process for _, process in found)
    assert sorted(shares.values()) == [1, 2, 2] and os.getpid() not in shares


def test_what_fails_in_a_process_fails_here() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_processes(failing, [3, 0, 1], 2))
