"""The audit as a page that opens from disk: no network, no scripts, readable on a phone."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from scripts.audit.bars import bars, intervals, percent, stacked, table
from scripts.audit.card import shares
from scripts.audit.duplicates import duplicates
from scripts.lib.code import data_file

Numbers = Mapping[str, Any]


def page(numbers: Numbers) -> str:
    """Return the page of an audit."""
    parts = [
        _section("What stayed", _what_stayed(numbers)),
        _section("Every verdict", _verdicts(numbers)),
        _section("Whom the filters touch", _groups(numbers)),
        _section("What the corpus holds", _holdings(numbers)),
        _section("Lengths", _lengths(numbers)),
        _section("Duplicates", duplicates(numbers)),
        _section("Evaluation items", _contamination(numbers)),
        _section("Held-out text", _held_out(numbers)),
        _section("Personal data", _personal_data(numbers)),
        _section("Variety", _variety(numbers)),
    ]
    name = escape(numbers["corpus"])
    style = data_file("scripts/audit/page.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>Audit of corpus {name}</title><style>\n{style}</style></head>\n<body><h1>Audit of corpus {name}</h1>\n"
        f"<p>{numbers['total']['before']['documents']:,} documents came in, {numbers['total']['after']['documents']:,} "
        "stayed. Everything is counted over all of them; nothing is estimated unless it says so.</p>\n"
        f"{''.join(parts)}</body></html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>\n{body}</section>\n"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>\n"


def _family(reason: str) -> str:
    return reason.partition(".")[0].replace("_", " ")


def _what_stayed(numbers: Numbers) -> str:
    rows: dict[str, dict[str, int]] = {}
    lines = []
    for name, source in numbers["sources"].items():
        parts = {"kept": source["after"]["documents"]}
        for reason, count in sorted(source["removed"].items()):
            parts[_family(reason)] = parts.get(_family(reason), 0) + count
        rows[name] = parts
        broken, left = sum(source["quarantined"].values()), sum(source["left_out"].values())
        came, stayed = source["before"]["documents"], source["after"]["documents"]
        lines.append([name, source["records"], left, broken, came, stayed, shares(source["removed"])])
    head = ["source", "records read", "left out", "quarantined", "documents", "kept", "removed, by the first reason"]
    told = "Records are left out when they are no documents (a redirect) and quarantined when they are broken."
    return stacked(rows, "documents") + _paragraph(told) + table(head, lines)


def _verdicts(numbers: Numbers) -> str:
    documents, failed = numbers["total"]["before"]["documents"], numbers["total"]["failed"]
    if not failed:
        return _paragraph("This corpus uses no filter.")
    told = "Documents that fail a rule, whether or not another rule failed before it; shares of all documents."
    ordered = sorted(failed.items(), key=lambda item: (-item[1], item[0]))
    head = ["rule", "threshold", "all", *numbers["sources"]]
    lines = [
        [
            name,
            numbers["thresholds"].get(name, "as listed"),
            percent(count, documents),
            *(percent(one["failed"].get(name, 0), one["before"]["documents"]) for one in numbers["sources"].values()),
        ]
        for name, count in ordered
    ]
    return _paragraph(told) + bars(ordered, documents, "documents") + table(head, lines) + _edits(numbers)


def _edits(numbers: Numbers) -> str:
    """Return what edits of lines took from the documents that no rule removed; nothing where no line was edited."""
    if not numbers["total"]["edited_lines"]:
        return ""
    head = ["source", "lines that went, by reason", "characters that went, by reason"]
    sources = [*numbers["sources"].items(), ("all", numbers["total"])]
    lines = [[name, shares(one["edited_lines"]), shares(one["edited_characters"])] for name, one in sources]
    return _paragraph("Lines were edited in documents that pass:") + table(head, lines)


def _groups(numbers: Numbers) -> str:
    limits, rows = numbers["limits"], [row for row in numbers["groups"] if row["mentions"]]
    searched = numbers["total"]["before"]["searched"]
    gate = limits["max_removal_ratio"]
    told = (
        f"A document mentions a group when it holds one of the group's terms; n = {searched:,} documents in English were "
        "searched. The ratio says how many times as often documents that mention a group are removed as those that do not, "
        "with its 95 % interval (normal approximation of its logarithm, Katz et al. 1978). A mention tells nothing of what "
        "is said, and a ratio away from 1 may come from the sources in which a group is spoken of. "
    )
    told += (
        "No ratio fails the build."
        if gate is None
        else f"The build fails when a whole interval lies above {gate:g} and at least {limits['minimum_mentions']} "
        "documents mention the group (the dashed line)."
    )
    if not rows:
        return _paragraph(told) + _paragraph("No searched document mentions a group of the list.")
    drawn = [
        (row["group"], f"{r['ratio']:.2f} [{r['low']:.2f}, {r['high']:.2f}]", r["ratio"], r["low"], r["high"])
        for row in rows
        if (r := row["removal"])
    ]
    head = ["group", "documents (n)", "share before", "share after", "removed", "most by"]
    lines = [
        [
            row["group"],
            row["mentions"],
            f"{100 * row['share_before']:.2f} %",
            f"{100 * row['share_after']:.2f} %",
            row["removed"],
            shares(row["reasons"], 2),
        ]
        for row in rows
    ]
    return _paragraph(told) + (intervals(drawn, gate) if drawn else "") + table(head, lines)


def _holdings(numbers: Numbers) -> str:
    sizes, kinds = [], []
    whole = numbers["total"]["after"]["bytes"]
    for name, source in [*numbers["sources"].items(), ("all", numbers["total"])]:
        kept = source["after"]
        sizes.append([name, kept["documents"], kept["words"], kept["bytes"], percent(kept["bytes"], whole)])
        columns = ("languages_declared", "languages_identified", "licenses", "decades")
        kinds.append([name, *(shares(kept[column]) for column in columns), shares(source["splits"])])
    return (
        table(["source", "documents", "words", "bytes", "share of bytes"], sizes)
        + _paragraph("Documents by what they state, or by what was found:")
        + table(["source", "language declared", "language identified", "licence", "decade of its date", "split"], kinds)
    )


def _lengths(numbers: Numbers) -> str:
    before, after = numbers["total"]["before"], numbers["total"]["after"]
    bins = range(max((int(name) for name in before["lengths"]), default=0) + 1)
    lines = [(_span(size), before["lengths"].get(str(size), 0), after["lengths"].get(str(size), 0)) for size in bins]
    told = "Documents by their number of words before any edit: those that stayed, and below all that came in."
    kept = bars([(name, stayed) for name, _, stayed in lines], after["documents"], "documents kept")
    came = table(
        ["words", "documents that came in", "kept", "share kept"],
        [[name, all_, stayed, percent(stayed, all_)] for name, all_, stayed in lines],
    )
    return _paragraph(told) + kept + came


def _span(size: int) -> str:
    """Return the numbers that have so many binary digits."""
    return f"{2 ** (size - 1):,} to {2**size - 1:,}" if size > 1 else str(size)


def _contamination(numbers: Numbers) -> str:
    if not numbers["contamination"]:
        return _paragraph("This corpus is not searched for items of evaluation sets.")
    lines = [
        [task, *(found[name] for name in ("documents", "cut", "items", "of", "together", "too_short"))]
        for task, found in sorted(numbers["contamination"].items())
    ]
    head = [
        "task",
        "documents that hold its items",
        "of these only cut",
        "items found",
        "of",
        "items that count only several together",
        "texts too short to look for",
    ]
    return table(head, lines)


def _held_out(numbers: Numbers) -> str:
    if not numbers["held_out"]:
        return _paragraph("This corpus keeps no documents from training.")
    lines = [
        [
            row["split"],
            row["source"],
            row["documents"],
            percent(row["sharing"], row["documents"]),
            row["touched"],
            percent(row["covered"], row["words"]),
        ]
        for row in numbers["held_out"]
    ]
    told = "Held-out documents that share a run of words with a training document, and their words in such runs."
    head = ["split", "source", "documents", "share a run", "training documents that hold one", "words in shared runs"]
    return _paragraph(told) + table(head, lines)


def _personal_data(numbers: Numbers) -> str:
    kinds = sorted(numbers["total"]["pii"])
    if not kinds:
        return _paragraph("No kind of personal data is replaced in this corpus.")
    sources = [*numbers["sources"].items(), ("all", numbers["total"])]
    lines = [[name, *(source["pii"].get(kind, 0) for kind in kinds)] for name, source in sources]
    return _paragraph("Replacements by placeholders, by kind:") + table(["source", *kinds], lines)


def _variety(numbers: Numbers) -> str:
    found = numbers["diversity"]
    told = (
        f"The bytes spread over sources with an entropy of {found['source_entropy_bits']:.2f} bits, as if over "
        f"{found['effective_sources']:.2f} sources of equal size. The ratio of types to tokens is taken over the first "
        "words of the documents with the smallest hashes, at most 1,000 of each and 50,000 in all; it can be compared only "
        "where the number of words is the same."
    )
    lines = [
        [name, *_type_token(source["type_token"]), f"{100 * source['largest_share']:.1f} %"]
        for name, source in [*numbers["sources"].items(), ("all", numbers["total"])]
    ]
    return _paragraph(told) + table(
        ["source", "words", "types", "types per word", "10 largest documents' share of bytes"], lines
    )


def _type_token(found: Numbers) -> list[Any]:
    return [found["words"], found["types"], f"{found['ratio']:.3f}"]
