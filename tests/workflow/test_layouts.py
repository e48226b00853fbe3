"""A layout that does not suit a model is refused before the first job of a run that would train it, and of no other run."""

from __future__ import annotations

import copy
import re
import subprocess
from pathlib import Path

import pytest

from scripts.lib.canonical import canonical_json
from scripts.lib.errors import UserError
from scripts.registry.config import complete_config
from scripts.registry.layouts import check_layout
from tests.unit.registry.good_config import GOOD
from tests.workflow.conftest import lay_out, tiny_config
from tests.workflow.harness import arguments_of, environment

SENTENCE = (
    "the resources of pretrain do not suit tiny: --tensor: 3 does not divide architecture.key_value_heads of tiny, 4; "
    "choose a divisor."
)
RESOURCES = {
    **{"processes": 2, "tensor_parallel": 1, "pipeline_parallel": 1, "sequence_parallel": 1},
    **{"zero_stage": 0, "offload": 0, "compile": 0, "micro_batch_tokens": 16384},
}


def test_a_layout_that_does_not_suit_is_refused_before_any_job(tmp_path: Path) -> None:
    made = lay_out(tmp_path, {**tiny_config(), "tokenizers": GOOD["tokenizers"], "models": GOOD["models"]})
    command = [
        *("snakemake", "--cores", "1", *arguments_of(made.project, made.workdir)),
        *("--set-resources", "pretrain:processes=3", "pretrain:tensor_parallel=3"),
    ]

    def typed(*targets: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "--", *targets], capture_output=True, text=True, env=environment(), check=False
        )

    refused = typed()
    said = refused.stderr.strip().splitlines()
    assert refused.returncode == 1
    assert said[-1] == f"error: {SENTENCE}"
    assert not [line for line in said if "Traceback" in line]
    assert not (made.workdir / "results").exists()
    other = "results/sources/modules/raw/0000.json"
    assert typed(other).returncode == 0
    assert (made.workdir / other).is_file()


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"processes": 3, "tensor_parallel": 3}, SENTENCE),
        ({"processes": 3}, "training.global_batch: 8 sequences cannot be shared by 3 processes; choose a number"),
        ({"zero_stage": 3, "compile": 1}, "--compile: only layers that a rank holds whole"),
        ({"offload": 1}, "--offload: what DeepSpeed moves to the host is ZeRO's share"),
        ({"pipeline_parallel": 2, "zero_stage": 0}, "--pipeline"),
    ],
)
def test_every_resource_of_a_layout_is_looked_at(chosen: dict[str, int], sentence: str, tmp_path: Path) -> None:
    for name in ("a.txt", "dev.jsonl"):
        (tmp_path / name).touch()
    config = complete_config(copy.deepcopy(GOOD), tmp_path)
    settings = canonical_json({"model": "tiny", "seed": 1, **config["models"]["tiny"]})
    check_layout("pretrain", settings, RESOURCES)
    with pytest.raises(UserError, match=re.escape(sentence)):
        check_layout("pretrain", settings, RESOURCES | chosen)
