"""The loop of one rank in this process: what does not need two of them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from scripts.lib.errors import UserError
from scripts.lib.seen import Seen
from scripts.pretraining import failures, trainer
from scripts.pretraining.data import data_order, open_streams
from scripts.pretraining.engine import Engine
from scripts.pretraining.export import TEXTS
from scripts.pretraining.job import Upkeep
from scripts.pretraining.presence import Presence
from tests.unit.pretraining import tiny
from tests.unit.pretraining.rank import losses, make_job, run


@pytest.mark.parametrize(
    ("family", "zero_stage"),
    [("gpt2", 0), ("bert", 0), ("modernbert", 0), ("llama", 1), ("llama", 3)],
    ids=lambda value: str(value),
)
def test_resumed_with_dropout_or_masks_the_weights_are_the_same_bits(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, family: str, zero_stage: int
) -> None:
    job = make_job(inputs, zero_stage=zero_stage, family=family, steps=10, dropout=0.1)
    weights, rows = run(job, tmp_path, device)
    shutil.rmtree(tmp_path / "step-00000010")
    torch.manual_seed(99)
    again, repeated = run(job, tmp_path, device)
    assert repeated == rows
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert ("bits_per_byte" in rows[-1]["validation"]["web"]) == ("bert" not in family)


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_the_split_into_micro_batches_does_not_change_the_losses(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, family: str
) -> None:
    found = [
        losses(run(make_job(inputs, micro, family=family, steps=10), tmp_path / str(micro), device)[1])
        for micro in (1, 4, 8)
    ]
    for other in found[1:]:
        assert max(abs(a - b) for a, b in zip(found[0], other, strict=True)) <= 1e-5


@pytest.mark.parametrize(
    ("family", "training"),
    [
        ("llama", {"packing": "best_fit"}),
        ("bert", {"packing": "best_fit", "whole_words": True, "masked_share": 0.4}),
        ("gpt2", {}),
    ],
)
def test_the_record_of_what_was_seen_is_the_plan(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, family: str, training: dict[str, Any]
) -> None:
    """Also where documents are packed, and every token of them is asked for but padding."""
    inputs.pack(24)
    job = make_job(inputs, family=family, steps=5, **training)
    _, rows = run(job, tmp_path, device)
    order = data_order(job.recipe, {}, open_streams(job.sources, "train"))
    record = Seen.load(tmp_path / "result").record()
    assert record["steps"] == 5
    assert record["sources"] == {
        name: {"samples": taken.samples, "tokens": taken.tokens}
        for name, taken in order.taken(5 * order.global_batch).items()
    }
    total = sum(taken["tokens"] for taken in record["sources"].values())
    assert (total == 5 * 8 * 24) == (not training)
    assert [row["tokens"] for row in rows if "loss" in row][-1] == total
    anew = Seen()
    for step in range(5):
        anew.add(step, *order.draw(step))
    assert anew.digest == record["batches"]
    assert all(0 < loss < 10 for loss in losses(rows))


def test_ranks_that_are_fed_other_batches_are_stopped_and_not_saved(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where one machine has other shards: a second rank is made up."""
    alone = trainer.Trainer(make_job(inputs, steps=10), tmp_path, device)

    def gathered(found: list[str], own: str) -> None:
        found[:] = [own, "0" * 64]

    monkeypatch.setattr(torch.distributed, "all_gather_object", gathered)
    with pytest.raises(
        UserError, match="stopped after step 4: rank 1 read other batches than rank 0; give all machines"
    ):
        alone.run()
    assert left(tmp_path) == []


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_context_shorter_than_a_prompt_leaves_room_for_samples(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, family: str
) -> None:
    """GPT-2 has no embedding of a place behind its context."""
    _, rows = run(make_job(inputs, family=family, steps=5, sequence_length=8, shape={"context": 8}), tmp_path, device)
    written = [row["sample"] for row in rows if "sample" in row]
    written += json.loads((tmp_path / "result" / "samples.json").read_text("utf-8"))
    assert len(written) == 1 + TEXTS * (1 + len(tiny.SOURCES)) and any(sample["text"] for sample in written)


def test_dropout_changes_the_losses(inputs: tiny.Inputs, device: torch.device, tmp_path: Path) -> None:
    without, with_dropout = (
        losses(run(make_job(inputs, family="gpt2", steps=5, dropout=value), tmp_path / str(value), device)[1])
        for value in (0.0, 0.3)
    )
    assert abs(without[1] - with_dropout[1]) > 1e-4


def test_a_loss_that_is_not_finite_stops_with_the_step(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path
) -> None:
    wild = {"optimizer": {"learning_rate": 1e30, "weight_decay": 0.0}, "gradient_clipping": 0.0}
    with pytest.raises(
        UserError,
        match=r"stopped at step \d+: the (loss|gradient norm) is (nan|inf) on rank 0; .*learning_rate.*books/0:",
    ):
        run(make_job(inputs, steps=10, **wild), tmp_path, device)


def test_an_update_without_effect_stops(inputs: tiny.Inputs, device: torch.device, tmp_path: Path) -> None:
    still = {"optimizer": {"learning_rate": 1e-30, "weight_decay": 0.0}}
    with pytest.raises(UserError, match=r"stopped at step 0: the update left the weights unchanged"):
        run(make_job(inputs, steps=10, **still), tmp_path, device)


