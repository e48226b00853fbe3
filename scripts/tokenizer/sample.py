"""The text that a tokenizer is trained on: a bounded sample of the training documents of a corpus.

Each source gets its share of the bytes. Within a source, documents are taken in the order of a hash of their ids until the
share is full, so neither parts nor arrival matter.
"""

from __future__ import annotations

from collections.abc import Sequence

from scripts.lib.documents import read_rows
from scripts.lib.manifest import Artefact
from scripts.lib.seeds import seed_for

Ranked = tuple[int, str, int]  # hash, id, bytes of text


def rank_documents(parts: Sequence[Artefact], seed: int) -> list[Ranked]:
    """Return hash, id and bytes of every training document of a source, by hash."""
    ranked = [
        (seed_for(seed, "tokenizer", row["id"]), row["id"], len(row["text"].encode("utf-8")))
        for part in parts
        for row in read_rows(part.path(f"{part.manifest_path.stem}.parquet"), ["id", "text", "split"])
        if row["split"] == "train"
    ]
    return sorted(ranked)


def shares(totals: dict[str, int], limit: int) -> dict[str, int]:
    """Return how many bytes each source gives when all together may give `limit`: in proportion to what it has."""
    everything = sum(totals.values())
    if everything <= limit:
        return dict(totals)
    return {name: limit * total // everything for name, total in totals.items()}


def take(ranked: Sequence[Ranked], limit: int) -> dict[str, int]:
    """Return the documents that fill `limit` bytes, in order, with the bytes to take of each: the last one may be cut."""
    chosen: dict[str, int] = {}
    left = limit
    for _, identifier, size in ranked:
        if left <= 0:
            break
        chosen[identifier] = min(size, left)
        left -= size
    return chosen


def cut(text: str, size: int) -> str:
    """Return the longest beginning of a text that has at most `size` bytes."""
    return text.encode("utf-8")[:size].decode("utf-8", "ignore")


def sample_texts(sources: dict[str, list[Artefact]], limit: int, seed: int) -> dict[str, list[str]]:
    """Return the sampled texts of every source, in the order of the hash of their ids."""
    ranked = {name: rank_documents(parts, seed) for name, parts in sources.items()}
    limits = shares({name: sum(entry[2] for entry in entries) for name, entries in ranked.items()}, limit)
    found = {}
    for name, parts in sources.items():
        chosen = take(ranked[name], limits[name])
        place = {identifier: number for number, identifier in enumerate(chosen)}
        texts = [""] * len(chosen)
        for part in parts:
            for row in read_rows(part.path(f"{part.manifest_path.stem}.parquet"), ["id", "text", "split"]):
                if row["id"] in place:
                    texts[place[row["id"]]] = cut(row["text"], chosen[row["id"]])
        found[name] = texts
    return found
