"""The audit as a page that opens from disk, and as a corpus card in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from html import escape
from typing import Any

from scripts.lib import charts

STYLE = """body{margin:0 auto;max-width:1000px;padding:24px 20px;font:16px/1.55 Georgia,serif;color:#1d2433;background:#fbfaf7}
h1{margin:0}h2{border-top:2px solid;padding-top:10px;margin:36px 0 8px;font-size:1.25rem}p{max-width:70ch}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font:14px/1.45 system-ui,sans-serif;background:#fff}
th,td{text-align:left;padding:6px 10px;border-bottom:1px solid #dfe3ea}td.n,th.n{text-align:right;white-space:nowrap}
.legend{font:13px/1.9 system-ui,sans-serif}.legend span{margin-right:14px}
.legend i{display:inline-block;width:11px;height:11px;margin-right:5px}
.bar{display:grid;grid-template-columns:minmax(110px,190px) 1fr;gap:10px;align-items:center;margin:5px 0;font:14px system-ui}
.bar small{display:block;color:#5b6474}.track{display:flex;height:20px;background:#dfe3ea}"""


def table(head: list[str], rows: list[list[Any]]) -> str:
    """Return a table; numbers stand to the right."""
    marks = [' class="n"' if rows and isinstance(rows[0][i], int | float) else "" for i in range(len(head))]
    top = "".join(f"<th{mark}>{escape(name)}</th>" for name, mark in zip(head, marks, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{mark}>{_cell(value)}</td>" for value, mark in zip(row, marks, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{top}</tr>{body}</table></div>'


def _cell(value: Any) -> str:
    return (
        f"{value:,}" if isinstance(value, int) else escape(f"{value:.2f}" if isinstance(value, float) else str(value))
    )


def _shares(counts: Mapping[str, int]) -> str:
    return ", ".join(
        f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def page(numbers: Mapping[str, Any]) -> str:
    """Return the page of an audit."""
    sources, groups = numbers["sources"], numbers["groups"]
    gate = numbers["gate"]
    kept = {
        name: {"kept": one["kept"], "removed": one["documents"] - one["kept"]} for name, one in sorted(sources.items())
    }
    failed: Counter[str] = Counter()
    for one in sources.values():
        failed.update(one["failed"])
    total = sum(one["documents"] for one in sources.values())
    rows = [
        [
            row["group"],
            row["mentions"],
            row["removed"],
            f"{row['removal']['ratio']:.2f} [{row['removal']['low']:.2f}, {row['removal']['high']:.2f}]"
            if row["removal"]
            else "nothing to compare",
        ]
        for row in groups
    ]
    verdicts = [[name, count, 100 * count / max(total, 1)] for name, count in failed.most_common()]
    parts = [
        f"<h1>Audit of corpus {escape(numbers['corpus'])}</h1>",
        f"<p>{total:,} documents came in. What stands here is counted over all of them.</p>",
        "<h2>What stayed</h2>",
        charts.stacked(kept, "documents"),
        "<h2>Whom the filters touch</h2>",
        _touching(gate["max_removal_ratio"], gate["minimum_mentions"]),
        table(["group", "documents that mention it", "of these removed", "removal ratio"], rows),
        "<h2>Every verdict</h2>",
        "<p>Documents that fail a rule, whether or not another rule failed before it.</p>",
        table(["rule", "documents", "%"], verdicts) if verdicts else "<p>This corpus uses no rule.</p>",
        "<h2>What the corpus holds</h2>",
        table(
            ["source", "documents", "characters", "languages (declared)", "decades"],
            [
                [name, one["kept"], one["kept_characters"], _shares(one["languages"]), _shares(one["decades"])]
                for name, one in sorted(sources.items())
            ],
        ),
        "<h2>Lengths of kept documents</h2>",
        charts.stacked(
            {name: _lengths(one["lengths"]) for name, one in sorted(sources.items()) if one["kept"]}, "documents"
        ),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<link rel="icon" href="data:,"><title>Audit of {escape(numbers["corpus"])}</title><style>{STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>"
    )


def _touching(limit: float | None, minimum: int) -> str:
    """Return what the table of groups shows and when it fails the build."""
    gate = (
        "No ratio fails the build."
        if limit is None
        else (
            f"The build fails when a whole interval lies above {limit:g} and at least {minimum} documents mention the group."
        )
    )
    return (
        "<p>A document mentions a group when it holds one of the group's words. The ratio says how many times as often such "
        "documents are removed as all others, with its 95 % interval (Katz et al. 1978). The word list is English; documents "
        f"declared to be in another language are not searched. {gate}</p>"
    )


def _lengths(counts: Mapping[str, int]) -> dict[str, int]:
    """Return documents by order of magnitude of their length in characters."""
    return {f"{10 ** int(power):,} characters and more": counts.get(power, 0) for power in "1234567"}


def card(numbers: Mapping[str, Any]) -> str:
    """Return the corpus card."""
    sources = numbers["sources"]
    lines = [f"# Corpus {numbers['corpus']}", "", "| source | documents | characters | licence |", "|---|---|---|---|"]
    for name, one in sorted(sources.items()):
        lines.append(f"| {name} | {one['kept']:,} | {one['kept_characters']:,} | {_shares(one['licenses'])} |")
    touched = [row for row in numbers["groups"] if row["removal"] and row["removal"]["low"] > 1]
    lines += ["", "## Limits", ""]
    if touched:
        names = ", ".join(f"{row['group']} ({row['removal']['ratio']:.2f} times)" for row in touched)
        lines.append(f"Documents that mention these groups are removed more often than others: {names}.")
    else:
        lines.append("No group of the word list is removed more often than others beyond chance.")
    lines.append("Mentions are found by an English word list; other languages and other words are not seen.")
    return "\n".join(lines) + "\n"
