"""What is told of a run while it trains, without any effect on it: samples and the use that is made of the devices."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scripts.pretraining import forecast
from scripts.pretraining.export import TEXTS
from scripts.pretraining.grid import Grid
from scripts.pretraining.job import Upkeep
from scripts.pretraining.memory import memory
from scripts.pretraining.metrics import Metrics
from scripts.pretraining.presence import Presence
from scripts.pretraining.recipe import Recipe
from scripts.pretraining.size import flops_per_token
from scripts.pretraining.trainer import Trainer
from scripts.report.sections import writing
from tests.unit.pretraining import tiny
from tests.unit.pretraining.rank import losses, make_job, run


def test_samples_are_written_at_validations_and_change_nothing(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path
) -> None:
    found = {}
    for every in (2, 1000):
        job = make_job(inputs, family="gpt2", steps=6, dropout=0.2, evaluate_every=every)
        found[every] = run(job, tmp_path / str(every), device)
    weights, rows = found[2]
    once, seldom = found[1000]
    assert not [name for name in weights if not torch.equal(weights[name], once[name])]
    assert losses(rows) == losses(seldom)
    samples = [(row["step"], row["sample"]) for row in rows if "sample" in row]
    assert [step for step, _ in samples] == [2, 4, 6]
    assert samples[-1] == next((row["step"], row["sample"]) for row in seldom if "sample" in row)
    assert len({sample["prompt"] for _, sample in samples}) == 1 and samples[0][1]["prompt"]
    assert len({sample["text"] for _, sample in samples}) > 1, "it has to have learned something"
    shown = writing(rows)
    assert [one["step"] for one in shown] == [2, 4, 6] and shown[-1]["text"] == samples[-1][1]["text"]


class Told(Presence):
    """Keeps all that it notes, with the numbers."""

    def __init__(self) -> None:
        super().__init__(0)
        self.notes: list[tuple[int, str]] = []

    def go_on(self, words: str) -> None:
        super().go_on(words)
        self.notes.append((self._number, words))


def test_what_takes_long_at_the_end_is_noted_part_by_part(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path
) -> None:
    """Else an export that is slow would be ended as one that hangs. While the first rank writes it is the one that is behind."""
    told = Told()
    assert Trainer(make_job(inputs, family="gpt2", steps=5), tmp_path, device, told).run()
    words = [what for _, what in told.notes]
    first = words.index("step 4: validation of books")
    assert words[first : first + 3] == [
        *(f"step 4: validation of {source}" for source in tiny.SOURCES),
        "step 4: a sample",
    ]
    number, _ = told.notes[words.index("writing the result")]
    written = [what for at, what in told.notes if at == number]
    assert len(written) == 4 + TEXTS * (1 + len(tiny.SOURCES)) == len(set(written))
    assert told.notes[-1] == (number + 1, "waiting for the result")


def test_a_masked_model_writes_nothing(inputs: tiny.Inputs, device: torch.device, tmp_path: Path) -> None:
    _, rows = run(make_job(inputs, family="bert", steps=6), tmp_path, device)
    assert "validation" in rows[-1] and not [row for row in rows if "sample" in row]


def test_of_many_samples_four_are_shown_and_the_last_one_is_among_them() -> None:
    rows = [{"step": step, "sample": {"prompt": "a", "text": "b"}} for step in range(1, 11)]
    averaged = {"step": 10, "averaged": "ema", "sample": {"prompt": "a", "text": "c"}}
    assert [one["step"] for one in writing([*rows, averaged])] == [2, 5, 8, 10]


@pytest.mark.parametrize("known", [0.0, 1e9])
def test_the_use_of_devices_is_told_where_their_peak_is_known(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: float
) -> None:
    noted: list[Mapping[str, float]] = []
    monkeypatch.setattr(Metrics, "observe", lambda self, step, values: noted.append(values))
    job = replace(make_job(inputs, steps=6), upkeep=Upkeep(peak_flops=known))
    _, rows = run(job, tmp_path, device)
    speeds = [values for values in noted if "tokens_per_second" in values]
    each = flops_per_token(job.recipe.architecture, tiny.VOCABULARY, 24)
    assert len(speeds) == 6
    for values in speeds:
        expected = {"mfu": values["tokens_per_second"] * each / known} if known else {}
        assert {key: values[key] for key in values if key == "mfu"} == expected
    assert not [row for row in rows if "mfu" in row or "tokens_per_second" in row]


RANK = """
import sys
from types import SimpleNamespace
import torch
from scripts.pretraining.engine import Engine
rank, meeting = int(sys.argv[1]), f"file://{sys.argv[2]}"
torch.distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
held = torch.ones(rank * 50_000_000)
print(*Engine.peak_memory(SimpleNamespace(device=torch.device("cpu"))).items())
"""


def test_the_memory_that_is_told_is_that_of_the_rank_that_took_most(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RANK]
    ranks = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "meeting")], cwd=tiny.ROOT, stdout=subprocess.PIPE)
        for rank in range(2)
    ]
    first, second = (rank.communicate(timeout=120)[0] for rank in ranks)
    assert first == second and first.startswith(b"('peak_resident_bytes', ")


def told(capsys: pytest.CaptureFixture[str], device: str, precision: str, *layout: str) -> tuple[int, str, str]:
    """Return what the rule of training learns from a forecast."""
    chosen = json.dumps(tiny.settings(precision=precision))
    code = forecast.main(["--options", "--device", device, "--settings", chosen, "--vocabulary", "61", *layout])
    printed = capsys.readouterr()
    return code, printed.out.strip(), printed.err


@pytest.mark.parametrize(
    ("device", "precision", "peak"),
    [("none", "fp32", "0"), ("h100", "fp32", "6.69e+13"), ("h100", "bf16-autocast", "9.894e+14")],
)
def test_the_peak_is_that_of_the_precision(
    device: str, precision: str, peak: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, options, _ = told(capsys, device, precision)
    assert code == 0 and options.startswith(f"--peak-flops {peak} --predicted-bytes ")


def test_the_predicted_bytes_are_those_of_the_layout(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = Recipe.from_settings(tiny.settings())
    for layout, grid in {
        (): Grid(micro_batch=8),
        ("--devices", "4", "--tensor", "2", "--zero-stage", "2"): Grid(2, tensor=2, zero_stage=2, micro_batch=4),
    }.items():
        _, options, _ = told(capsys, "none", "fp32", *layout)
        assert int(options.split()[-1]) == memory(recipe, 61, grid, fused_dropout=False).total


@pytest.mark.parametrize(
    ("layout", "sentence"),
    [
        (("--devices", "0", "--propose"), "--devices: 0 is too little; give at least 1."),
        (("--devices", "3", "--propose"), "No layout shares its 8 sequences among 3 devices; choose a divisor."),
    ],
)
def test_devices_that_no_layout_has_are_refused(
    capsys: pytest.CaptureFixture[str], layout: tuple[str, ...], sentence: str
) -> None:
    code, _, error = told(capsys, "h100", "fp32", *layout)
    assert code == 1 and error.strip().endswith(sentence)


def test_a_vocabulary_of_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert forecast.main(["--settings", json.dumps(tiny.settings()), "--vocabulary", "0"]) == 1
    assert "--vocabulary: 0 is no number of pieces; give at least 1." in capsys.readouterr().err


def test_an_unknown_device_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, options, error = told(capsys, "h1000", "fp32")
    assert (code, options) == (1, "") and "did you mean 'h100'?" in error
