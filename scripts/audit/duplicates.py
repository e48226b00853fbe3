"""The section of the page about duplicates: what is found by chance, clusters, kinds by source, paragraphs, examples."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from scripts.audit.bars import bars, table
from scripts.audit.copies import size_bins
from scripts.audit.curves import chances

KINDS = {"id": "same id", "exact": "exact", "near": "near", "paragraph": "nothing left"}


def duplicates(numbers: Mapping[str, Any]) -> str:
    """Return the section."""
    found = numbers["duplicates"]
    parts = [_curve(found["near"]) if found["near"] else "", _clusters(numbers, found["cluster_sizes"])]
    return "".join([*parts, _paragraphs(found["paragraphs"]), _examples(found["examples"])])


def _curve(near: Mapping[str, Any]) -> str:
    told = (
        f"Two documents are near-duplicates when one of {near['bands']} bands of {near['rows']} numbers of their signatures of "
        f"{near['permutations']} is equal and at least {near['similarity']:g} of all numbers are. The curves are theory: the "
        "chance of that for a pair whose sets of word shingles have a Jaccard similarity of so much."
    )
    curves = {
        "an equal band": [(point[0], point[1]) for point in near["curve"]],
        "an equal band and enough equal numbers": [(point[0], point[2]) for point in near["curve"]],
    }
    limit = f"similarity asked for ({near['similarity']:g})", near["similarity"]
    return f"<p>{escape(told)}</p>\n" + chances(curves, "Jaccard similarity of a pair", "chance", limit)


def _clusters(numbers: Mapping[str, Any], sizes: dict[str, int]) -> str:
    if not sizes:
        return "<p>No duplicate documents were found, or the corpus does not look for them.</p>\n"
    bins = size_bins(sizes)
    clusters = [(f"clusters of {one['name']}", one["clusters"]) for one in bins]
    told = "Clusters of documents that are copies of each other, of which one stays, by their number of documents:"
    lines = [[f"{one['name']} documents", one["clusters"], one["documents"]] for one in bins]
    kinds = [
        [name, *(source["removed"].get(f"{kind}_duplicate", 0) for kind in KINDS)]
        for name, source in numbers["sources"].items()
    ]
    return (
        f"<p>{escape(told)}</p>\n"
        + bars(clusters, sum(count for _, count in clusters), "clusters")
        + table(["cluster of", "clusters", "documents that go"], lines)
        + table(["source", *KINDS.values()], kinds)
    )


def _paragraphs(counts: Mapping[str, Mapping[str, int]]) -> str:
    if not counts:
        return ""
    told = "Paragraphs that another document of the corpus has before, cut from documents that stay:"
    columns = ("documents", "paragraphs", "characters")
    lines = [[name, *(found[column] for column in columns)] for name, found in counts.items()]
    return f"<p>{escape(told)}</p>\n" + table(["source", *columns], lines)


def _examples(pairs: list[Mapping[str, str]]) -> str:
    if not pairs:
        return ""
    told = (
        "Some pairs, chosen by the hashes of their ids, around the first words that differ; addresses and long numbers are "
        "blotted out."
    )
    lines = [
        [pair["kind"], f"{side}: {pair[side]} ({pair[f'{side}_source']})", pair[f"{side}_text"]]
        for pair in pairs
        for side in ("removed", "survivor")
    ]
    return f"<p>{escape(told)}</p>\n" + table(["kind", "document", "excerpt"], lines)
