"""How often the filters of a corpus remove documents that mention a group, and the limits that fail the build."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from scripts.audit.groups import identity_terms, removal_ratio
from scripts.audit.tally import Tally
from scripts.lib.errors import UserError

DECISIONS = {
    "language": "filters.languages",
    "quality.min_score": "filters.quality.minimum",
    "quality.sampled": "filters.quality.pareto",
    "id_duplicate": "sources (documents of one id)",
    "exact_duplicate": "deduplicate.exact",
    "near_duplicate": "deduplicate.near",
    "paragraph_duplicate": "deduplicate.paragraphs",
    "contaminated": "decontaminate",
    "nothing_left": "filters.line_edits",
}  # the settings of a corpus behind reasons that are no rule of a filter family


def group_rows(total: Tally) -> list[dict[str, Any]]:
    """Return for every group how many of the searched documents mention it, before and after, and its removal ratio."""
    searched, left = total.before.searched, total.after.searched
    rows = []
    for name in identity_terms():
        mentions, kept = total.before.mentions[name], total.after.mentions[name]
        removed = mentions - kept
        ratio = removal_ratio(removed, mentions, searched - left - removed, searched - mentions)
        reasons = total.group_reasons.get(name, Counter())
        rows.append(
            {
                "group": name,
                "searched": searched,
                "mentions": mentions,
                "removed": removed,
                "kept": kept,
                "share_before": round(mentions / max(searched, 1), 4),
                "share_after": round(kept / max(left, 1), 4),
                "reasons": dict(sorted(reasons.items())),
                "removal": {key: round(value, 4) for key, value in asdict(ratio).items()} if ratio else None,
            }
        )
    return rows


def remedy(corpus: str, reasons: Mapping[str, int]) -> str:
    """Return the key of the setting behind the most frequent reason, the first by name among equals."""
    reason = min(reasons, key=lambda name: (-reasons[name], name))
    return f"corpora.{corpus}.{DECISIONS.get(reason, f'filters.thresholds.{reason}')}"


def check_gates(corpus: str, rows: Sequence[Mapping[str, Any]], kept: int, limits: Mapping[str, Any]) -> None:
    """Raise UserError when a corpus keeps too little, and for the first group that it removes too often."""
    if kept < limits["minimum_documents"]:
        raise UserError(
            f"Corpus {corpus} keeps {kept} documents, fewer than corpora.{corpus}.audit.minimum_documents "
            f"({limits['minimum_documents']}); loosen corpora.{corpus}.filters, add sources, or lower the limit."
        )
    limit = limits["max_removal_ratio"]
    for row in rows:
        removal = row["removal"]
        if limit is None or removal is None or row["mentions"] < limits["minimum_mentions"] or removal["low"] <= limit:
            continue
        raise UserError(
            f"Corpus {corpus}: of {row['mentions']} documents that mention the group {row['group']}, {row['removed']} are "
            f"removed, {removal['ratio']:.2f} times as often as others (95 % interval {removal['low']:.2f} to "
            f"{removal['high']:.2f}); loosen {remedy(corpus, row['reasons'])}, which removes most of them, or raise "
            f"corpora.{corpus}.audit.max_removal_ratio ({limit:g})."
        )


def check_overlap(corpus: str, rows: Sequence[Mapping[str, Any]], limit: float | None) -> None:
    """Raise UserError for the first split of which too many words stand in training documents; `limit` None allows all."""
    for split in sorted({row["split"] for row in rows}):
        words, covered = (sum(row[name] for row in rows if row["split"] == split) for name in ("words", "covered"))
        if limit is not None and words and covered / words > limit:
            raise UserError(
                f"Corpus {corpus}: {covered:,} of {words:,} words of its {split} documents stand in training documents too, "
                f"more than corpora.{corpus}.audit.max_overlap ({limit:g}); see overlap.parquet, remove more duplicates "
                f"(corpora.{corpus}.deduplicate), or raise the limit."
            )
