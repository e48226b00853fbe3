"""Duplicates are shown so that a reader sees what differs and no one is named."""

from __future__ import annotations

from scripts.audit.copies import excerpts, size_bins
from scripts.audit.duplicates import duplicates as duplicates_section


def test_a_corpus_without_duplicates_says_so() -> None:
    found = {"near": None, "cluster_sizes": {}, "paragraphs": {}, "examples": []}
    assert "No duplicate documents" in duplicates_section({"duplicates": found, "sources": {}})


def test_excerpts_start_where_texts_differ_and_hide_addresses() -> None:
    same = " ".join(f"w{number}" for number in range(100))
    one, other = excerpts(f"{same} left a@b.org +49 30 901820 end", f"{same} right <b> end")
    assert one == f"… {' '.join(f'w{number}' for number in range(90, 100))} left ▮▮▮ ▮▮▮ end"
    assert other.endswith("w99 right <b> end")
    assert excerpts(same, same) == (" ".join(same.split()[:45]) + " …",) * 2


def test_clusters_are_binned_by_powers_of_two() -> None:
    bins = size_bins({"2": 7, "3": 1, "4": 2, "5": 1, "1000": 1})
    assert [(one["name"], one["clusters"], one["documents"]) for one in bins] == [
        ("2", 7, 7),
        ("3 to 4", 3, 8),
        ("5 to 8", 1, 4),
        ("513 to 1,024", 1, 999),
    ]
