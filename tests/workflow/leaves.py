"""The hand-written table: which rules a leaf of the configuration belongs to.

For each leaf (names replaced by `*`) stand another valid value and the rules whose jobs have the leaf among their settings or
whose set of inputs it changes. `FOLLOWS` says which rules read what a rule makes: they run in its wake.
"""

from __future__ import annotations

from typing import Any

FOLLOWS: dict[str, set[str]] = {
    "fetch": {"extract"},
    "extract": {"annotate", "signatures", "decontaminate", "curate"},
    "annotate": {"select"},
    "signatures": {"deduplicate"},
    "select": {"deduplicate", "decontaminate", "curate"},
    "deduplicate": {"curate"},
    "decontaminate": {"curate"},
    "curate": {"tokenizer", "shard"},
    "tokenizer": {"shard", "plan", "pretrain"},
    "shard": {"order", "plan", "pretrain"},
    "order": {"plan", "pretrain"},
    "plan": {"pretrain"},
    "pretrain": set(),
}

OTHER_PACKAGE = {"registry": "pip", "name": "other", "version": "1.0", "form": "wheel"}

LEAVES: dict[str, tuple[Any, set[str]]] = {
    "seed": (7, {"signatures", "curate", "tokenizer", "plan", "pretrain"}),
    "signatures.shingle": (7, {"signatures"}),
    "signatures.permutations": (256, {"signatures"}),
    "sources.*.kind": ("text", {"extract"}),
    "sources.*.origin": ("elsewhere", set()),
    "sources.*.language": ("de", {"extract"}),
    "sources.*.license": ("CC0-1.0", {"extract"}),
    "sources.*.parts": (2, set(FOLLOWS)),
    "sources.*.package.registry": ("debian", {"fetch"}),
    "sources.*.package.name": ("other", {"fetch"}),
    "sources.*.package.version": ("9.9", {"fetch"}),
    "sources.*.package.form": ("sdist", {"fetch"}),
    "sources.*.files": ([{"path": "*.a", "sha256": None}, {"path": "*.b", "sha256": None}], {"fetch"}),
    "sources.*.options": ({}, set()),
    "sources.*.max_quarantined": (0.5, {"extract"}),
    "corpora.*.sources": ("reversed", {"deduplicate"}),
    "corpora.*.filters.families": (["length", "c4"], {"select"}),
    "corpora.*.filters.thresholds": ({"gopher_quality.min_words": 40}, {"select"}),
    "corpora.*.filters.languages": (["de"], {"select"}),
    "corpora.*.deduplicate.exact": (False, {"deduplicate"}),
    "corpora.*.deduplicate.near.bands": (8, {"deduplicate"}),
    "corpora.*.deduplicate.near.rows": (4, {"deduplicate"}),
    "corpora.*.deduplicate.near.similarity": (0.8, {"deduplicate"}),
    "corpora.*.decontaminate.tasks": ("other task", {"decontaminate"}),
    "corpora.*.decontaminate.ngram": (9, {"decontaminate"}),
    "corpora.*.decontaminate.minimum_words": (9, {"decontaminate"}),
    "corpora.*.pii": (["email"], {"curate"}),
    "corpora.*.split.validation": (0.07, {"curate"}),
    "corpora.*.split.test": (0.01, {"curate"}),
}


def closure(rules: set[str]) -> set[str]:
    """Return the rules and all that run in their wake."""
    found: set[str] = set()
    queue = list(rules)
    while queue:
        rule = queue.pop()
        if rule not in found:
            found.add(rule)
            queue.extend(FOLLOWS[rule])
    return found
