"""Build the report from the manifests of a run: one self-contained page.

    python -m scripts.report.build --manifest results/report.json --documents results/sources/books/documents/0000.json \\
        --curated results/corpora/main/documents/books/0000.json --settings '{"origins": {"books": "Project Gutenberg"},
        "corpora": {"main": ["books"]}, "versions": ["torch==2.13.0"], "acceptances": []}'

Timings of jobs, and what was noted of trainings, stand in one marked block; `canonical` in the manifest is the digest without it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from scripts.lib.canonical import sha256_text
from scripts.lib.code import data_file
from scripts.lib.manifest import Artefact
from scripts.lib.step import Step, run_step, step_parser
from scripts.report import charts
from scripts.report.evaluations import finetuning_sections, group_tables, zero_shot_sections
from scripts.report.sections import (
    classifier_rows,
    comparison_sections,
    corpus_sections,
    model_sections,
    source_rows,
    task_rows,
    tokenizer_rows,
)
from scripts.report.watched import watched_rows

MODULE = "scripts.report.build"
TIMINGS = re.compile(r"<!-- timings -->.*<!-- end of timings -->", re.S)
ROLES = (
    "documents",
    "curated",
    "duplicates",
    "contamination",
    "audits",
    "classifiers",
    "tasks",
    "tokenizers",
    "comparisons",
    "plans",
    "models",
    "scores",
    "zero_shot",
    "finetuned",
    "finetuned_scores",
)


def timings(folder: Path) -> list[dict[str, Any]]:
    """Return jobs, seconds and peak memory of every rule, from the files that Snakemake's benchmarks leave; longest first."""
    rows = []
    for rule in sorted(folder.iterdir()) if folder.is_dir() else []:
        files = sorted(rule.rglob("*.tsv"))
        if files:
            table = pd.concat([pd.read_csv(file, sep="\t", na_values="-") for file in files])
            rows.append(
                {
                    "rule": rule.name,
                    "jobs": len(files),
                    "seconds": float(table["s"].sum()),
                    "memory": float(table["max_rss"].fillna(0).max()),
                }
            )
    return sorted(rows, key=lambda row: -float(row["seconds"]))


def drawing_of_rules() -> Markup:
    """Return the picture of the rules as SVG that fits into a page."""
    text = data_file("docs/rulegraph.svg").read_text("utf-8")
    return Markup(re.sub(r'<svg width="[^"]*" height="[^"]*"', "<svg", text[text.index("<svg") :]))


def build(step: Step, args: argparse.Namespace) -> None:
    """Publish the page."""
    artefacts: dict[str, list[Artefact]] = {
        role: [step.read(role, path) for path in getattr(args, role)] for role in ROLES
    }
    settings = step.settings
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(data_file("report/page.html.j2").read_text("utf-8"))
    page = template.render(
        sources=source_rows(artefacts["documents"], settings["origins"]),
        corpora=corpus_sections(artefacts, settings["corpora"]),
        classifiers=classifier_rows(artefacts["classifiers"]),
        tasks=task_rows(artefacts["tasks"]),
        tokenizers=tokenizer_rows(artefacts["tokenizers"]),
        comparisons=comparison_sections(artefacts["comparisons"]),
        models=model_sections(artefacts),
        zero_shot=zero_shot_sections(artefacts["zero_shot"]),
        groups=group_tables(artefacts["zero_shot"]),
        finetunings=finetuning_sections(artefacts),
        rules=drawing_of_rules(),
        timings=timings(args.benchmarks) if args.benchmarks else [],
        watched=watched_rows(artefacts["models"], args.checkpoints) if args.checkpoints else [],
        versions=settings["versions"],
        acceptances=settings["acceptances"],
        short=charts.short,
    )
    with step.publish(records=False) as out:
        out.file("report.html").write_text(page, encoding="utf-8")
        out.canonical["report.html"] = sha256_text(TIMINGS.sub("", page))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = step_parser(__doc__)
    for role in ROLES:
        parser.add_argument(f"--{role}", type=Path, nargs="*", default=[], help=f"manifests of {role}")
    parser.add_argument("--benchmarks", type=Path, help="folder of Snakemake's benchmark files")
    parser.add_argument(
        "--checkpoints", type=Path, help="folder of the state of trainings, whose event files are shown"
    )
    return run_step(MODULE, parser, build, argv)


if __name__ == "__main__":
    raise SystemExit(main())
