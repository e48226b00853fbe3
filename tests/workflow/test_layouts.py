"""A layout that does not suit a model is refused before the first job of a run that would train it, and of no other run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.registry.good_config import GOOD
from tests.workflow.conftest import lay_out, tiny_config
from tests.workflow.harness import arguments_of, environment


@pytest.mark.parametrize(
    ("resources", "sentence"),
    [
        (
            ["processes=3", "tensor_parallel=3"],
            "--tensor: 3 does not divide architecture.key_value_heads of tiny, 4; choose a divisor.",
        ),
        (
            ["processes=3"],
            "training.global_batch: 8 sequences cannot be shared by 3 processes; choose a number of processes that divides it",
        ),
        (
            ["zero_stage=3", "compile=1"],
            "--compile: only layers that a rank holds whole, for all tokens of a sequence, are compiled; use --zero-stage 0 to 2 "
            "without --tensor, --pipeline and --sequence, or --compile 0.",
        ),
    ],
)
def test_a_layout_that_does_not_suit_is_refused_before_any_job(
    resources: list[str], sentence: str, tmp_path: Path
) -> None:
    made = lay_out(tmp_path, {**tiny_config(), "tokenizers": GOOD["tokenizers"], "models": GOOD["models"]})
    command = [
        *("snakemake", "--cores", "1", *arguments_of(made.project, made.workdir)),
        *("--set-resources", *(f"pretrain:{resource}" for resource in resources)),
    ]

    def typed(*targets: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "--", *targets], capture_output=True, text=True, env=environment(), check=False
        )

    refused = typed()
    said = refused.stderr.strip().splitlines()
    assert refused.returncode == 1
    assert said[-1] == f"error: the resources of pretrain do not suit tiny: {sentence}"
    assert not [line for line in said if "Traceback" in line]
    assert not (made.workdir / "results").exists()
    other = "results/sources/modules/raw/0000.json"
    assert typed(other).returncode == 0
    assert (made.workdir / other).is_file()
