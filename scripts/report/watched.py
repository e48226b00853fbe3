"""Charts of what depends on the machine that trained a model: its speed, use and memory; and of the size of updates.

They are drawn from the event files beside the checkpoints, for as long as these are there, and are no part of a result.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from scripts.lib.events import read_events
from scripts.lib.manifest import Artefact, provenance_path
from scripts.lib.step import recipe_digest
from scripts.report import charts
from scripts.report.sections import Row, curve

SHOWN = {
    "tokens_per_second": ("Speed of training", "tokens a second"),
    "mfu": ("Model FLOPs utilisation", "share of the peak of all devices"),
    "peak_bytes": ("Most memory of tensors on a device", "bytes"),
    "peak_resident_bytes": ("Most memory of a process", "bytes"),
    "update_to_weight": ("Norm of the update over that of the weights before it", "ratio"),
}


def watched_rows(models: Sequence[Artefact], checkpoints: Path) -> list[Row]:
    """Return a row per model and chart: the model, a title, the unit, at how many steps it was noted, and the chart."""
    rows = []
    for model in models:
        name, made = model.manifest_path.parent.name, provenance_path(model.manifest_path)
        if not made.is_file():
            continue
        events = read_events(checkpoints / recipe_digest(json.loads(made.read_text("utf-8"))), SHOWN)
        for tag, (title, unit) in SHOWN.items():
            noted = [
                {"step": step, tag: values[tag]}
                for step, values in events.items()
                if math.isfinite(values.get(tag, math.nan))
            ]
            if noted:
                chart = Markup(charts.lines({name: curve(noted, tag)}, "step", unit))
                rows.append({"model": name, "title": title, "unit": unit, "steps": len(noted), "chart": chart})
    return rows