@pytest.mark.parametrize(("precision", "zero_stage"), [("fp32", 1), ("fp32", 2), ("bf16", 2), ("fp32", 3)])
def test_an_update_that_does_not_reach_what_the_model_computes_with_stops(
    inputs: tiny.Inputs,
    device: torch.device,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    zero_stage: int,
) -> None:
    original = Engine._step

    def without_one(self: Engine) -> None:
        weights: Any = dict(self.named_parameters())["model.layers.1.mlp.down_proj.weight"]
        used = weights.ds_tensor if zero_stage == 3 else weights.data
        before = used.clone()
        original(self)
        used.copy_(before)

    monkeypatch.setattr(Engine, "_step", without_one)
    job = make_job(inputs, steps=5, precision=precision, zero_stage=zero_stage)
    said = rf"stopped at step 0: [\d,]+ weights that the model computes with are .* --zero-stage {zero_stage}, so use another"
    with pytest.raises(UserError, match=said):
        run(job, tmp_path, device)


def left(folder: Path) -> list[int]:
    """Return the steps of the checkpoints in a folder."""
    return sorted(int(path.name.removeprefix("step-")) for path in folder.glob("step-*"))


def test_the_newest_and_every_so_many_checkpoints_stay(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path
) -> None:
    run(replace(make_job(inputs, steps=20), upkeep=Upkeep(keep_last=1, keep_every=10)), tmp_path, device)
    assert left(tmp_path) == [10, 20]


class AskedInStepSix(Presence):
    """A rank that is asked to stop in its seventh step."""

    def asked_to_stop(self) -> bool:
        return self.words.startswith("step 6:")


@pytest.mark.parametrize(("action", "stay"), [("skip", [7]), ("rollback", [5, 7])])
def test_a_run_that_may_go_back_keeps_where_to(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, action: str, stay: list[int]
) -> None:
    job = replace(make_job(inputs, steps=10, spikes={"action": action}), upkeep=Upkeep(keep_last=1))
    assert not trainer.Trainer(job, tmp_path, device, AskedInStepSix(0)).run()
    assert left(tmp_path) == stay


@pytest.mark.parametrize("what", ["loss", "gradient norm"])
def test_the_micro_batch_that_is_not_finite_is_named(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Also where what is told as the loss is finite, and what is minimised is not."""
    job, original = make_job(inputs, steps=5), trainer.training_losses
    asked = []

    def broken(*given: object) -> tuple[torch.Tensor, torch.Tensor]:
        asked.append(given)
        minimised, nats = original(*given)
        factor = float("nan") if len(asked) == 4 + 2 else 1.0
        return (minimised, nats * factor) if what == "loss" else (minimised * factor, nats)

    monkeypatch.setattr(trainer, "training_losses", broken)
    with pytest.raises(UserError, match=rf"stopped at step 1: the {what} is nan on rank 0") as caught:
        run(job, tmp_path, device)
    data = trainer.TrainingData(job.recipe, job.weights, job.sources)
    assert str(caught.value).endswith(f"are {', '.join(data.documents(1, (2, 3)))}.")


@pytest.mark.parametrize(
    ("precision", "zero_stage"),
    [("fp32", 0), ("fp32", 1), ("bf16-autocast", 2), ("bf16", 1), ("bf16", 2), ("bf16", 3), ("fp32", 3)],
)
def test_a_gradient_that_is_not_finite_stops_though_deepspeed_skips_it_in_silence(
    inputs: tiny.Inputs,
    device: torch.device,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    zero_stage: int,
) -> None:
    """DeepSpeed's issue 8415: training nothing for ever."""
    job, original = make_job(inputs, steps=5, precision=precision, zero_stage=zero_stage), trainer.training_losses
    asked = []

    def steep(*given: object) -> tuple[torch.Tensor, torch.Tensor]:
        asked.append(given)
        minimised, nats = original(*given)
        return (minimised * float("inf") if len(asked) > 2 * 4 else minimised), nats

    monkeypatch.setattr(trainer, "training_losses", steep)
    with pytest.raises(UserError, match=r"stopped at step 2: the gradient norm is (inf|nan) on rank 0"):
        run(job, tmp_path, device)


def test_where_all_micro_batches_are_finite_any_may_be_at_fault(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, original = make_job(inputs, steps=5), trainer.training_losses

    def steep(*given: object) -> tuple[torch.Tensor, torch.Tensor]:
        minimised, nats = original(*given)
        minimised.register_hook(lambda gradient: gradient * float("inf"))
        return minimised, nats

    monkeypatch.setattr(trainer, "training_losses", steep)
    data = trainer.TrainingData(job.recipe, job.weights, job.sources)
    with pytest.raises(UserError, match=r"step 0: the gradient norm is (inf|nan) on rank 0") as caught:
        run(job, tmp_path, device)
    assert ", ".join(data.documents(0, range(8))[: failures.MOST]) in str(caught.value)


def test_memory_that_runs_out_is_told_with_what_to_turn(inputs: tiny.Inputs) -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55)
    assert failures.is_out_of_memory(caught.value)
    assert not failures.is_out_of_memory(RuntimeError("shapes cannot be multiplied"))
    job = make_job(inputs)
    sentence = str(failures.out_of_memory(job, 1, "step 3: forward"))
    assert "on rank 1 (step 3: forward): weights, gradients and optimizer take 0.000" in sentence
    assert "--micro-batch-tokens (now 48," in sentence and "--zero-stage (now 0)" in sentence
    told = failures.out_of_memory(replace(job, upkeep=Upkeep(predicted_bytes=25_000_000_000)), 1, "step 3: forward")
    assert "(step 3: forward): the forecast counts 25 GB of tensors a rank for this layout, weights" in str(told)
