"""What the report shows, as plain rows for its template."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from scripts.lib.manifest import Artefact
from scripts.report import charts

Row = dict[str, Any]
SMOOTHING = 20  # points that a loss curve has at least, whatever the number of steps
POINTS = 120
SHOWN_SAMPLES = 4  # of those that a model wrote while it was trained


def _merged(artefacts: Sequence[Artefact]) -> Row:
    """Return the sum of the accounts of some parts."""
    total: Row = {"in": 0, "kept": 0, "removed": Counter(), "quarantined": Counter()}
    for artefact in artefacts:
        account = artefact.manifest["accounting"]
        total["in"] += account["in"]
        total["kept"] += account["kept"]
        total["removed"].update(account["removed"])
        total["quarantined"].update(account["quarantined"])
    return total


def _grouped(artefacts: Sequence[Artefact], depth: int) -> dict[str, list[Artefact]]:
    """Group artefacts by the name of the folder `depth` above their manifests, sorted by name."""
    groups: dict[str, list[Artefact]] = {}
    for artefact in artefacts:
        groups.setdefault(artefact.manifest_path.parents[depth].name, []).append(artefact)
    return dict(sorted(groups.items()))


def source_rows(documents: Sequence[Artefact], origins: Mapping[str, str]) -> list[Row]:
    """Return a row per source: origin, records read, documents, what was left out."""
    rows = []
    for name, parts in _grouped(documents, 1).items():
        account = _merged(parts)
        size = sum(
            entry["bytes"] for part in parts for entry in part.manifest["files"] if entry["name"].endswith("parquet")
        )
        out = account["removed"] + account["quarantined"]
        rows.append({"name": name, "origin": origins[name], "bytes": size, "out": sorted(out.items()), **account})
    return rows


def corpus_sections(artefacts: Mapping[str, Sequence[Artefact]], corpora: Mapping[str, Sequence[str]]) -> list[Row]:
    """Return a section per corpus: waterfall by source, reasons, splits, personal data, duplicates, contamination."""
    sections = []
    curated = _grouped(artefacts["curated"], 2)
    for name, sources in corpora.items():
        parts = _grouped(curated[name], 0)
        accounts = {source: _merged(parts[source]) for source in sources}
        splits: Counter[str] = Counter()
        pii: Counter[str] = Counter()
        for part in curated[name]:
            splits.update(part.summary["splits"])
            pii.update(part.summary["pii"])
        duplicates = next(a for a in artefacts["duplicates"] if a.manifest_path.parent.name == name)
        contamination = next(a for a in artefacts["contamination"] if a.manifest_path.parent.name == name)
        audit = next(a for a in artefacts["audits"] if a.manifest_path.parent.name == name)
        families = {source: _by_family(account) for source, account in accounts.items()}
        reasons: Counter[str] = Counter()
        for account in accounts.values():
            reasons.update(account["removed"])
        sections.append(
            {
                "name": name,
                "waterfall": Markup(charts.stacked(families, "documents")),
                "reasons": reasons.most_common(),
                "documents": sum(account["in"] for account in accounts.values()),
                "kept": sum(account["kept"] for account in accounts.values()),
                "splits": sorted(splits.items()),
                "pii": sorted(pii.items()),
                "clusters": list(duplicates.summary["cluster_sizes"].items()),
                "contamination": sorted(contamination.summary.items()),
                "groups": [row for row in audit.summary["groups"] if row["mentions"]],
            }
        )
    return sections


def _by_family(account: Row) -> dict[str, int]:
    """Return kept and removed documents, removals by filter family."""
    found = Counter({"kept": account["kept"]})
    for reason, count in sorted(account["removed"].items()):
        found[reason.partition(".")[0].replace("_", " ")] += count
    return dict(found)


def classifier_rows(classifiers: Sequence[Artefact]) -> list[Row]:
    """Return a row per classifier of quality: what it learned from, and how well it tells documents that it has not seen."""
    rows = []
    for one in classifiers:
        sets = {role: sorted(sources.items()) for role, sources in one.summary["examples"].items()}
        tested = sum(uses["test"] for sources in sets.values() for _, uses in sources)
        rows.append({"name": one.manifest_path.parent.name, "sets": sets, "tested": tested, **one.summary})
    return rows


def task_rows(tasks: Sequence[Artefact]) -> list[Row]:
    """Return a row per task: items by split and what was left out."""
    return [
        {
            "name": task.manifest_path.parent.name,
            "splits": sorted(task.summary["splits"].items()),
            **_merged([task]),
        }
        for task in tasks
    ]


def tokenizer_rows(tokenizers: Sequence[Artefact]) -> list[Row]:
    """Return a row per tokenizer: its size, and what a token holds in each source."""
    return [{"name": one.manifest_path.stem, **one.summary} for one in tokenizers]


def comparison_sections(comparisons: Sequence[Artefact]) -> list[Row]:
    """Return a section per corpus: its tokenizers beside one another on held-out documents, and charts of what tokens hold."""
    sections = []
    for one in comparisons:
        tokenizers: Row = one.summary["tokenizers"]
        whole = next(iter(tokenizers.values()))
        groups = {}
        for kind in ("sources", "languages"):
            names = list(whole[kind])
            if kind == "sources" or len(names) > 1:
                groups[kind] = {
                    name: {tokenizer: values[kind][name] for tokenizer, values in tokenizers.items()} for name in names
                }
        bytes_per_token = {
            (name if kind == "sources" else f"{name} (language)"): {
                tokenizer: values["bytes_per_token"] for tokenizer, values in row.items()
            }
            for kind, found in groups.items()
            for name, row in found.items()
        }
        sections.append(
            {
                **one.summary,
                "all": whole["all"],
                "rows": list(tokenizers.items()),
                "groups": groups,
                "chart": Markup(charts.dots(bytes_per_token, "bytes per token")),
            }
        )
    return sections


def model_sections(artefacts: Mapping[str, Sequence[Artefact]]) -> list[Row]:
    """Return a section per model: plan, curves, scores and samples."""
    plans = {plan.manifest_path.parent.name: plan.summary for plan in artefacts["plans"]}
    scores = {score.manifest_path.parent.name: score.summary for score in artefacts["scores"]}
    sections = []
    for model in artefacts["models"]:
        name = model.manifest_path.parent.name
        rows = [json.loads(line) for line in model.path("metrics.jsonl").read_text("utf-8").splitlines()]
        validations = [row["validation"] for row in rows if "validation" in row]
        unit = validation_unit(validations[0])
        loss_unit = "nats per masked token" if model.summary["objective"] == "masked" else "nats per token"
        samples = json.loads(model.path("samples.json").read_text("utf-8"))
        sections.append(
            {
                "name": name,
                "summary": model.summary,
                "plan": plans[name],
                "loss": Markup(charts.lines({"training": curve(rows)}, "step", f"loss ({loss_unit})")),
                "loss_unit": loss_unit,
                "norm": Markup(charts.lines({"before clipping": curve(rows, "grad_norm")}, "step", "gradient norm")),
                "rate": Markup(charts.lines({"of matrices": curve(rows, "lr")}, "step", "learning rate")),
                "validation": Markup(charts.lines(validation_curves(rows), "step", f"validation ({unit})")),
                "validation_unit": unit,
                "validation_tokens": sum(values["tokens"] for values in validations[0].values()),
                "scores": scores[name],
                "ranges": Markup(score_ranges(scores[name])),
                "samples": first_samples(samples),
                "writing": writing(rows),
            }
        )
    return sections


def writing(rows: Sequence[Row]) -> list[Row]:
    """Return step, prompt and text of at most four samples that a model wrote while it was trained, the last one among them."""
    written = [{"step": row["step"], **row["sample"]} for row in rows if "sample" in row and "averaged" not in row]
    chosen = {round((number + 1) * len(written) / SHOWN_SAMPLES) - 1 for number in range(SHOWN_SAMPLES)}
    return [sample for number, sample in enumerate(written) if number in chosen]


def first_samples(samples: Sequence[Row]) -> list[Row]:
    """Return the first sample with text of each source."""
    found: dict[str | None, Row] = {}
    for sample in samples:
        if sample["text"].strip():
            found.setdefault(sample["source"], sample)
    return list(found.values())


def curve(rows: Sequence[Row], key: str = "loss") -> list[tuple[float, float]]:
    """Return a number of every update by step, averaged over runs of steps so that at most about 120 points are drawn."""
    values = [(float(row["step"]), float(row[key])) for row in rows if key in row]
    size = max(1, len(values) // POINTS)
    return [
        (
            values[min(start + size, len(values)) - 1][0],
            sum(y for _, y in values[start : start + size]) / len(values[start : start + size]),
        )
        for start in range(0, len(values), size)
    ]


def validation_unit(validation: Mapping[str, Row]) -> str:
    """Return what the validation curves show."""
    causal = any("bits_per_byte" in values for values in validation.values())
    return "bits per byte" if causal else "nats per masked token"


def validation_curves(rows: Sequence[Row]) -> dict[str, list[tuple[float, float]]]:
    """Return the validation of every source by step: bits per byte where there are any, else the loss."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        for source, values in row.get("validation", {}).items():
            value = values.get("bits_per_byte", values["loss"])
            curves.setdefault(source, []).append((float(row["step"]), float(value)))
    return curves


def score_ranges(scores: Mapping[str, Any]) -> str:
    """Return the chart of a model's scores on held-out documents."""
    named = {"all sources": scores["all"], **scores["sources"]}
    rows = {
        f"{name} (n = {one['documents']})": (one["score"], one["low"], one["high"], one["unigram"])
        for name, one in named.items()
    }
    return charts.ranges(rows, scores["all"]["unit"])
