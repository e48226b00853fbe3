"""What the report shows of tasks: scores without training on them, and fine-tunings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from scripts.lib.manifest import Artefact
from scripts.report import charts
from scripts.report.sections import curve

Row = dict[str, Any]
Artefacts = Mapping[str, Sequence[Artefact]]
Bar = tuple[float, float, float, float]


def _bars(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Bar]:
    """Return score, interval and chance level of every measure that has one, by a label."""
    return {
        f"{one['task']}{'' if measure['name'] == 'accuracy' else ': ' + measure['name']} (n = {measure['n']})": (
            measure["score"],
            measure["low"],
            measure["high"],
            measure["chance"],
        )
        for one in summaries
        for measure in one["measures"]
        if measure["chance"] is not None
    }


def _chart(bars: dict[str, Bar]) -> Markup | None:
    return Markup(charts.ranges(bars, "percent (ICAT: points)", "chance", "95 % interval over items")) if bars else None


def zero_shot_sections(scores: Sequence[Artefact]) -> list[Row]:
    """Return a section per model: a chart of its scores beside chance, the items it is of, and all measures."""
    by_model: dict[str, list[Mapping[str, Any]]] = {}
    for score in scores:
        by_model.setdefault(score.summary["model"], []).append(score.summary)
    return [
        {
            "model": model,
            "chart": _chart(_bars(summaries)),
            "items": sum(one["items"] for one in summaries if _bars([one])),
            "measures": [
                {"task": one["task"], "split": one["split"], **measure}
                for one in summaries
                for measure in one["measures"]
            ],
        }
        for model, summaries in by_model.items()
    ]


def group_tables(scores: Sequence[Artefact]) -> list[Row]:
    """Return a table per task whose items come in groups: a row per group, a column per model."""
    tables: dict[str, Row] = {}
    for score in scores:
        one = score.summary
        if one["groups"]:
            table = tables.setdefault(
                one["task"], {"task": one["task"], "items": one["items"], "models": [], "rows": {}}
            )
            table["models"].append(one["model"])
            for name, group in one["groups"].items():
                table["rows"].setdefault(name, []).append(group)
    return list(tables.values())


def finetuning_sections(artefacts: Artefacts) -> list[Row]:
    """Return a section per fine-tuned model: losses before and after, their curves, and scores beside baselines."""
    sections = []
    for model in artefacts["finetuned"]:
        one = model.summary
        rows = [json.loads(line) for line in model.path("metrics.jsonl").read_text("utf-8").splitlines()]
        scores = [
            score.summary
            for score in artefacts["finetuned_scores"]
            if (score.summary["model"], score.summary["finetuning"]) == (one["model"], one["finetuning"])
        ]
        sections.append(
            {
                "summary": one,
                "dev": sorted(one["dev"].items()),
                "items": sum(row["items"] for row in one["dev"].values()),
                "curves": Markup(charts.lines(dev_curves(rows), "step", "dev loss (nats per answer token)")),
                "loss": Markup(charts.lines({"training": curve(rows)}, "step", "loss (nats, mean over items)")),
                "measures": [
                    {"task": score["task"], "split": score["split"], **measure}
                    for score in scores
                    for measure in score["measures"]
                ],
                "examples": [
                    {"task": score["task"], **example} for score in scores for example in score.get("examples", [])
                ],
            }
        )
    return sections


def dev_curves(rows: Sequence[Row]) -> dict[str, list[tuple[float, float]]]:
    """Return the dev loss of every task by step."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        for task, values in row.get("dev", {}).items():
            curves.setdefault(task, []).append((float(row["step"]), float(values["loss"])))
    return curves
