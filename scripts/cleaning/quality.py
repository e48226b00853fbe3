"""What a corpus makes of the scores of a quality classifier: a smallest score, or a draw that favours good documents.

The scores were computed before, so another threshold reads no text.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from scripts.cleaning.aligned import Aligned
from scripts.lib.seeds import unit_interval
from scripts.lib.step import Step
from scripts.lib.versions import source_ids

log = logging.getLogger(__name__)

COLUMN = "quality"
MINIMUM = "quality.min_score"
SAMPLED = "quality.sampled"


class Scores:
    """The scores of a part, handed out in the order in which its documents come."""

    def __init__(self, path: Path) -> None:
        self._rows = Aligned(path, ["score"])

    def of(self, ids: pa.Array) -> pa.Array:
        """Return the scores of the next documents; raises UserError when the scores are those of others."""
        return self._rows.of(ids)["score"].combine_chunks()


class Judge:
    """Verdicts on the scores of a part: at least a minimum, drawn by the Pareto rule of GPT-3, both or neither."""

    def __init__(self, settings: Mapping[str, Any], scores: Scores) -> None:
        self.minimum: float | None = settings["minimum"]
        self.pareto: float | None = settings["pareto"]
        self.seed: int = 0 if self.pareto is None else settings["seed"]
        self.scores = scores

    @classmethod
    def open(cls, step: Step, manifests: Sequence[Path]) -> Judge | None:
        """Return the judge of a part, or None where the corpus looks at no scores; `manifests` is that of the scores."""
        if "quality" not in step.settings:
            return None
        settings = step.settings["quality"]
        name, (manifest,) = settings["classifier"], manifests
        log.info("Documents are judged by the scores of the classifier %s.", name)
        return cls(settings, Scores(step.read("scores", manifest).path(f"{manifest.stem}.parquet")))

    def described(self) -> dict[str, dict[str, list[Any]]]:
        """Return column, comparison and threshold of each verdict, by its name, as scripts.cleaning.choices does."""
        named = {MINIMUM: (">=", self.minimum), SAMPLED: ("pareto", self.pareto)}
        return {name: {"all": [COLUMN, sign, value]} for name, (sign, value) in named.items() if value is not None}

    def verdicts(self, ids: pa.Array, scores: pa.Array) -> dict[str, pa.Array]:
        """Return for each verdict which documents pass."""
        passed: dict[str, pa.Array] = {}
        if self.minimum is not None:
            passed[MINIMUM] = pc.greater_equal(scores, pa.scalar(float(self.minimum)))
        if self.pareto is not None:
            pairs = zip(source_ids(ids).to_pylist(), scores.to_pylist(), strict=True)
            drawn = [is_drawn(name, score, self.pareto, self.seed) for name, score in pairs]
            passed[SAMPLED] = pa.array(drawn, pa.bool_())
        return passed

    def applied(self, table: pa.Table) -> pa.Table:
        """Return the selection of the next documents with verdicts on their scores, as last reasons, and the scores."""
        scores = self.scores.of(table["id"])
        reason = table["reason"]
        for name, passed in self.verdicts(table["id"], scores).items():
            reason = pc.if_else(pc.and_(pc.is_null(reason), pc.invert(passed)), pa.scalar(name), reason)
            table = table.append_column(name, passed)
        for name, column in (("kept", pc.is_null(reason)), ("reason", reason)):
            table = table.set_column(table.column_names.index(name), name, column)
        return table.append_column(COLUMN, scores)


def is_drawn(identifier: str, score: float, shape: float, seed: int) -> bool:
    """Tell whether a document is drawn; it depends on the seed, the id that its source gives it and the score alone.

    Brown et al. 2020, appendix A, keep a document if np.random.pareto(shape) > 1 - score: its chance is (2 - score)^-shape.
    """
    return unit_interval(seed, "quality sample", identifier) < math.pow(2 - score, -shape)
