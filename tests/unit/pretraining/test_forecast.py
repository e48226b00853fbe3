"""Time, cost and layouts: sums by hand, published measurements, and what is refused with what would fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.lib.errors import UserError
from scripts.pretraining import forecast
from scripts.pretraining.cost import Step, all_reduce_time, cost, step_time
from scripts.pretraining.devices import device, rates, table
from scripts.pretraining.grid import Grid, check_grid, divisors, grids
from scripts.pretraining.memory import memory
from scripts.pretraining.recipe import BF16, PRECISIONS, Recipe
from scripts.pretraining.size import flops_per_token

VOCABULARY = 50368
H100 = device("h100")
SHAPES = {
    "1b": {"layers": 24, "width": 2048, "heads": 16},
    "7b": {"layers": 32, "width": 4096, "heads": 32},
    "13b": {"layers": 40, "width": 5120, "heads": 40},
    "70b": {"layers": 80, "width": 8192, "heads": 64},
}


def settings(size: str = "7b", batch: int = 512, length: int = 2048, **shape: Any) -> dict[str, Any]:
    """The settings of a model of the size that MPT has."""
    return {
        "model": f"mpt-{size}",
        "seed": 1,
        "objective": "causal",
        "architecture": {"family": "gpt2", "context": length, **SHAPES[size], **shape},
        "training": {
            "steps": 1000,
            "sequence_length": length,
            "global_batch": batch,
            "precision": "bf16-autocast",
            "optimizer": {"learning_rate": 1e-4},
            "schedule": {"warmup": 10},
        },
    }


def recipe(*given: Any, **shape: Any) -> Recipe:
    return Recipe.from_settings(settings(*given, **shape))


# Model, device, devices, sequences at once, whether layers are computed again, MFU as published by llm-foundry
# (scripts/train/benchmarking/README.md, bf16, 2,048 tokens, everything shared as ZeRO 3 does).
PUBLISHED = [
    ("1b", "h100", 8, 112, 14, False, 0.418),
    ("1b", "h100", 64, 1280, 20, False, 0.409),
    ("7b", "h100", 8, 48, 6, False, 0.464),
    ("13b", "h100", 64, 128, 2, False, 0.399),
    ("70b", "h100", 64, 2048, 8, True, 0.426),
    ("1b", "a100-80gb", 8, 448, 14, False, 0.599),
    ("7b", "a100-80gb", 8, 96, 6, False, 0.642),
    ("70b", "a100-80gb", 64, 2048, 8, True, 0.533),
]


@pytest.mark.parametrize(("size", "on", "devices", "batch", "micro", "again", "measured"), PUBLISHED)
def test_the_predicted_mfu_is_near_what_others_measured(
    size: str, on: str, devices: int, batch: int, micro: int, again: bool, measured: float
) -> None:
    grid = Grid(data=devices, zero_stage=3, micro_batch=micro, checkpointing=again)
    predicted = cost(recipe(size, batch), VOCABULARY, grid, device(on), rates()).mfu
    assert predicted == pytest.approx(measured, rel=0.25)


def test_time_and_cost_add_up_by_hand() -> None:
    made = recipe("7b", 64)
    found = cost(made, VOCABULARY, Grid(data=8, micro_batch=8), H100, rates(price=2.0, effectiveness=1.5, carbon=0.5))
    flops = flops_per_token(made.architecture, VOCABULARY, 2048) * 64 * 2048
    seconds = flops / (8 * 989.4e12 * 0.43)
    assert found.step.total == pytest.approx(seconds)
    assert found.mfu == pytest.approx(0.43)
    assert found.days == pytest.approx(seconds * 1000 / 86400)
    assert found.device_hours == pytest.approx(8 * seconds * 1000 / 3600)
    assert found.energy == pytest.approx(found.device_hours * 0.7 * 1.5)
    assert found.carbon == pytest.approx(found.energy * 0.5)
    assert found.money == pytest.approx(2 * found.device_hours)
    assert cost(made, VOCABULARY, Grid(data=8, micro_batch=8), H100, rates()).money is None


def test_what_a_layout_waits_for() -> None:
    made = recipe("7b", 64)
    plain = step_time(made, VOCABULARY, Grid(data=8), H100, 64)
    again = step_time(made, VOCABULARY, Grid(data=8, checkpointing=True), H100, 64)
    assert again == Step(plain.computation, plain.computation / 3, 0.0, 0.0)
    pipeline = step_time(made, VOCABULARY, Grid(data=2, pipeline=4), H100, 64)
    assert pipeline.bubble == pytest.approx(3 / 32 * pipeline.computation)
    tensor = step_time(made, VOCABULARY, Grid(data=1, tensor=8), H100, 64)
    sent = 4 * 32 * 64 * 2048 * 4096 * 2 * (2 * 7 / 8)
    assert tensor.communication == pytest.approx(sent / 450e9)
    slow = replace(H100, inside=1e9)
    assert step_time(made, VOCABULARY, Grid(data=8), slow, 64).communication > 0


def test_rings_between_machines_use_a_card_a_device() -> None:
    assert all_reduce_time(8e9, 8, H100) == pytest.approx(2 * 7 / 8 * 8e9 / 450e9)
    assert all_reduce_time(8e9, 16, H100) == pytest.approx(2 * 15 / 16 * 8e9 / 400e9)
    assert all_reduce_time(8e9, 16, H100, beside=8) == pytest.approx(2 * 15 / 16 * 8e9 / 50e9)


def test_the_table_is_complete() -> None:
    for name in table()["devices"]:
        one = device(name)
        assert one.source and one.kind in ("cpu", "gpu")
        for precision, peak in one.peak.items():
            assert 0 < one.efficiency[precision] < 1 and peak > 1e9
        assert one.inside >= one.between > 1e8 and one.memory > 1e9 and one.watts > 0 and one.machine >= 1
    with pytest.raises(UserError, match=r"--device: 'h10' is not in .*devices.yaml; did you mean 'h100'\?"):
        device("h10")
    with pytest.raises(UserError, match="--price: -1 must not be negative"):
        rates(price=-1)


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        (Grid(data=3), "--micro-batch x data: 3 does not divide training.global_batch of mpt-7b, 64"),
        (Grid(tensor=3), "--tensor: 3 does not divide architecture.key_value_heads of mpt-7b, 32"),
        (Grid(pipeline=5), "--pipeline: 5 does not divide architecture.layers of mpt-7b, 32"),
        (Grid(sequence=3), "--sequence: 3 does not divide training.sequence_length of mpt-7b, 2048"),
        (
            Grid(tensor=8, sequence=8),
            "--tensor x --sequence: 64 does not divide architecture.key_value_heads of mpt-7b",
        ),
        (Grid(offload=True), "--offload: what DeepSpeed moves to the host is ZeRO's share of the optimiser"),
        (Grid(pipeline=4, zero_stage=2), "--zero-stage: 2 shares gradients, which a pipeline adds up"),
        (Grid(pipeline=4), "--zero-stage: 0 lets DeepSpeed clip the gradient of each stage by itself"),
    ],
)
def test_layouts_that_do_not_divide_the_model_are_refused(grid: Grid, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        check_grid(grid, recipe("7b", 64))


def test_every_layout_that_is_looked_at_is_whole() -> None:
    made = recipe("7b", 64)
    found = list(grids(made, 16, 8))
    for grid in found:
        check_grid(grid, made)
        assert grid.devices == 16 and grid.data * grid.micro_batch * grid.accumulation(64) == 64
    assert {(one.tensor, one.pipeline) for one in found} >= {(1, 1), (8, 2), (1, 16)}
    assert divisors(12, 4) == [1, 2, 3, 4]


def run(
    capsys: pytest.CaptureFixture[str], *options: str, size: str = "7b", batch: int = 512, **training: Any
) -> tuple[int, str, str]:
    chosen = settings(size, batch)
    chosen["training"] |= training
    code = forecast.main(["--settings", json.dumps(chosen), "--vocabulary", str(VOCABULARY), *options])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_what_does_not_fit_is_refused_with_a_layout_that_does(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, error = run(capsys, "--device", "h100", "--devices", "8", "--micro-batch", "4")
    assert (code, out) == (1, "")
    assert "mpt-7b does not fit on 8 x h100 with data 8 x tensor 1" in error
    assert "Use data 8 x tensor 1 x pipeline 1 x sequence 1, ZeRO" in error
    proposed = error.split("Use ")[1]
    stage, micro = proposed.split("ZeRO ")[1][0], proposed.split("micro-batch ")[1].split(",")[0]
    stated = ("--device", "h100", "--devices", "8", "--zero-stage", stage, "--micro-batch", micro)
    code, out, _ = run(capsys, *stated)
    assert code == 0 and "GB usable a device" in out
    assert f"accumulation {512 // 8 // int(micro)}" in out


def test_the_proposal_is_the_fastest_that_fits() -> None:
    made, stated = recipe("13b", 512), rates()
    best = forecast.proposal(made, VOCABULARY, 16, H100, stated)
    assert best is not None and best.fits
    for grid in grids(made, 16, 8):
        if memory(made, VOCABULARY, grid).total <= H100.usable:
            assert cost(made, VOCABULARY, grid, H100, stated).step.total > 0.998 * best.cost.step.total


def test_it_says_how_many_devices_would_do(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = run(capsys, "--device", "h100", "--devices", "1", "--propose", size="70b")
    assert code == 1
    assert "mpt-70b does not fit on 1 x h100. No layout of 1 does;" in error
    assert "would, with data" in error


def test_the_optimizer_is_left_to_the_host_only_where_nothing_else_fits(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--device", "h100", "--devices", "4", "--propose", size="7b")
    roomy = code, "optimizer in the host's memory" in out
    code, out, _ = run(capsys, "--device", "a100-40gb", "--devices", "2", "--propose", size="7b")
    assert (roomy, code, "optimizer in the host's memory" in out) == ((0, False), 0, True)


def test_long_sequences_are_shared_where_nothing_else_fits() -> None:
    chosen = settings("1b", 8, 131_072)
    chosen["architecture"] |= {"family": "llama", "tied_embeddings": False}
    made, on = Recipe.from_settings(chosen), device("a100-40gb")
    best = forecast.proposal(made, 32768, 8, on, rates())
    assert best is not None and best.fits and best.grid.sequence > 1 and not best.grid.offload
    assert not any(memory(made, 32768, grid).total <= on.usable for grid in grids(made, 8, on.machine))


def test_what_sequence_parallelism_exchanges() -> None:
    made = recipe("7b", 64)
    shared = step_time(made, VOCABULARY, Grid(data=1, sequence=8, zero_stage=1), H100, 64)
    sent = 2 * 32 * 4 * 4096 * 2 * 64 * 2048 / 8 * 7 / 8  # passes, layers, tensors, width, bytes, tokens of a device
    assert shared.communication == pytest.approx(sent / 450e9)


def test_devices_that_do_not_fit_into_the_machines_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    stated = ("--device", "h100", "--devices", "16", "--zero-stage", "3", "--micro-batch", "1")
    assert run(capsys, *stated)[0] == run(capsys, *stated, "--machines", "2")[0] == 0
    code, _, error = run(capsys, *stated, "--machines", "1")
    assert (
        code == 1 and "trained on 16 x h100, and 1 x 8 is what the machines of the job hold; give it nodes=2" in error
    )


def test_what_the_host_keeps_takes_nothing_of_a_device() -> None:
    made = recipe()
    there, away = (memory(made, VOCABULARY, Grid(data=8, zero_stage=2, offload=one)) for one in (False, True))
    assert away == replace(there, optimizer=0) and there.optimizer > 1e9


def test_muon_is_planned_without_what_it_cannot_be_trained_with() -> None:
    chosen = settings("1b")
    chosen["training"]["optimizer"]["name"] = "muon"
    made = Recipe.from_settings(chosen)
    found = list(grids(made, 8, 8))
    assert found and all((one.tensor, one.pipeline, one.zero_stage) == (1, 1, 0) for one in found)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_what_is_proposed_can_be_trained_with(capsys: pytest.CaptureFixture[str], name: str, precision: str) -> None:
    """By itself, and in place of what does not fit; each kind of weights and optimiser takes other layouts."""
    stated = ("--device", "h100", "--devices", "8")
    chosen = {"precision": precision, "optimizer": {"name": name, "learning_rate": 1e-4}}
    code, out, error = run(capsys, *stated, "--propose", size="1b", **chosen)
    if (name, precision) == ("muon", BF16):
        assert code == 1 and error.startswith(
            "error: training.precision: bf16 adds small updates up in fp32 with ZeRO 1"
        )
        return
    assert code == 0 and (precision != BF16 or "ZeRO 0" not in out)
    most = ("--micro-batch", "64", "--zero-stage", "0" if name == "muon" else "1")
    code, _, error = run(capsys, *stated, *most, size="1b", **chosen)
    assert code == 1 and "mpt-1b does not fit on 8 x h100" in error and "Use data 8" in error


def test_without_a_device_nothing_is_reckoned(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--devices", "2", "--tensor", "2") == (0, "", "")
    code, _, error = run(capsys, "--devices", "3", "--tensor", "3")
    assert code == 1 and "--tensor: 3 does not divide architecture.key_value_heads of mpt-7b, 32" in error


def test_json_has_the_same_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    stated = ("--device", "h100", "--devices", "8", "--zero-stage", "3", "--micro-batch", "1", "--json")
    code, out, _ = run(capsys, *stated)
    found = json.loads(out)
    assert code == 0 and found["layout"]["devices"] == 8 and found["layout"]["accumulation"] == 64
    parts = ("weights", "gradients", "optimizer", "activations", "logits", "buffers")
    assert found["memory"]["total"] == sum(found["memory"][part] for part in parts)
    assert found["cost"]["step"]["total"] > 0


def test_devices_that_cannot_be_divided_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = run(capsys, "--device", "h100", "--devices", "6", "--tensor", "4")
    assert code == 1 and "--devices: 6 cannot be divided into tensor 4" in error


def test_from_a_tokenizer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = tmp_path / "main.json"
    manifest.write_text(
        json.dumps({"schema": 1, "files": [], "accounting": None, "summary": {"vocabulary": 1000}}), "utf-8"
    )
    options = ["--settings", json.dumps(settings("1b")), "--tokenizer", str(manifest), "--device", "h100"]
    assert forecast.main([*options, "--micro-batch", "1"]) == 0
    assert "mpt-1b: 1,2" in capsys.readouterr().out
